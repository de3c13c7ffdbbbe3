"""What judges are shown: the sampled calls of a day, with their texts."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from llmops_pipelines import ingest, judging
from llmops_pipelines.orchestration.landing.landing import kept_texts
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.spooling import dealt_out
from llmops_pipelines.tables import CALL_TEXTS, LLM_CALLS, SAMPLED_TRACES, STEP_TEXTS, Table


def items_of(lake: Lake, day: date) -> AbstractContextManager[judging.Items]:
    """The sampled calls of ``day`` with their texts."""
    sampled = lake.scan(SAMPLED_TRACES, [day])
    return sampled_items(lake, sampled, lake.scan(LLM_CALLS, [day]), day)


@contextmanager
def sampled_items(
    lake: Lake, sampled: pl.LazyFrame, llm_calls: pl.LazyFrame, day: date
) -> Iterator[judging.Items]:
    """The ``sampled`` calls with their texts; where they are many, from files, so many at a time.

    Slices are drawn by a hash of the call's id, so that the first ones are a fair part of the day.
    """
    drawn = sampled.select("call_id", "trace_id", "feature").collect()
    if drawn.height <= _SLICE:
        wanted = llm_calls.join(drawn.lazy().select("call_id"), on="call_id", how="semi")
        yield judging.items(drawn, kept_texts(lake, day, wanted))
        return
    with TemporaryDirectory(prefix="llmops-") as folder:
        files = _in_slices(lake, drawn, llm_calls, day, Path(folder))
        del drawn
        yield judging.SlicedItems(lambda: (pl.read_parquet(file) for file in files))


_SLICE = 2_000
"""Calls whose texts are held at once."""

_MOST_SLICES = 500
"""Each has a file, and while texts are dealt out all of them are open: where a day has more than a
million sampled calls, more of them are held at once."""

_SHOWN = (
    "batch", "call_id", "source_file", "source_line", "record_digest", "content_digest", "question",
    "answer", "contexts",
)  # fmt: skip
"""What of ``CALL_TEXTS`` tells the kept records apart, and what of them judges see."""


def _in_slices(
    lake: Lake, drawn: pl.DataFrame, llm_calls: pl.LazyFrame, day: date, folder: Path
) -> list[Path]:
    """A file for each slice; the day's texts are read once, part by part, and dealt out to them."""
    size = max(_SLICE, ceil(drawn.height / _MOST_SLICES))
    slices = drawn.sort(pl.col("call_id").hash(), "call_id").with_columns(
        slice=(pl.int_range(pl.len()) // size).cast(pl.Int32)
    )
    calls = slices.lazy().select("call_id", "slice")
    steps = (
        llm_calls.select("call_id", step_id="context_steps")
        .join(calls, on="call_id")
        .select("slice", "step_id")
        .explode("step_id")
        .filter(pl.col("step_id").is_not_null())
        .unique()
        .collect()
    )
    documents: dict[int, Path] = {}
    for number, rows in _dealt(lake, STEP_TEXTS, day, steps.lazy(), on="step_id"):
        documents[number] = folder / f"steps-{number}.parquet"
        rows.sink_parquet(documents[number], compression="lz4")
    files = []
    for number, texts in _dealt(lake, CALL_TEXTS, day, calls, on="call_id", columns=_SHOWN):
        own = slices.filter(slice=number)
        wanted = llm_calls.join(own.lazy().select("call_id"), on="call_id", how="semi")
        retrieved = pl.scan_parquet(documents[number]) if number in documents else None
        files.append(folder / f"{number}.parquet")
        found = judging.items(own, ingest.texts_of(texts, wanted, retrieved))
        found.write_parquet(files[-1], compression="lz4")
    return files


def _dealt(
    lake: Lake,
    table: Table,
    day: date,
    slices: pl.LazyFrame,
    *,
    on: str,
    columns: tuple[str, ...] | None = None,
) -> Iterator[tuple[int, pl.LazyFrame]]:
    """The rows of ``table`` that each of the ``slices`` wants, slice by slice."""
    parts = (
        part.select(columns or table.schema.names()).join(slices, on=on)
        for part in lake.parts(table, day)
    )
    for number, rows in dealt_out(parts, pl.col("slice"), _SLICE):
        if number is not None:
            yield number, rows.drop("slice")

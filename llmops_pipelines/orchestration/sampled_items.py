"""What judges are shown: the sampled calls of a day, with their texts."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.landing import kept_texts
from llmops_pipelines.tables import (
    LLM_CALLS,
    SAMPLED_TRACES,
)


def items_of(lake: Lake, day: date) -> AbstractContextManager[judging.Items]:
    """The sampled calls of ``day`` with their texts."""
    sampled = lake.read(SAMPLED_TRACES, [day]).drop("day")
    return sampled_items(lake, sampled, lake.scan(LLM_CALLS, [day]), day)


@contextmanager
def sampled_items(
    lake: Lake, sampled: pl.DataFrame, llm_calls: pl.LazyFrame, day: date
) -> Iterator[judging.Items]:
    """The ``sampled`` calls with their texts; where they are many, from files, so many at a time.

    Slices are drawn by a hash of the call's id, so that the first ones are a fair part of the day.
    """
    if sampled.height <= _SLICE:
        yield _items(lake, sampled, llm_calls, day)
        return
    with TemporaryDirectory(prefix="llmops-") as folder:
        files: list[Path] = []
        for part in sampled.sort(pl.col("call_id").hash(), "call_id").iter_slices(_SLICE):
            files.append(Path(folder, f"{len(files)}.parquet"))
            _items(lake, part, llm_calls, day).write_parquet(files[-1], compression="lz4")
        yield judging.SlicedItems(lambda: (pl.read_parquet(file) for file in files))


_SLICE = 5_000
"""Calls whose texts are held at once."""


def _items(lake: Lake, sampled: pl.DataFrame, llm_calls: pl.LazyFrame, day: date) -> pl.DataFrame:
    wanted = llm_calls.join(sampled.lazy().select("call_id"), on="call_id", how="semi")
    return judging.items(sampled, kept_texts(lake, day, wanted))

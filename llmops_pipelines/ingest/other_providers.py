"""Lines of a log that answers of another provider stand on, whose format its first lines are not.

An application that asks several providers logs their answers side by side. The format that most
lines are in finds neither counts nor text in the others, or rejects them; these are looked at
again, and read as what they are.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.formats import FORMATS, Reading, Rows
from llmops_pipelines.formats.reading import Record
from llmops_pipelines.ingest.rewriting import object_in
from llmops_pipelines.tables import TOKEN_BUCKETS

PROVIDERS: Final = (
    "bedrock_converse", "openai_responses", "anthropic", "gemini", "cohere", "ollama",
    "openai_chunks", "openai",
)  # fmt: skip
"""Formats of what providers answer, bare or in our envelope, in the order of ``FORMATS``."""


def of_others(
    rows: Rows, records: pl.DataFrame, lines: pl.DataFrame, reading: Reading
) -> pl.DataFrame:
    """The ``n`` of those ``lines`` that another provider's format recognises, and its name.

    Args:
        rows: What was read of ``records``.
        records: ``n`` of each record, and ``line``, the ``n`` of its line.
        lines: ``n`` and ``raw``.
        reading: How they were read; one that people have placed fields for is left alone.

    Returns:
        ``n`` and ``format``; empty where there is no doubt.
    """
    nothing = pl.DataFrame(schema={"n": pl.Int64, "format": pl.String})
    if reading.format not in PROVIDERS:
        return nothing
    unread = pl.concat(
        [rows.rejected.select("n"), rows.calls.filter(_says_nothing(reading)).select("n")]
    )
    if unread.is_empty() or reading != FORMATS[reading.format].reading():
        return nothing
    suspects = records.join(unread, on="n", how="semi").select(n="line").unique()
    found = [
        (number, name)
        for number, raw in lines.join(suspects, on="n", how="semi").select("n", "raw").iter_rows()
        if (name := other_format(object_in(raw), reading.format))
    ]
    return pl.DataFrame(found, schema=nothing.schema, orient="row") if found else nothing


def _says_nothing(reading: Reading) -> pl.Expr:
    """Whether a call has no answer; a flat format would not find counts either.

    One that unpacks takes a response in which it finds nothing for a failure.
    """
    silent = pl.col("answer").is_null() & (pl.col("tool_calls").list.len() == 0)
    if reading.unpack is not None:
        return silent
    uncounted = pl.all_horizontal(pl.col(name).is_null() for name in TOKEN_BUCKETS)
    unended = pl.col("finish_reason").is_null()  # a text that another provider puts where it looks
    return (silent | unended) & uncounted & (pl.col("status") == "ok")


def other_format(record: Record | None, own: str) -> str | None:
    """The provider's format of a record, if it is another than its file's ``own``, else None.

    Format ``openai`` recognises whatever has messages in its request: it is asked last.
    """
    if own not in PROVIDERS or record is None:
        return None
    if own != "openai" and FORMATS[own].recognises(record):
        return None
    found = next((name for name in PROVIDERS if FORMATS[name].recognises(record)), None)
    return found if found != own else None

"""Lines of a log that are in another format than its first lines.

An application that asks several providers logs their answers side by side, and what collects the
logs of a company puts those of several tools into one file. The format that most lines are in finds
neither counts nor text in the others, or passes them over, or rejects them; these are looked at
again, and read as what they are.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.formats import FORMATS, Reading, Rows, Unpacked, sniff_records
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.ingest.log_files.rewriting import object_in
from llmops_pipelines.tables import TOKEN_BUCKETS

PROVIDERS: Final = tuple(known.name for known in FORMATS.values() if known.enveloped)
"""Formats of what providers answer, bare or in our envelope."""

_NAMED: Final = ("bedrock_converse", "gemini")
"""Those of one provider, named with every answer, that read other providers' answers as well."""

_OF_SEVERAL_LINES: Final = ("anthropic_events", "mapped")
"""Formats that no line is recognised as by itself."""


def of_others(rows: Rows, read: Unpacked, lines: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """The ``n`` of those ``lines`` that another format recognises, and its name.

    Args:
        rows: What was read of the records of ``read``.
        read: What ``lines`` hold.
        lines: ``n`` and ``raw``.
        reading: How they were read. One that people have placed fields for is left alone, and so
            is a tool's format that they have named.

    Returns:
        ``n`` and ``format``; empty where there is no doubt.
    """
    nothing = pl.DataFrame(schema={"n": pl.Int64, "format": pl.String})
    if reading.pinned and reading.format not in PROVIDERS:
        return nothing
    silent = rows.calls.filter(_says_nothing(reading))
    doubtful = [rows.rejected, silent]
    if reading.format not in PROVIDERS:  # a tool takes for a step what tells of no model
        doubtful.append(rows.steps)
    unread = pl.concat(frame.select("n") for frame in doubtful)
    suspects = pl.concat(
        [
            read.records.join(unread, on="n", how="semi").select(n="line"),
            *(passed.select(n="line") for passed in (read.ignored, read.misfits)),
        ]
    ).unique()
    if suspects.is_empty() or reading != FORMATS[reading.format].reading():
        return nothing
    found = [
        (number, name)
        for number, raw in lines.join(suspects, on="n", how="semi").select("n", "raw").iter_rows()
        if (name := other_format(object_in(raw), reading.format))
    ]
    return pl.DataFrame(found, schema=nothing.schema, orient="row") if found else nothing


def _says_nothing(reading: Reading) -> pl.Expr:
    """Whether a call has no answer, or no counts where the format would find them beside one.

    Formats of providers that unpack take a response in which they find nothing for a failure. An
    answer without the provider that its format names is another's.
    """
    silent = pl.col("answer").is_null() & (pl.col("tool_calls").list.len() == 0)
    uncounted = pl.all_horizontal(pl.col(name).is_null() for name in TOKEN_BUCKETS)
    if reading.format not in PROVIDERS:
        return uncounted
    if reading.format in _NAMED:
        return silent | pl.col("provider").is_null()
    if reading.unpack is not None:
        return silent
    unended = pl.col("finish_reason").is_null()  # a text that another provider puts where it looks
    return (silent | unended) & uncounted & (pl.col("status") == "ok")


def other_format(record: Record | None, own: str) -> str | None:
    """The format of a record, if it is another than its file's ``own``, else None.

    Format ``openai`` recognises whatever has messages in its request: it is asked last.
    """
    if own in _OF_SEVERAL_LINES or record is None:
        return None
    if own != "openai" and FORMATS[own].recognises(record):
        return None
    found = sniff_records([record])
    return found if found not in (own, *_OF_SEVERAL_LINES) else None

"""A file's calls and what they were sent, read without landing it."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from llmops_pipelines.ingest.day.unique_rows import texts_of
from llmops_pipelines.ingest.landing.landing import land
from llmops_pipelines.ingest.log_files.files import LogFile
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.previewing.preview import distinct_calls
from llmops_pipelines.tables import CALL_TEXTS, LANDED_CALLS, LANDED_STEPS, LOG_INDEX, Table


class ReadAlone(NamedTuple):
    """``LLM_CALLS`` of all days of a file, and the ``CALL_TEXTS`` that they kept."""

    calls: pl.DataFrame
    texts: pl.DataFrame


def read_alone(file: LogFile, options: LandingOptions) -> ReadAlone:
    """Land ``file`` as if nothing had landed before, and keep nothing.

    Args:
        file: The file, under the path it would have below the log root.
        options: As for ``land``; its features decide what of the texts is kept.
    """
    tables: tuple[Table, ...] = (LANDED_CALLS, LANDED_STEPS, CALL_TEXTS)
    parts: dict[str, list[pl.DataFrame]] = {table.name: [table.empty()] for table in tables}
    for batch in land([file], options, LOG_INDEX.empty()):
        for name, days in batch.tables.items():
            parts.get(name, []).extend(days.values())
    landed, steps, texts = (
        pl.concat(frame.select(table.schema.names()) for frame in parts[table.name])
        for table in tables
    )
    calls = distinct_calls(landed, steps, options.features)
    return ReadAlone(calls, texts_of(texts.lazy(), calls.lazy()).collect())

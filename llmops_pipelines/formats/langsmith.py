"""Format ``langsmith``: LangSmith runs and feedback, as JSON or bulk-export Parquet."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

LANGSMITH: Final = LogFormat(
    name="langsmith",
    about="LangSmith runs and feedback, as JSON or bulk-export Parquet",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

"""Format ``langfuse``: Langfuse observations, traces and scores, however exported."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

LANGFUSE: Final = LogFormat(
    name="langfuse",
    about="Langfuse observations, traces and scores, exported or from its blob storage",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

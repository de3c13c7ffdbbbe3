"""Format ``openai_batch``: OpenAI Batch API output and error files."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

OPENAI_BATCH: Final = LogFormat(
    name="openai_batch",
    about="OpenAI Batch API output and error files",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

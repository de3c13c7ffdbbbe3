"""Format ``anthropic_batch``: Anthropic Message Batches result files."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

ANTHROPIC_BATCH: Final = LogFormat(
    name="anthropic_batch",
    about="Anthropic Message Batches result files",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

"""Format ``anthropic``: Anthropic messages."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

ANTHROPIC: Final = LogFormat(
    name="anthropic",
    about="Anthropic messages",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

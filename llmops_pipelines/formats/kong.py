"""Format ``kong``: Kong AI gateway logs."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

KONG: Final = LogFormat(
    name="kong",
    about="Kong AI gateway logs",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

"""Format ``portkey``: Portkey gateway logs."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

PORTKEY: Final = LogFormat(
    name="portkey",
    about="Portkey gateway logs",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

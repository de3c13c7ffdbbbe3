"""Format ``helicone``: Helicone requests."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

HELICONE: Final = LogFormat(
    name="helicone",
    about="Helicone requests",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

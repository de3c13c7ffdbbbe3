"""Format ``weave``: W&B Weave calls."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

WEAVE: Final = LogFormat(
    name="weave",
    about="W&B Weave calls",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

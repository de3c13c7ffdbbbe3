"""Format ``openinference``: OpenInference spans: OTLP JSON, or the spans data frame of Phoenix."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

OPENINFERENCE: Final = LogFormat(
    name="openinference",
    about="OpenInference spans: OTLP JSON, or the spans data frame of Phoenix",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

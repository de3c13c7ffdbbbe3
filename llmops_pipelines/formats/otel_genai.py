"""Format ``otel_genai``: OpenTelemetry GenAI spans as OTLP JSON, current and v1.36 names."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

OTEL_GENAI: Final = LogFormat(
    name="otel_genai",
    about="OpenTelemetry GenAI spans as OTLP JSON, current and v1.36 names",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)

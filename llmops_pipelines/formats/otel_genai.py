"""Format ``otel_genai``: OpenTelemetry GenAI spans as OTLP JSON, current and v1.36 names.

Also those of OpenLLMetry (Traceloop), of Vercel's AI SDK, of Langfuse's and MLflow's exporters, of
Sentry's SDK, and of those that record their own calls; and log records that hold the texts of a
span. Spans of OpenInference in the same file are read as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.dialects import (
    gen_ai,
    langfuse_spans,
    mlflow_spans,
    traceloop,
    unpack_spans,
    vercel,
)
from llmops_pipelines.formats.engine.reading import LogFormat
from llmops_pipelines.formats.otlp import (
    SIGNALS,
    SPAN_MARKS,
    Span,
    is_request,
    logs_of,
    spans_of,
)

_DIALECTS: Final = (gen_ai, traceloop, langfuse_spans, mlflow_spans, vercel)


def _speaks(span: Span) -> bool:
    return any(dialect.speaks(span) for dialect in _DIALECTS)


def _recognises(record: Mapping[str, Any]) -> bool:
    """Spans in a dialect, or any export request of spans: later ones of its file may hold calls."""
    if is_request(record) or any(_speaks(span) for span in spans_of(record)):
        return True
    return any(log.name.startswith("gen_ai.") for log in logs_of(record))


OTEL_GENAI: Final = LogFormat(
    name="otel_genai",
    about="OpenTelemetry GenAI spans as OTLP JSON, current and v1.36 names",
    marks=(*SPAN_MARKS, *SIGNALS),
    recognises=_recognises,
    unpack=unpack_spans,
    needs=("resourceSpans, or spans with attributes gen_ai.*",),
    second_hand=True,
)

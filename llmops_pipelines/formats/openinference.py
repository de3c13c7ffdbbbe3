"""Format ``openinference``: OpenInference spans: OTLP JSON, or the spans data frame of Phoenix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.dialects import openinference_spans, unpack_spans
from llmops_pipelines.formats.otlp import SPAN_MARKS, spans_of
from llmops_pipelines.formats.reading import LogFormat


def _recognises(record: Mapping[str, Any]) -> bool:
    return any(openinference_spans.speaks(span) for span in spans_of(record))


OPENINFERENCE: Final = LogFormat(
    name="openinference",
    about="OpenInference spans: OTLP JSON, or the spans data frame of Phoenix",
    marks=SPAN_MARKS,
    recognises=_recognises,
    unpack=unpack_spans,
    needs=("attributes with openinference.span.kind",),
    second_hand=True,
)

"""Format ``openinference``: OpenInference spans: OTLP JSON, or the spans data frame of Phoenix.

A span pulled from Phoenix carries its ``annotations``: those of people are feedback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.dialects import openinference_spans, unpack_spans
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.otlp import SPAN_MARKS, Span, span_of, spans_of
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    first,
    without_nulls,
)
from llmops_pipelines.formats.scales import counts_stars, rated


def _recognises(record: Mapping[str, Any]) -> bool:
    return any(openinference_spans.speaks(span) for span in spans_of(record))


def _unpack(record: Record) -> list[Record]:
    said = as_list(record.get("annotations"))
    if not said:
        return unpack_spans(record)
    about = span_of(record)
    return [
        *unpack_spans(record),
        *(_judged(as_object(annotation), about) for annotation in said),
    ]


def _judged(annotation: Record, about: Span) -> Record:
    """What a person said of a span, or of its whole trace; a model's and code's are ignored."""
    result = as_object(annotation.get("result"))
    score, stars = result.get("score"), counts_stars(annotation.get("name"))
    said = rated(score, first(result.get("label"), score), stars=stars) or {}
    comment = as_text(result.get("explanation"))
    if annotation.get("annotator_kind") != "HUMAN" or not (said or comment):
        return {"kind": "ignored"}
    return without_nulls(
        {
            "kind": "feedback",
            "call_id": as_name(annotation.get("id")),
            "about_call": about.span_id if annotation.get("span_id") else None,
            "trace_id": about.trace_id,
            "name": as_name(annotation.get("name")),
            "started_at": first(annotation.get("created_at"), annotation.get("updated_at")),
            "comment": comment,
            **said,
        }
    )


OPENINFERENCE: Final = LogFormat(
    name="openinference",
    about="OpenInference spans: OTLP JSON, or the spans data frame of Phoenix",
    marks=SPAN_MARKS,
    recognises=_recognises,
    unpack=_unpack,
    needs=("attributes with openinference.span.kind",),
    second_hand=True,
)

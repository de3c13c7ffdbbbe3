"""Scores of people in Langfuse, as ratings of 1 to 5 or thumbs; what judges gave is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_name, as_object, first, without_nulls
from llmops_pipelines.formats.scales import counts_stars, rated

_PEOPLE: Final = ("ANNOTATION", "API")


def feedback(score: Mapping[str, Any]) -> Record:
    """A score as feedback: ignored where no person gave it, or it fits no scale.

    Numbers up to 1 are on the scale of 0 to 1, larger ones up to 5 on that of 1 to 5. A score whose
    name speaks of stars or a rating is on the latter, so that its 1 is the worst, not the best.
    """

    def of(camel: str, snake: str) -> Any:
        return first(score.get(camel), score.get(snake))

    if str(score.get("source") or "").upper() not in _PEOPLE:
        return {"kind": "ignored"}
    call, trace = _subject(score)
    said = rated(
        score.get("value"),
        first(of("stringValue", "string_value"), score.get("value")),
        kind=str(of("dataType", "data_type") or "").upper(),
        stars=counts_stars(score.get("name")),
    )
    if not said or not (call or trace):
        return {"kind": "ignored"}
    return without_nulls(
        {
            "kind": "feedback",
            "call_id": as_name(score.get("id")),
            "about_call": call,
            "trace_id": trace,
            "name": as_name(score.get("name")),
            "started_at": first(score.get("timestamp"), of("createdAt", "created_at")),
            "comment": as_name(score.get("comment")),
            **said,
        }
    )


def _subject(score: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The observation and the trace that a score is about, in the API's versions 1 to 3."""
    subject = as_object(score.get("subject"))
    kind, name = str(subject.get("kind") or "").lower(), as_name(subject.get("id"))
    call = first(score.get("observationId"), score.get("observation_id"))
    trace = first(score.get("traceId"), score.get("trace_id"), subject.get("traceId"))
    return (
        as_name(call) or (name if kind == "observation" else None),
        as_name(trace) or (name if kind == "trace" else None),
    )

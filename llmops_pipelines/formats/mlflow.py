"""Format ``mlflow``: MLflow traces, as ``Trace.to_json`` and ``search_traces`` write them.

A trace says who asked, in which session and with which tags; its spans are calls and steps.
People's assessments are feedback, those of judges and code are ignored. A frame saved as CSV is
read where its column ``trace`` is JSON, as since MLflow 3: other cells are as Python prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.dialects import mlflow_spans, without_wrappers
from llmops_pipelines.formats.dialects.common import nested
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.otlp import hex_id, span_of
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    at_path,
    context_of,
    first,
    from_json,
    without_nulls,
)

_METADATA: Final = ("trace_metadata", "request_metadata")
_WORDS: Final = {"true": "up", "yes": "up", "up": "up", "false": "down", "no": "down",
                 "down": "down"}  # fmt: skip


def _recognises(record: Mapping[str, Any]) -> bool:
    info = record.get("info")
    if isinstance(info, dict):
        return "data" in record and any(key in info for key in _METADATA)
    return any(key in record for key in _METADATA) and ("trace" in record or "spans" in record)


def _unpack(record: Record) -> list[Record]:
    trace = as_object(record.get("trace")) or record
    info, data = as_object(trace.get("info")) or trace, as_object(trace.get("data"))
    # A row of search_traces says everything twice; in CSV only the column ``trace`` is JSON.
    info |= {name: said for name in (*_METADATA, "tags") if (said := as_object(record.get(name)))}
    spans = as_list(record.get("spans")) or as_list(data.get("spans"))
    printed = record.get("spans")
    if not spans and isinstance(printed, str) and printed not in ("", "[]"):
        raise TypeError("spans: as Python prints them; use to_json(orient='records', lines=True)")
    shared = _shared(info)
    read = [mlflow_spans.read(span_of(span), **shared) for span in spans if isinstance(span, dict)]
    found = [*without_wrappers(read)] if read else [_alone(info, shared)]
    assessments = first(info.get("assessments"), record.get("assessments"))
    return found + [_judged(item, shared) for item in as_list(assessments)]


def _shared(info: Record) -> Record:
    """What the trace says of all its spans."""
    said = {
        key: from_json(value)
        for part in (*_METADATA, "tags")
        for key, value in as_object(info.get(part)).items()
    }
    own = {key: value for key, value in said.items() if not key.startswith("mlflow.")}
    place = first(
        at_path(info, "trace_location", "mlflow_experiment", "experiment_id"),
        info.get("experiment_id"),
    )
    return without_nulls(
        {
            **context_of(own),
            "trace_id": as_name(first(info.get("trace_id"), info.get("request_id"))),
            "project": as_name(place),
            "user_id": as_name(first(said.get("mlflow.trace.user"), own.get("user_id"))),
            "session_id": as_name(first(said.get("mlflow.trace.session"), own.get("session_id"))),
            "metadata": nested(own) or None,
        }
    )


def _alone(info: Record, shared: Record) -> Record:
    """A trace that was exported without its spans: only who asked and when."""
    tags = as_object(info.get("tags"))
    state = as_name(first(info.get("state"), info.get("status")))
    return {
        "kind": "step",
        "step_kind": "chain",
        "call_id": shared.get("trace_id"),
        "name": as_name(tags.get("mlflow.traceName")),
        "started_at": first(info.get("request_time"), info.get("timestamp_ms")),
        "status": "error" if state == "ERROR" else "ok",
        **shared,
    }


def _judged(item: Any, shared: Record) -> Record:
    source = as_name(at_path(item, "source", "source_type"))
    value = at_path(item, "feedback", "value")
    comment = as_text(at_path(item, "rationale"))
    said = _rating(value)
    if source != "HUMAN" or (not said and not comment):
        return {"kind": "ignored"}
    return {
        "kind": "feedback",
        "call_id": as_name(at_path(item, "assessment_id")),
        "about_call": hex_id(at_path(item, "span_id"), 8),
        "trace_id": shared.get("trace_id"),
        "name": as_name(first(at_path(item, "assessment_name"), at_path(item, "name"))),
        "feature": shared.get("feature"),
        "started_at": first(at_path(item, "create_time"), at_path(item, "last_update_time")),
        "comment": comment,
        **said,
    }


def _rating(value: Any) -> Record:
    """A thumb of yes or no; stars of a number of 0 to 1 (as a share) or of 2 to 5 (as they are).

    1 is the best of one scale and the worst of the other: unknown.
    """
    value = from_json(value)
    word = str(value).lower() if isinstance(value, (str, bool)) else ""
    if word in _WORDS:
        return {"thumb": _WORDS[word]}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return {}
    if 0 <= value < 1:
        return {"rating": 1 + 4 * value}
    return {"rating": value} if 1 < value <= 5 else {}


MLFLOW: Final = LogFormat(
    name="mlflow",
    about="MLflow traces",
    marks=("info", *_METADATA),
    recognises=_recognises,
    unpack=_unpack,
    needs=("info and data.spans, or the columns of search_traces",),
    second_hand=True,
)

"""Format ``langfuse``: observations, traces and scores, from its API, exports or blob storage.

Field names are read in camel case (API, exports) and snake case (blob storage, ClickHouse). Rows
of CSV hold JSON in their cells. A trace becomes the root step of its observations; it and a root
observation carry user, session and tags for the calls below them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import documents_of, messages_of
from llmops_pipelines.formats.bodies.outcomes import exception_of, outcome_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.langfuse_scores import feedback
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    from_json,
    milliseconds_of,
    size_of,
    tags_of,
    without_nulls,
)
from llmops_pipelines.formats.usage.usage_maps import of_embedding, token_fields, total_of

_CALLS: Final = ("GENERATION", "EMBEDDING")
_STEPS: Final = {
    "SPAN": "chain", "EVENT": "chain", "CHAIN": "chain", "AGENT": "agent", "TOOL": "tool",
    "RETRIEVER": "retriever", "GUARDRAIL": "guardrail", "EVALUATOR": "chain",
}  # fmt: skip
_MODEL_MARKS: Final = ("usageDetails", "usage_details", "providedModelName",
                       "provided_model_name", "internalModelId", "totalUsage",
                       "calculatedTotalCost")  # fmt: skip
"""What only observations have, for exports of generations alone, which leave out the type."""

_TRACE_MARKS: Final = ("bookmarked", "public", "htmlPath", "observations", "scores", "projectId",
                       "project_id", "release")  # fmt: skip
_SOURCES: Final = ("API", "ANNOTATION", "EVAL")
_SCORES: Final = ("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION")


def _recognises(record: Mapping[str, Any]) -> bool:
    if isinstance(pages := record.get("data"), list):
        return bool(pages) and isinstance(pages[0], dict) and _is_row(pages[0])
    if isinstance(events := record.get("batch"), list):
        return bool(events) and _is_event(events[0])
    return _is_event(record) or _is_row(record)


def _is_row(record: Mapping[str, Any]) -> bool:
    return _is_observation(record) or _is_score(record) or _is_trace(record)


def _is_observation(record: Mapping[str, Any]) -> bool:
    typed = str(record.get("type")).upper() in (*_CALLS, *_STEPS)
    return (
        (typed or ("type" not in record and any(mark in record for mark in _MODEL_MARKS)))
        and ("startTime" in record or "start_time" in record)
        and ("traceId" in record or "trace_id" in record)
    )


def _is_score(record: Mapping[str, Any]) -> bool:
    kind, about = _of(record, "dataType"), _of(record, "traceId")
    if kind is None and not (about and "value" in record and "id" in record):
        return False
    return kind in (*_SCORES, None) and record.get("source") in _SOURCES and "name" in record


def _is_trace(record: Mapping[str, Any]) -> bool:
    return (
        "id" in record
        and "timestamp" in record
        and sum(mark in record for mark in _TRACE_MARKS) >= 2
        and not record.keys() & {"traceId", "trace_id", "type", "startTime", "start_time"}
    )


def _is_event(record: Any) -> bool:
    kind = record.get("type") if isinstance(record, dict) else None
    return (
        isinstance(kind, str)
        and kind.endswith(("-create", "-update"))
        and kind.rpartition("-")[0] in _EVENTS
        and isinstance(record.get("body"), dict)
    )


_EVENTS: Final = {
    "trace": None, "score": None, "generation": "GENERATION", "span": "SPAN", "event": "EVENT",
    "agent": "AGENT", "tool": "TOOL", "chain": "CHAIN", "retriever": "RETRIEVER",
    "evaluator": "EVALUATOR", "embedding": "EMBEDDING", "guardrail": "GUARDRAIL",
    "observation": None,
}  # fmt: skip
"""Ingestion events, and the type of the observation that their body leaves out."""

_OUTCOME: Final = ("endTime", "output", "usage", "usageDetails", "costDetails", "statusMessage")
"""What an event says that tells what came of a generation."""


def _unpack(record: Record) -> Iterator[Record]:
    if isinstance(rows := record.get("data"), list):
        for row in rows:
            yield from _unpack(as_object(row))
    elif isinstance(events := record.get("batch"), list):
        for name, body in _merged(events):
            yield _ingested(name, body)
    elif _is_event(record):
        for name, body in _merged([record]):
            yield _ingested(name, body)
    elif "dataType" in record or "data_type" in record or _is_score(record):
        yield feedback(record)
    elif "startTime" in record or "start_time" in record or "type" in record:
        yield _observation(record)
    else:
        yield from _trace_with_parts(record)


def _merged(events: list[Any]) -> list[tuple[str, Record]]:
    """Name and body of ingestion events: what updates say joins what was created by their id."""
    found: dict[tuple[str, Any], tuple[str, Record]] = {}
    for place, event in enumerate(filter(_is_event, events)):
        name = event["type"].rpartition("-")[0]
        body = {"type": _EVENTS[name], "timestamp": event.get("timestamp")} | event["body"]
        family = name if name in ("trace", "score") else "observation"
        key = (family, as_name(body.get("id")) or place)
        before = found.get(key, (name, {}))
        found[key] = (before[0], without_nulls(body) | before[1] | without_nulls(event["body"]))
    return list(found.values())


def _ingested(name: str, body: Record) -> Record:
    if name == "score":
        return feedback({"source": "API", **body})
    if name == "trace":
        return without_nulls(_trace(body))
    found = _observation(body)
    if found["kind"] != "call" or any(_of(body, said) is not None for said in _OUTCOME):
        return found
    # Its end comes in a batch of its own, if it does.
    why = "the generation began, and its end was not logged"
    return found | {"kind": "asked", "status": "error", "error_message": why}


def _trace_with_parts(record: Record) -> Iterator[Record]:
    trace = _trace(record)
    yield without_nulls(trace)
    for part in as_list(record.get("observations")):
        if isinstance(part, dict):  # else only its id: the row comes by itself
            yield _observation({"traceId": trace["call_id"], **part})
    for part in as_list(record.get("scores")):
        if isinstance(part, dict):
            yield feedback({"traceId": trace["call_id"], **part})


def _of(record: Mapping[str, Any], name: str) -> Any:
    """The value under a camel-case name or its snake-case spelling."""
    return first(record.get(name), record.get(_snake(name)))


@cache
def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _trace(record: Record) -> Record:
    trace = as_name(record.get("id"))
    return {
        "kind": "step",
        "call_id": trace,
        "trace_id": trace,
        "step_kind": "chain",
        "step_name": as_name(record.get("name")),
        "started_at": first(record.get("timestamp"), _of(record, "createdAt")),
        "latency_ms": milliseconds_of(record.get("latency")),
        "status": "ok",
        "input_chars": size_of(record.get("input")),
        "output_chars": size_of(record.get("output")),
        **_context(record),
    }


def _observation(record: Record) -> Record:
    model = as_name(first(_of(record, "providedModelName"), record.get("model")))
    kind = str(record.get("type") or ("GENERATION" if model else "SPAN")).upper()
    trace = as_name(_of(record, "traceId"))
    ended, failed = _of(record, "endTime"), str(record.get("level")).upper() == "ERROR"
    begun = _of(record, "startTime")
    found: Record = {
        "call_id": as_name(record.get("id")),
        "trace_id": trace,
        "parent_id": as_name(_of(record, "parentObservationId")) or _above(record, trace),
        "started_at": first(begun, record.get("timestamp")),
        "ended_at": None
        if begun is None
        else ended,  # what updates a generation is sent as it ends
        # Older exports give milliseconds here: the two times are the safer latency.
        "latency_ms": None if ended else milliseconds_of(record.get("latency")),
        "status": "error" if failed else "ok",
        **_context(record),
    }
    if failed:
        found |= exception_of(_of(record, "statusMessage"))
    if kind in _CALLS:
        # Metadata may name the prompt of a call that Langfuse itself keeps none for.
        return without_nulls(found | without_nulls(_call(record)))
    found |= {
        "kind": "step",
        "step_kind": _STEPS.get(kind, "chain"),
        "step_name": as_name(record.get("name")),
        "input_chars": size_of(record.get("input")),
        "output_chars": size_of(record.get("output")),
    }
    if kind == "RETRIEVER":
        found["contexts"] = documents_of(record.get("output"))
    return without_nulls(found)


def _above(record: Record, trace: str | None) -> str | None:
    """What stands above a root observation: the trace, which carries the user.

    Exports that mark their roots repeat user and session in every row, and hold no traces.
    """
    return None if _of(record, "isRootObservation") in (True, "true") else trace


def _call(record: Record) -> Record:
    told = as_object(_of(record, "modelParameters"))
    attributes = as_object(at_path(as_object(record.get("metadata")), "attributes"))
    first_token = _of(record, "completionStartTime")
    outcome = outcome_of(record.get("output"))
    outcome.pop("model", None)
    version = _of(record, "promptVersion")
    usage = _usage(record)
    if str(record.get("type")).upper() == "EMBEDDING":
        usage = of_embedding(usage)
        outcome.pop("answer", None)  # how many numbers it has
    return {
        "kind": "call",
        "name": as_name(record.get("name")),
        "model": as_name(first(_of(record, "providedModelName"), record.get("model"))),
        "provider": as_name(
            first(
                attributes.get("gen_ai.provider.name"),
                attributes.get("gen_ai.system"),
                as_object(record.get("metadata")).get("ls_provider"),
            )
        ),
        "response_id": as_name(attributes.get("gen_ai.response.id")),
        "service_tier": as_name(told.get("service_tier")),
        "first_token_at": first_token,
        "ttft_ms": None if first_token else milliseconds_of(_of(record, "timeToFirstToken")),
        "prompt_name": as_name(_of(record, "promptName")),
        "prompt_version": None if version in (None, "") else as_name(version),
        "messages": messages_of(record.get("input")) or None,
        "is_stream": (
            told["stream"]
            if isinstance(told.get("stream"), bool)
            else True
            if first_token
            else None
        ),
        "format_requested": as_name(at_path(as_object(told.get("response_format")), "type")),
        "cost_reported": _cost(record),
        **outcome,
        **usage,
    }


def _usage(record: Record) -> Record:
    """Tokens of ``usageDetails``; where it is empty, of the fields before it came.

    Those are 0 where nothing was counted, and may count characters or seconds.
    """
    if found := token_fields(_of(record, "usageDetails")):
        return found
    old = as_object(record.get("usage"))
    if str(old.get("unit") or "TOKENS").upper() != "TOKENS":
        return {}
    flat = {name: _of(record, name) for name in ("promptTokens", "completionTokens", "totalTokens")}
    shown = {name: record.get(f"{name}Usage") for name in ("input", "output", "total")}
    return token_fields(old) or token_fields(flat) or token_fields(shown)


def _cost(record: Record) -> Any:
    details = as_object(_of(record, "costDetails"))
    cost = first(
        _of(record, "totalCost"),
        _of(record, "calculatedTotalCost"),
        total_of(details),
        as_object(record.get("usage")).get("totalCost"),
    )
    try:
        known = float(cost) != 0 or any(float(part) == 0 for part in details.values())
    except (TypeError, ValueError):
        known = isinstance(cost, str)  # the engine names what is no amount
    return cost if known else None  # 0 without details: no price was known


def _context(record: Record) -> Record:
    stored = as_object(record.get("metadata"))
    metadata = {name: from_json(value) for name, value in stored.items()}
    tags = tags_of(record.get("tags"), _of(record, "traceTags"))
    environment = as_name(record.get("environment"))
    said = {
        "user_id": as_name(_of(record, "userId")),
        "session_id": as_name(_of(record, "sessionId")),
        # "default" is what Langfuse writes where nobody said one.
        "environment": None if environment == "default" else environment,
    }
    return {
        "project": as_name(_of(record, "projectId")),
        "instrumentation": as_name(as_object(metadata.get("scope")).get("name")),
        "tags": tags,
        "metadata": metadata or None,
        **context_of(metadata, tags),
        **without_nulls(said),
    }


LANGFUSE: Final = LogFormat(
    name="langfuse",
    about="Langfuse observations, traces and scores, exported or from its blob storage",
    marks=(
        "data",
        "batch",
        "body",
        "startTime",
        "start_time",
        "dataType",
        "data_type",
        "source",
        *_TRACE_MARKS,
    ),
    recognises=_recognises,
    unpack=_unpack,
    needs=("id", "traceId", "type", "startTime"),
    second_hand=True,
)

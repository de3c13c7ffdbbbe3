"""Format ``langsmith``: runs and feedback, from the API, the SDK's own requests or bulk export.

A run arrives twice from the SDK: when it begins, and when it ends, then often without its inputs.
Both are records of the same call: the first is only asked, and failed where the second never comes.
``session_id`` of a run is its project, not a conversation, and
token counts of a chain are those of its children again: only runs of type ``llm`` and
``embedding`` are calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import documents_of, messages_of
from llmops_pipelines.formats.bodies.outcomes import exception_of, outcome_of, usage_in
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    from_json,
    size_of,
    tags_of,
    without_nulls,
)
from llmops_pipelines.formats.scales import rated
from llmops_pipelines.formats.usage.usage_maps import token_fields, total_of

_CALLS: Final = ("llm", "embedding")
_RUN_TYPES: Final = ("llm", "chain", "tool", "retriever", "embedding", "prompt", "parser")
_RUN_MARKS: Final = ("trace_id", "dotted_order", "session_id", "session_name", "extra",
                     "parent_run_id", "start_time")  # fmt: skip
_OUTCOME: Final = ("end_time", "error", "outputs", "usage_metadata", "prompt_tokens",
                   "completion_tokens", "total_tokens", "total_cost")  # fmt: skip
_PEOPLE: Final = ("api", "app", "annotation", "user", "human", "")
_BEGAN: Final = re.compile(r"(?:^|\.)(\d{8}T\d{6})(\d{3,6})Z[0-9a-fA-F-]{32,36}$")
_TIMED: Final = re.compile(r"^([0-9a-f]{8})-?([0-9a-f]{4})-?7[0-9a-f]{3}", re.IGNORECASE)


def _recognises(record: Mapping[str, Any]) -> bool:
    if isinstance(runs := record.get("runs"), list):
        return bool(runs) and isinstance(runs[0], dict) and _is_run(runs[0])
    posted = first(record.get("post"), record.get("patch"))
    if isinstance(posted, list):
        return isinstance(posted[0], dict) and _is_run(posted[0])
    return _is_run(record) or _is_feedback(record)


def _is_run(record: Mapping[str, Any]) -> bool:
    marks = sum(mark in record for mark in _RUN_MARKS)
    kind = record.get("run_type")
    known = kind in _RUN_TYPES or (kind is None and "dotted_order" in record)
    return "id" in record and known and marks >= 2


def _is_feedback(record: Mapping[str, Any]) -> bool:
    return (
        "key" in record
        and "run_id" in record
        and ("score" in record or "value" in record or "comment" in record)
        and any(mark in record for mark in ("feedback_source", "trace_id", "created_at"))
    )


def _unpack(record: Record) -> Iterator[Record]:
    batches = [record[name] for name in ("runs", "post", "patch") if name in record]
    if batches and "run_type" not in record:
        for batch in batches:
            for run in as_list(batch):
                yield from _unpack(as_object(run))
    elif "run_type" not in record and "key" in record and "run_id" in record:
        yield _feedback(record)
    else:
        yield _run(record)
        for child in as_list(record.get("child_runs")):
            yield from _unpack(as_object(child))


def _run(record: Record) -> Record:
    extra = as_object(record.get("extra"))
    metadata = as_object(first(extra.get("metadata"), record.get("metadata")))
    tags = tags_of(record.get("tags"))
    run = as_name(record.get("id"))
    started = first(record.get("start_time"))
    error, began = first(record.get("error")), _only_began(record)
    if began:
        error = "the run began, and its end was not logged"
    failed = error is not None or record.get("status") == "error"
    found: Record = {
        "call_id": run,
        "trace_id": as_name(record.get("trace_id")) or run,
        "parent_id": as_name(record.get("parent_run_id")),
        "project": as_name(first(record.get("session_name"), record.get("session_id"))),
        "instrumentation": as_name(metadata.get("ls_integration")),
        "started_at": _began(record) if started is None else started,
        "ended_at": record.get("end_time"),
        "status": "error" if failed else "ok",
        **(exception_of(error) if failed else {}),
        "tags": tags,
        "metadata": metadata or None,
        **context_of(metadata, tags),
    }
    kind = str(record.get("run_type") or _untold(metadata, extra)).lower()
    if kind in _CALLS:
        call = found | _call(record, metadata, extra)
        return without_nulls(call | {"kind": "asked" if began else "call"})
    found |= {
        "kind": "step",
        "step_kind": "chain" if kind == "prompt" else kind,
        "step_name": as_name(record.get("name")),
        "input_chars": size_of(record.get("inputs")),
        "output_chars": size_of(record.get("outputs")),
    }
    if kind == "retriever":
        found["contexts"] = documents_of(record.get("outputs"))
    return without_nulls(found)


def _call(record: Record, metadata: Record, extra: Record) -> Record:
    inputs, outputs = as_object(record.get("inputs")), as_object(record.get("outputs"))
    params = as_object(
        first(extra.get("invocation_params"), metadata.get("ls_invocation_params"))
    ) | {name: inputs[name] for name in ("model", "stream", "response_format") if name in inputs}
    wanted = as_object(params.get("response_format"))
    stream, first_token = params.get("stream"), _first_token(record)
    told = context_of(metadata)
    return {
        "name": as_name(record.get("name")),
        "provider": as_name(metadata.get("ls_provider")) or _providers_name(record, metadata),
        "model_requested": as_name(
            first(params.get("model"), params.get("model_name"), metadata.get("ls_model_name"))
        ),
        "first_token_at": first_token,
        # LangChain.js says of a stream that it is none.
        "is_stream": True if first_token else stream if isinstance(stream, bool) else None,
        "prompt_name": as_name(first(told.get("prompt_name"), metadata.get("lc_hub_repo"))),
        "prompt_version": as_name(
            first(told.get("prompt_version"), metadata.get("lc_hub_commit_hash"))
        ),
        "format_requested": as_name(wanted.get("type")),
        "response_schema": at_path(wanted, "json_schema", "schema"),
        "messages": messages_of(inputs or record.get("inputs")) or None,
        "cost_reported": _cost(record),
        **outcome_of(outputs or record.get("outputs")),
        **_usage(record, metadata, outputs),
    }


def _providers_name(record: Record, metadata: Record) -> str | None:
    """The provider of a call of Vercel's AI SDK, whose run is named ``anthropic.messages``."""
    name = as_name(record.get("name"))
    if name is None or metadata.get("ls_integration") != "vercel-ai-sdk":
        return None
    return name.partition(".")[0] if "." in name else None


def _untold(metadata: Record, extra: Record) -> str:
    """The type of a run whose end names none, as older versions of the SDK send it."""
    if "ls_retriever_name" in metadata:
        return "retriever"
    of_model = first(metadata.get("ls_model_name"), extra.get("invocation_params"))
    return "chain" if of_model is None else "llm"


def _only_began(record: Record) -> bool:
    """Whether nothing says what came of a run: so the SDK sends it first, and so does it hang.

    A server may count the prompt of a pending run; without a status, counts are of one that ended.
    """
    pending = record.get("status") == "pending"
    signs = ("end_time", "error") if pending else _OUTCOME
    unsaid = pending or first(record.get("status")) is None
    return unsaid and not any(from_json(record.get(name)) for name in signs)


def _usage(record: Record, metadata: Record, outputs: Record) -> Record:
    """Tokens of the outputs or metadata; else those that the server counted, details included."""
    counted = {
        "input_tokens": record.get("prompt_tokens"),
        "output_tokens": record.get("completion_tokens"),
        "total_tokens": record.get("total_tokens"),
        "input_token_details": record.get("prompt_token_details"),
        "output_token_details": record.get("completion_token_details"),
    }
    return (
        token_fields(usage_in(outputs))
        or token_fields(metadata.get("usage_metadata"))
        or token_fields(record.get("usage_metadata"))
        or token_fields(counted)
    )


def _cost(record: Record) -> Any:
    """The cost, where there is one: 0 is what an unpriced model costs here."""
    parts = {name: record.get(name) for name in ("prompt_cost", "completion_cost")}
    total = first(record.get("total_cost"), total_of(without_nulls(parts)))
    try:
        return total if float(total) != 0 else None
    except (TypeError, ValueError):
        return as_name(total)


def _first_token(record: Record) -> Any:
    told = (
        event.get("time")
        for event in as_list(record.get("events"))
        if isinstance(event, dict) and event.get("name") == "new_token"
    )
    return first(record.get("first_token_time"), next(told, None))


def _began(record: Record) -> str | None:
    """When a run began, as its dotted order or its id (UUID version 7) tells."""
    order = record.get("dotted_order")
    if isinstance(order, str) and (found := _BEGAN.search(order)):
        return _utc("%Y%m%dT%H%M%S%f", found[1] + found[2])
    name = record.get("id")
    if isinstance(name, str) and (found := _TIMED.match(name)):
        milliseconds = int(found[1] + found[2], 16)
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
    return None


def _utc(spelling: str, text: str) -> str | None:
    try:
        return datetime.strptime(text, spelling).replace(tzinfo=UTC).isoformat()
    except ValueError:
        return None


def _feedback(record: Record) -> Record:
    """Feedback of people; a model's, and what fits no scale, is ignored."""
    source = as_object(record.get("feedback_source"))
    kind = str(source.get("type") or "").lower()
    said = rated(record.get("score"), first(record.get("value"), record.get("score")))
    comment = as_name(record.get("comment"))
    about, trace = as_name(record.get("run_id")), as_name(record.get("trace_id"))
    if kind not in _PEOPLE or not (said or comment) or not (about or trace):
        return {"kind": "ignored"}
    return without_nulls(
        {
            "kind": "feedback",
            "call_id": as_name(record.get("id")),
            "about_call": about,
            "trace_id": trace,
            "name": as_name(record.get("key")),
            "started_at": first(record.get("created_at"), record.get("modified_at")),
            "comment": comment,
            **(said or {}),
        }
    )


LANGSMITH: Final = LogFormat(
    name="langsmith",
    about="LangSmith runs and feedback, as JSON or bulk-export Parquet",
    marks=("runs", "post", "patch", "run_type", "run_id", "dotted_order"),
    recognises=_recognises,
    unpack=_unpack,
    needs=("id", "run_type", "trace_id", "start_time"),
    second_hand=True,
)

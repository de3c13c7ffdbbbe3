"""Format ``weave``: W&B Weave calls, exported or as its SDK sends them.

Weave calls every traced function a call and adds up the usage of its children in it. Only what
asked a model itself is a model call here: an op of an integration, or one that returned a
provider's response. All others are steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import documents_of, messages_of
from llmops_pipelines.formats.bodies.outcomes import exception_of, is_response, outcome_of, usage_in
from llmops_pipelines.formats.engine.reading import LogFormat, Record
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
from llmops_pipelines.formats.step_words import kind_by_name
from llmops_pipelines.formats.usage.usage_maps import token_fields

_REF: Final = re.compile(r"^weave:///.*/op/([^:/]+)")
_MODEL_OP: Final = re.compile(
    r"(?i)^(openai|anthropic|litellm|mistral\w*|groq|cohere|cerebras|together|vertexai|google\.\w+"
    r"|bedrock\w*|huggingface\w*|notdiamond|chatnvidia|nvidia)\b.*"
    r"(create|parse|stream|completion|complete|chat|generate\w*|converse\w*|invoke\w*|embed\w*)$"
)
_UNSAID: Final = re.compile(r"^(NOT_GIVEN|<[\w.]+ object at 0x[0-9a-f]+>)$")
"""What stands for an argument that nobody gave."""

_KINDS: Final = ("retriever", "reranker", "tool", "guardrail", "parser", "agent", "embedding")


def _recognises(record: Mapping[str, Any]) -> bool:
    if isinstance(calls := record.get("batch"), list):
        return bool(calls) and isinstance(calls[0], dict) and _is_call(_inner(calls[0]))
    return _is_call(_inner(record))


def _is_call(record: Mapping[str, Any]) -> bool:
    if not isinstance(name := record.get("op_name"), str):
        return False
    marks = ("inputs", "attributes", "summary", "project_id", "wb_user_id", "display_name")
    return "started_at" in record and (
        name.startswith("weave:///") or sum(mark in record for mark in marks) >= 3
    )


def _inner(record: Mapping[str, Any]) -> Record:
    """The call inside a request that begins or ends one."""
    request = as_object(first(record.get("req"), record))
    return as_object(first(request.get("start"), request.get("end"), request))


def _unpack(record: Record) -> Iterator[Record]:
    calls = as_list(record["batch"]) if "batch" in record else [record]
    found: dict[Any, Record] = {}
    for place, call in enumerate(calls):
        said = without_nulls(_inner(as_object(call)))
        name = as_name(said.get("id")) or place
        found[name] = found.get(name, {}) | said
    for call in found.values():
        yield _call_or_step(call)


def _call_or_step(record: Record) -> Record:
    attributes = as_object(record.get("attributes"))
    own = as_object(attributes.get("weave"))
    said = {name: value for name, value in attributes.items() if name != "weave"}
    tags = tags_of(said.get("tags"))
    op = _op(record)
    failed = first(record.get("exception"))
    found: Record = {
        "call_id": as_name(record.get("id")),
        "trace_id": as_name(first(record.get("trace_id"), record.get("id"))),
        "parent_id": as_name(record.get("parent_id")),
        "project": as_name(record.get("project_id")),
        "instrumentation": as_name(at_path(attributes, "integration", "name")),
        "started_at": record.get("started_at"),
        "ended_at": record.get("ended_at"),
        "latency_ms": None
        if record.get("ended_at")
        else at_path(as_object(record.get("summary")), "weave", "latency_ms"),
        "status": "error" if failed is not None else "ok",
        **(exception_of(failed) if failed is not None else {}),
        # Its own user is who logged in to W&B, not who used the application.
        "session_id": as_name(record.get("thread_id")),
        "tags": tags,
        "metadata": said or None,
        **context_of(said, tags),
    }
    integrated = own.get("kind") == "llm" and "integration" in attributes
    if integrated or _MODEL_OP.match(op) or is_response(record.get("output")):
        return without_nulls(found | _call(record, op))
    kind = _step_kind(op, own)
    found |= {
        "kind": "step",
        "step_kind": kind,
        "step_name": as_name(first(record.get("display_name"), op)),
        "input_chars": size_of(record.get("inputs")),
        "output_chars": size_of(record.get("output")),
    }
    if kind in ("retriever", "reranker"):
        found["contexts"] = documents_of(record.get("output"))
    return without_nulls(found)


def _call(record: Record, op: str) -> Record:
    inputs = _given(as_object(record.get("inputs")))
    output = as_object(record.get("output"))
    counted = as_object(as_object(record.get("summary")).get("usage"))
    outcome = outcome_of(from_json(record.get("output")))
    served = outcome.get("model")
    usage = first(usage_in(output), counted.get(str(served)), *counted.values())
    wanted, stream = as_object(inputs.get("response_format")), inputs.get("stream")
    # What a function returned under this name may be anything: only a number is a time.
    waited = milliseconds_of(output.get("time_to_first_token"))
    return {
        "kind": "call",
        "name": as_name(first(record.get("display_name"), op)),
        "provider": op.partition(".")[0] if _MODEL_OP.match(op) else None,
        "model_requested": as_name(inputs.get("model")),
        "model": next(iter(counted), None),
        "is_stream": stream if isinstance(stream, bool) else None,
        "ttft_ms": waited if isinstance(waited, float) else None,
        "format_requested": as_name(wanted.get("type")),
        "response_schema": at_path(wanted, "json_schema", "schema"),
        "messages": messages_of(_asked(inputs)) or None,
        **outcome,
        **token_fields(usage),
    }


def _given(inputs: Record) -> Record:
    return {
        name: value
        for name, value in inputs.items()
        if not (isinstance(value, str) and _UNSAID.match(value))
    }


def _asked(inputs: Record) -> Any:
    names = ("messages", "input", "prompt", "contents")
    if first(*(inputs.get(name) for name in names)) is None:
        return None
    return {
        "system": inputs.get("system"),
        "messages": first(*(inputs.get(name) for name in names)),
    }


def _op(record: Mapping[str, Any]) -> str:
    """The op's plain name, out of a reference such as ``weave:///team/project/op/answer:v3``."""
    name = as_name(record.get("op_name")) or ""
    found = _REF.match(name)
    return found[1] if found else name


def _step_kind(op: str, own: Record) -> str:
    kind = own.get("kind")
    return str(kind) if kind in _KINDS else kind_by_name(op)


WEAVE: Final = LogFormat(
    name="weave",
    about="W&B Weave calls",
    marks=("batch", "req", "start", "end", "op_name"),
    recognises=_recognises,
    unpack=_unpack,
    needs=("id", "trace_id", "op_name", "started_at"),
    second_hand=True,
)

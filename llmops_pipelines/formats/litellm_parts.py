"""The parts of a LiteLLM record: usage, context, error, contexts, guardrails."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import documents_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    at_path,
    context_of,
    first,
    is_zero,
    milliseconds_of,
    without_nulls,
)
from llmops_pipelines.formats.usage.counts import COUNTS, counts_a_side
from llmops_pipelines.formats.usage.usage import tokens_of

REDACTED: Final = "redacted-by-litellm"
"""What stands for texts where ``turn_off_message_logging`` is set."""

_PROVIDERS_IDS: Final = ("chatcmpl-", "cmpl-", "msg_", "resp_", "gen-")
_NUMBERS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_INTERVENED: Final = ("guardrail_intervened", "blocked")


def context_in(metadata: Record, tags: list[str]) -> Record:
    """What the request's own metadata, the log's metadata and the tags say, in this order."""
    said = [as_object(metadata.get(name)) for name in ("spend_logs_metadata", "requester_metadata")]
    merged: Record = {}
    for part in (metadata, *reversed(said)):
        merged |= without_nulls(part)
    prompt = as_object(metadata.get("prompt_management_metadata"))
    context = context_of(merged, tags)
    name = as_name(prompt.get("prompt_id"))
    return ({"prompt_name": name} if name else {}) | context


def usage_in(record: Record, metadata: Record, answered: Record) -> Record:
    """Token counts: the response's usage, else LiteLLM's usage object, else its three numbers.

    Rows of proxies before the usage object have the rest of the usage beside the three.
    Counts that are all 0 are none: failures have them, and streams LiteLLM could not estimate.
    """
    found: Record = {name: answered[name] for name in COUNTS if name in answered}
    if not counts_a_side(found):
        found = tokens_of(as_object(metadata.get("usage_object")))
    if not counts_a_side(found):
        beside = as_object(metadata.get("additional_usage_values"))
        found = tokens_of(beside | {name: record.get(name) for name in _NUMBERS})
    if all(is_zero(value) for value in found.values()):
        found = {}
    return {name: found.get(name) for name in COUNTS}


def provider_id(name: Any) -> str | None:
    """The provider's id of a response; LiteLLM wraps those of OpenAI's Responses in base64.

    Where a provider gave none, LiteLLM takes the id of its own call, which is left out.
    """
    if not isinstance(name, str) or not name.startswith(_PROVIDERS_IDS):
        return None
    if not name.startswith("resp_"):
        return name
    try:
        inner = b64decode(name.removeprefix("resp_"), validate=True).decode()
    except ValueError:
        return name
    return inner.rpartition("response_id:")[2] or name


def served_model(record: Record, metadata: Record, told: str | None) -> str | None:
    """The model that answered, without its provider: as the response says, else the one sent.

    A proxy writes the name that was asked for into the response. Where that is an alias, the model
    is the one by which LiteLLM priced the call. None where nobody chose it by an alias.
    """
    group = as_name(record.get("model_group"))
    if told and told != group:
        return told
    known = first(record.get("model_map_information"), metadata.get("model_map_information"))
    model = as_name(record.get("model")) if group else None
    if told:
        model = as_name(at_path(as_object(known), "model_map_value", "key")) or told
    return model.removeprefix(f"{record.get('custom_llm_provider')}/") if model else None


def first_token_at(record: Record, stream: Any) -> Any:
    """The time of the first token: of an answer in one piece LiteLLM repeats its end."""
    first_token, end = record.get("completionStartTime"), record.get("endTime")
    return first_token if stream is True or (stream is None and first_token != end) else None


def shown(messages: list[Record]) -> list[Record] | None:
    """Messages, apart from those that LiteLLM was told to leave out of its logs."""
    return [said for said in messages if said.get("content") != REDACTED] or None


def took(record: Record) -> Any:
    """How long a call took, in ms, as the record says it: of rows in ms, of payloads in seconds."""
    if (milliseconds := record.get("request_duration_ms")) is not None:
        return milliseconds
    return milliseconds_of(record.get("response_time"))


def error_in(record: Record, metadata: Record) -> Record:
    """What a failure says of itself; a row keeps it in its metadata."""
    said = as_object(first(record.get("error_information"), metadata.get("error_information")))
    code = as_name(said.get("error_code"))
    return without_nulls(
        {
            "error_class": as_name(said.get("error_class")),
            "error_code": code,
            "error_status": code if code and code.isdigit() else None,
            "error_message": as_text(first(said.get("error_message"), record.get("error_str"))),
            "provider": as_name(said.get("llm_provider")),
        }
    )


def contexts_in(metadata: Record) -> list[Record] | None:
    """The passages of the vector stores that LiteLLM searched for a call."""
    found = []
    for request in as_list(metadata.get("vector_store_request_metadata")):
        for item in as_list(at_path(request, "vector_store_search_response", "data")):
            if isinstance(item, dict):
                name = first(item.get("id"), item.get("file_id"), item.get("filename"))
                found += documents_of([{**item, "id": name}])
    return found or None


def guardrail_step(said: Mapping[str, Any], call: Record, number: int) -> Record:
    """A guardrail that LiteLLM ran; one that intervened has worked, one without answer has not."""
    status = str(said.get("guardrail_status")).lower()
    own = f"{call.get('call_id') or 'call'}:guardrail:{number}"
    inherited = (
        "feature", "team", "environment", "user_id", "session_id", "project", "experiment_arm",
    )  # fmt: skip
    return without_nulls(
        {name: call[name] for name in inherited if name in call}
        | {
            "kind": "step",
            "call_id": own,
            "trace_id": call.get("trace_id") or call.get("call_id") or own,
            "parent_id": call.get("call_id"),
            "step_kind": "guardrail",
            "step_name": as_name(said.get("guardrail_name")),
            "started_at": first(said.get("start_time"), call.get("started_at")),
            "ended_at": said.get("end_time"),
            "latency_ms": milliseconds_of(said.get("duration")),
            "status": "error" if "fail" in status else "ok",
            "tags": ["guardrail_intervened"] if status in _INTERVENED else [],
        }
    )

"""What came of a call, as hosted tools log it: the response of any provider, or an exception.

Tools keep what the SDK returned: a provider's response object, a LangChain result, a message or
plain text, whole or as JSON text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies import ollama
from llmops_pipelines.formats.bodies.bodies import reply_of
from llmops_pipelines.formats.bodies.messages import is_call, text_of, tool_calls_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    at_path,
    first,
    from_json,
    without_nulls,
)

_ANSWERS: Final = ("answer", "output", "text", "completion", "response", "result", "output_text")
_RAISED: Final = re.compile(
    r"^((?:[A-Za-z_][\w.]*)?(?:Error|Exception|Timeout|Exit|Interrupt|Exceeded|Cancelled))\b\s*(?:[:(]|$)"
)
_HTTP: Final = re.compile(
    r"(?i)(?:(?:error code|status(?:[_ ]code)?|http)\W{1,3}|^(?:\w*Error: )?)([45]\d\d)\b"
)
"""Where messages tell the status; those of SDKs for JavaScript begin with it."""

_LONGEST: Final = 500
_UNREAD: Final = re.compile(r"^<[\w.]+ object at 0x[0-9a-f]+>$")
"""What stands for a stream that a tool logged without reading it."""
_BLOCKS: Final = ("text", "tool_use", "tool_call", "thinking")
"""Parts of a message, among which LangChain puts items of the Responses API."""
_ITEM_TEXTS: Final = ("output_text", "refusal")


def outcome_of(output: Any) -> Record:
    """``answer``, ``tool_calls``, ``finish_reason``, ``response_id``, ``model``, ``service_tier``.

    Only what the output says. An object in no known shape is itself the answer, as JSON.
    """
    value = from_json(output)
    if isinstance(value, dict) and _is_item(value):
        value = [value]
    if isinstance(value, list):
        value = {"output": value} if _are_items(value) else _first_choice(value) or _last(value)
    if value is None or value in ("", [], {}):
        return {}
    if not isinstance(value, dict):
        return {} if isinstance(value, str) and _UNREAD.match(value) else {"answer": as_text(value)}
    if first(*value.values()) is None:
        return {}  # {"output": null} of a call that failed
    found = _response(dict(value))
    return without_nulls(found) if found is not None else {"answer": as_text(value)}


def usage_in(output: Any) -> Any:
    """The usage object inside a response, wherever providers and LangChain put it."""
    value = as_object(output)
    generation = _generation(value)
    spoken = as_object(first(generation.get("message"), _last(as_list(value.get("messages")))))
    message = first(_langchain(spoken), _langchain(value), spoken) or {}
    reported = as_object(message.get("response_metadata"))
    return first(
        value.get("usage_metadata"),
        value.get("usageMetadata"),
        value.get("usage"),
        _with_caches(message.get("usage_metadata"), as_object(reported.get("usage"))),
        at_path(value, "llm_output", "token_usage"),
        at_path(value, "llm_output", "usage"),
        at_path(generation, "generation_info", "usage_metadata"),
        reported.get("token_usage"),
        reported.get("usage"),
        ollama.counts_in(value),
        ollama.counts_in(reported),
    )


def _with_caches(usage: Any, said: Record) -> Any:
    """LangChain's usage with what the provider's own, beside it, says of Anthropic's caches.

    LangChain.js counts both lifetimes together, and until 1.0 those of a stream twice.
    """
    details = as_object(at_path(usage, "input_token_details"))
    told = as_object(said.get("cache_creation")) | {
        name: said[f"{name}_input_tokens"]
        for name in ("cache_read", "cache_creation")
        if said.get(f"{name}_input_tokens") is not None
    }
    return usage | {"input_token_details": details | told} if details and told else usage


def is_response(output: Any) -> bool:
    """Whether an output is a provider's response object: model, usage and something said."""
    value = as_object(output)
    said = ("choices", "content", "output", "candidates", "data")
    return "model" in value and "usage" in value and any(name in value for name in said)


def exception_of(value: Any) -> Record:
    """``error_class``, ``error_status`` and ``error_message`` of an exception.

    Reads a traceback, ``str()`` or ``repr()`` of an exception, and objects with type and message.
    Of a traceback only its last line stays.
    """
    said = from_json(value)
    if isinstance(said, dict):
        inner = as_object(said.get("error")) or dict(said)
        found = exception_of(first(inner.get("message"), inner.get("detail"))) if inner else {}
        kind = as_name(first(inner.get("type"), inner.get("name"), inner.get("class")))
        status = as_name(first(inner.get("status_code"), inner.get("status"), said.get("status")))
        return found | without_nulls(
            {
                "error_class": kind.rpartition(".")[2] if kind else None,
                "error_code": as_name(inner.get("code")),
                "error_status": status if status and status.isdigit() else None,
            }
        )
    text = as_text(first(said))
    if not text or not text.strip():
        return {}
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] not in " \t"]
    lines = lines or [text.strip()]
    raised = [(line, match[1]) for line in lines if (match := _RAISED.match(line))]
    line, name = raised[-1] if raised else (lines[-1], None)
    http = _HTTP.search(line)
    return without_nulls(
        {
            "error_class": name.rpartition(".")[2] if name else None,
            "error_status": http[1] if http else None,
            "error_message": line[:_LONGEST],
        }
    )


def _first_choice(output: list[Any]) -> Any:
    """The first of several answers to one request (``n``), which Langfuse logs as messages."""
    spoken = all(isinstance(item, dict) and item.get("role") == "assistant" for item in output)
    return output[0] if output and spoken else None


def _last(items: list[Any]) -> Any:
    """The last of what was said; LangChain nests one list per prompt."""
    while items and isinstance(items[-1], list):
        items = items[-1]
    blocks = items and all(isinstance(item, dict) and "type" in item for item in items)
    if blocks and not any(item.keys() & {"role", "content", "kwargs", "data"} for item in items):
        return {"role": "assistant", "content": items}
    return items[-1] if items else None


def _are_items(output: list[Any]) -> bool:
    """Whether a list is the output of OpenAI's Responses API."""
    items = [item for item in output if isinstance(item, dict)]
    spoken = any(
        (item.get("type") == "message" and isinstance(item.get("content"), list))
        or (item.get("type") == "function_call" and "call_id" in item)
        for item in items
    )
    return (
        spoken
        and len(items) == len(output)
        and all("type" in item and item["type"] not in _BLOCKS for item in items)
        and all(item.get("role") in (None, "assistant") for item in items)
    )


def _is_item(value: Record) -> bool:
    """Whether an object is one item of the Responses API's output, as Langfuse logs a lone one.

    Its id is not the response's. Anthropic's messages are of the same type, their texts are not.
    """
    if value.get("type") == "message":
        parts = as_list(value.get("content"))
        return any(isinstance(part, dict) and part.get("type") in _ITEM_TEXTS for part in parts)
    return value.get("type") == "function_call" and "call_id" in value


def _response(value: Record) -> Record | None:
    """What an object says in the first shape that it has; None where it has none of them."""
    return next((found for shape in _SHAPES if (found := shape(value)) is not None), None)


def _head(value: Record) -> Record:
    return {
        "response_id": as_name(first(value.get("id"), value.get("responseId"))),
        "model": as_name(first(value.get("model"), value.get("modelVersion"))),
        "service_tier": as_name(value.get("service_tier")),
    }


def _langchain_object(value: Record) -> Record | None:
    if "generations" in value:
        return _langchain_result(value)
    message = _langchain(value)
    return None if message is None else _langchain_message(message)


def _provided(value: Record) -> Record | None:
    """A provider's own response."""
    output = value.get("output")
    items = isinstance(output, list) and all(
        isinstance(item, dict) and "type" in item for item in output
    )
    message = value.get("type") == "message" and isinstance(value.get("content"), list)
    listed = any(isinstance(value.get(name), list) for name in ("choices", "candidates"))
    known = (output and items) or message or listed or ollama.speaks(value)
    return reply_of(value) if known else None


def _spoken(value: Record) -> Record | None:
    """A message; without its usage it is no response, and its id not the response's."""
    if not ("role" in value or value.get("type") == "message" or "tool_calls" in value):
        return None
    whole = value.get("type") == "message" or "usage" in value or "usage_metadata" in value
    finish = as_name(first(value.get("stop_reason"), value.get("finishReason")))
    spoken = _message(value) | {"finish_reason": finish}
    return _head(value) | spoken if whole else spoken


def _wrapped(value: Record) -> Record | None:
    """An object around a message, a text or a list of messages."""
    for name in ("messages", "message", "generation"):
        if said := value.get(name):
            return outcome_of(_last(said) if isinstance(said, list) else said)
    for name in _ANSWERS:
        if isinstance(said := value.get(name), str) and said:
            return _head(value) | {"answer": said} if "usage" in value else {"answer": said}
    if isinstance(value.get("content"), (str, list)):
        return _message(value)
    return outcome_of(value["output"]) if isinstance(value.get("output"), dict) else None


_SHAPES: Final = (_langchain_object, _provided, _spoken, _wrapped)


def _message(message: Mapping[str, Any]) -> Record:
    parts = first(message.get("content"), message.get("parts"))
    if isinstance(parts, list):
        # Calls are no words: they are listed apart.
        parts = [part for part in parts if not is_call(part)]
    text = first(text_of(parts), message.get("refusal"), message.get("text"))
    return {"answer": text, "tool_calls": _calls(message) or None}


def _calls(message: Mapping[str, Any]) -> list[Record]:
    """Tool calls; LangChain repeats as ``tool_calls`` those of its content."""
    listed = tool_calls_of({name: message[name] for name in message if name != "content"})
    return listed or tool_calls_of(message)


def _generation(value: Mapping[str, Any]) -> Record:
    found = value.get("generations")
    while isinstance(found, list) and found:
        found = found[0]
    return as_object(found)


def _langchain_result(value: Mapping[str, Any]) -> Record:
    generation = _generation(value)
    message = _langchain(as_object(generation.get("message")))
    found = _langchain_message(message) if message is not None else {}
    told = as_object(value.get("llm_output"))
    info = as_object(generation.get("generation_info"))
    spare = {
        "answer": as_text(generation.get("text")) or None,
        "model": as_name(first(told.get("model_name"), told.get("model"))),
        "response_id": as_name(told.get("id")),
        "finish_reason": as_name(first(info.get("finish_reason"), info.get("stop_reason"))),
        "service_tier": as_name(told.get("service_tier")),
    }
    return without_nulls(spare) | without_nulls(found)


def _langchain(value: Mapping[str, Any]) -> Record | None:
    """The fields of a LangChain message in either serialisation; None of anything else."""
    if isinstance(kwargs := value.get("kwargs"), dict) and "content" in kwargs:
        return dict(kwargs)
    if isinstance(data := value.get("data"), dict) and "content" in data:
        return dict(data)
    return dict(value) if "response_metadata" in value and "content" in value else None


def _langchain_message(message: Mapping[str, Any]) -> Record:
    told = as_object(message.get("response_metadata"))
    # Of streams from Anthropic LangChain.js keeps these here.
    more = as_object(message.get("additional_kwargs"))
    return _message(message) | {
        "model": as_name(first(told.get("model_name"), told.get("model"), more.get("model"))),
        "response_id": as_name(first(told.get("id"), _own_id(message))),
        "finish_reason": as_name(
            first(told.get("finish_reason"), told.get("stop_reason"), more.get("stop_reason"))
        ),
        "service_tier": as_name(told.get("service_tier")),
    }


def _own_id(message: Mapping[str, Any]) -> Any:
    """The message's id where it is the provider's: LangChain makes up ``run-...`` ids itself."""
    name = message.get("id")
    known = ("chatcmpl-", "msg_", "resp_", "gen-")
    return name if isinstance(name, str) and name.startswith(known) else None

"""Messages, tool calls and retrieved documents in every vendor's shape, as canonical records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    at_path,
    first,
    from_json,
)

_HOLDERS: Final = ("messages", "input", "prompt", "prompts", "contents")
_ROLES: Final = ("system", "human", "user", "ai", "assistant", "developer", "tool")
_CALL_TYPES: Final = ("tool_use", "tool_call", "tool-call", "function_call")
_NAMES: Final = ("name", "toolName")
_CALLS: Final = ("toolUse", "functionCall", "function_call")
_RESULTS: Final = ("toolResult", "functionResponse", "function_response")
"""Parts of Bedrock's and Gemini's messages are objects around what they are."""

_SAID: Final = ("text", "refusal", "content", "output_text", "transcript", "response")


def messages_of(value: Any) -> list[Record]:
    """Messages as role and content, whatever the vendor's spelling.

    Reads a list of messages (OpenAI, Anthropic, LangChain in both serialisations, OTel parts), one
    message, plain text, or an object that holds them under one of ``_HOLDERS``.
    """
    value = from_json(value)
    if isinstance(value, str):
        return [{"role": "user", "content": value}] if value else []
    if isinstance(value, dict):
        inner = first(*(value.get(name) for name in _HOLDERS))
        if inner is not None and "role" not in value:
            system = text_of(first(value.get("system"), value.get("instructions")))
            head = [{"role": "system", "content": system}] if system else []
            return head + messages_of(inner)
        value = [value]
    if not isinstance(value, list):
        return []
    if value and all(isinstance(item, list) for item in value):
        if all(_is_pair(item) for item in value):  # LangChain: ("human", "Hello")
            return [{"role": _role(role), "content": content} for role, content in value]
        value = value[0]  # LangChain: one list per prompt
    return [message for item in value for message in _message(item)]


def _message(item: Any) -> Iterator[Record]:
    if isinstance(item, str):
        yield {"role": "user", "content": item}
        return
    if not isinstance(item, dict):
        return
    if isinstance(kwargs := item.get("kwargs"), dict):  # LangChain's "constructor" objects
        kind = as_list(item.get("id"))[-1:] or [kwargs.get("type")]
        yield {
            "role": _role(kwargs.get("type") or kind[0]),
            "content": text_of(kwargs.get("content")),
        }
        return
    if isinstance(data := item.get("data"), dict) and "content" in data:  # message_to_dict
        yield {"role": _role(item.get("type")), "content": text_of(data.get("content")) or ""}
        return
    role = first(item.get("role"), item.get("type") if "content" in item else None)
    content = first(item.get("content"), item.get("parts"), item.get("contents"), item.get("text"))
    text = text_of(content)
    calls = tool_calls_of(item)
    if role is None and content is None:
        return
    if not text and calls:
        text = "\n".join(f"[tool_call {call['name']}]" for call in calls)
    yield {"role": _role(role), "content": text or ""}


def _is_pair(item: list[Any]) -> bool:
    return len(item) == 2 and item[0] in _ROLES and isinstance(item[1], str)


def _role(role: Any) -> str:
    spelled = str(role or "user").lower().removesuffix("messagechunk").removesuffix("message")
    return {"human": "user", "ai": "assistant", "chat": "user", "model": "assistant"}.get(
        spelled, spelled
    )


def text_of(content: Any) -> str | None:
    """The text of content parts: what is to be read, and in brackets what else there is."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, dict):
        return _part(content)
    if isinstance(content, list):
        return "\n".join(text for part in content if (text := _part(part)))
    return as_text(content)


def _part(part: Any) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return as_text(part)
    if isinstance(inner := part.get("message_content"), dict):  # OpenInference
        part = inner
    kind = str(part.get("type") or "part")
    if kind in ("thinking", "reasoning", "redacted_thinking"):
        return None  # is no part of the answer
    if is_call(part):
        called = _inside(part, _CALLS) or part
        name = first(*(called.get(k) for k in _NAMES), at_path(called, "function", "name"))
        return f"[tool_call {name or ''}]"
    said = [(_inside(part, _RESULTS) or part).get(key) for key in _SAID]
    text = first(*said)
    if isinstance(text, (list, dict)):
        text = text_of(text)
    nothing = "" if text is None and "" in said else f"[{kind}]"  # stands beside tools
    return text if isinstance(text, str) else nothing


def is_call(part: Any) -> bool:
    """Whether a part of a message calls a tool, in every vendor's shape."""
    return isinstance(part, dict) and (
        part.get("type") in _CALL_TYPES or _inside(part, _CALLS) is not None
    )


def _inside(part: Record, names: tuple[str, ...]) -> Record | None:
    """The object that a part is wrapped around."""
    return next((part[name] for name in names if isinstance(part.get(name), dict)), None)


def tool_calls_of(message: Any) -> list[Record]:
    """Name and arguments (JSON text) of the tools that a message calls, in every vendor's shape."""
    if not isinstance(message, dict):
        return []
    found = []
    extra = message.get("additional_kwargs")
    listed = first(
        message.get("tool_calls"), extra.get("tool_calls") if isinstance(extra, dict) else None
    )
    for call in as_list(listed):
        function = call.get("function") if isinstance(call, dict) else None
        source = function if isinstance(function, dict) else call
        found.append(_tool_call(source))
    content = first(message.get("content"), message.get("parts"))
    for part in content if isinstance(content, list) else []:
        if is_call(part):
            found.append(_tool_call(_inside(part, _CALLS) or part))
    if isinstance(old := message.get("function_call"), dict):
        found.append(_tool_call(old))
    return [call for call in found if call["name"]]


def _tool_call(source: Any) -> Record:
    if not isinstance(source, dict):
        return {"name": None, "arguments": None}
    arguments = first(source.get("arguments"), source.get("args"), source.get("input"))
    name = as_name(first(*(source.get(key) for key in _NAMES)))
    return {"name": name, "arguments": as_text(arguments)}


def documents_of(value: Any) -> list[Record]:
    """Retrieved documents as id, content and score, in the shapes that retrievers log."""
    value = from_json(value)
    if isinstance(value, dict):
        value = first(
            value.get("documents"), value.get("results"), value.get("output"), value.get("data")
        ) or [value]
        value = from_json(value)
    return [found for item in as_list(value) if (found := _document(item))]


def _document(item: Any) -> Record | None:
    if isinstance(item, str):
        return {"id": None, "content": item, "score": None}
    if not isinstance(item, dict):
        return None
    inner = as_object(first(item.get("document"), item.get("kwargs"), item))
    metadata = as_object(inner.get("metadata"))
    content = first(inner.get("content"), inner.get("page_content"), inner.get("text"))
    name = first(
        inner.get("id"),
        inner.get("document_id"),
        *(metadata.get(key) for key in ("doc_id", "id", "doc_uri", "source")),
    )
    if content is None and name is None:
        return None
    score = first(item.get("score"), inner.get("relevance_score"), metadata.get("score"))
    return {"id": as_name(name), "content": text_of(content) or "", "score": _score(score)}


def _score(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None

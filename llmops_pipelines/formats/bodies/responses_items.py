"""Items of the Responses API: what was sent, answered, called and found."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import messages_of, text_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, as_name, as_text, at_path, first, from_json

_CALL: Final = "_call"
_OUTPUT: Final = "_output"


def reply_of(response: Mapping[str, Any]) -> Record:
    """What a response says of itself; one that was cut short or filtered ended for that reason."""
    output = as_list(response.get("output"))
    short = at_path(response, "incomplete_details", "reason")
    return {
        "response_id": response.get("id"),
        "model": response.get("model"),
        "service_tier": response.get("service_tier"),
        "finish_reason": short or ("stop" if response.get("status") == "completed" else None),
        "answer": answer_of(output),
        "tool_calls": called_of(output) or None,
    }


def sent_of(instructions: Any, sent: Any) -> list[Record]:
    """Messages: the instructions as the system's, then the input's items."""
    if isinstance(instructions, str):
        instructions = [{"role": "system", "content": instructions}] if instructions else []
    sent = from_json(sent)
    items = as_list(instructions) + (sent if isinstance(sent, list) else messages_of(sent))
    return list(chain.from_iterable(map(_sent, items)))


def _sent(item: Any) -> list[Record]:
    kind = item.get("type") if isinstance(item, dict) else None
    if not isinstance(kind, str) or kind == "message":
        return messages_of([item])
    if kind.endswith(_CALL + _OUTPUT):
        return [{"role": "tool", "content": text_of(item.get("output")) or ""}]
    if kind.endswith(_CALL):
        return [{"role": "assistant", "content": f"[tool_call {_called(item)['name']}]"}]
    return []  # reasoning, references to earlier items


def answer_of(output: list[Any]) -> str | None:
    """The text of the messages in ``output``, refusals included; None where there is none."""
    texts = [
        text
        for item in output
        if isinstance(item, dict) and item.get("type", "message") == "message"
        if (text := text_of(item.get("content")))
    ]
    return "\n".join(texts) or None


def called_of(output: list[Any]) -> list[Record]:
    """Name and arguments of the functions and hosted tools that were called."""
    calls = [
        _called(item)
        for item in output
        if isinstance(item, dict) and str(item.get("type")).endswith(_CALL)
    ]
    return [call for call in calls if call["name"]]


def searches_of(output: list[Any]) -> int | None:
    """Searches of the web that were made, each billed; pages that were opened are not."""
    made = [
        item
        for item in output
        if isinstance(item, dict)
        and item.get("type") == "web_search_call"
        and at_path(item, "action", "type") in (None, "search")
    ]
    return len(made) or None


def _called(item: Mapping[str, Any]) -> Record:
    name = first(as_name(item.get("name")), str(item.get("type")).removesuffix(_CALL))
    given = first(*(item.get(key) for key in ("arguments", "input", "action", "queries", "code")))
    return {"name": name, "arguments": as_text(given)}


def found_of(output: list[Any]) -> list[Record]:
    """Passages that a file search found, where the request asked to include them."""
    return [
        {
            "id": as_name(first(found.get("file_id"), found.get("filename"))),
            "content": text_of(found.get("text")) or "",
            "score": score if isinstance(score := found.get("score"), (int, float)) else None,
        }
        for item in output
        if isinstance(item, dict) and item.get("type") == "file_search_call"
        for found in as_list(item.get("results"))
        if isinstance(found, dict)
    ]

"""Content blocks of the Messages API: what was answered, called, searched and cited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import text_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, as_name, as_object, as_text, first

_CALLS: Final = ("tool_use", "server_tool_use", "mcp_tool_use")
_HOLDERS: Final = ("tool_result", "mcp_tool_result")


def reply_of(message: Mapping[str, Any]) -> Record:
    """What a message says of itself."""
    content, usage = as_list(message.get("content")), as_object(message.get("usage"))
    return {
        "response_id": message.get("id"),
        "model": message.get("model"),
        "finish_reason": message.get("stop_reason"),
        # The fast mode is a price of its own, though its tier is called standard.
        "service_tier": "fast" if usage.get("speed") == "fast" else usage.get("service_tier"),
        "answer": answer_of(content),
        "tool_calls": called_of(content) or None,
    }


def answer_of(content: list[Any]) -> str | None:
    """The text of an answer; None where there is none.

    A text with citations comes as several blocks that follow one another without a break.
    """
    runs = groupby(map(as_object, content), key=lambda block: block.get("type") == "text")
    texts = ["".join(as_text(b.get("text")) or "" for b in run) for is_text, run in runs if is_text]
    return "\n".join(filter(None, texts)) or None


def called_of(content: list[Any]) -> list[Record]:
    """Name and arguments of the tools that were called."""
    return [
        {"name": as_name(block.get("name")), "arguments": as_text(block.get("input"))}
        for block in map(as_object, content)
        if block.get("type") in _CALLS and as_name(block.get("name"))
    ]


def searched_in(messages: Any) -> list[Record]:
    """Search results and documents that the messages hand to the model, each once."""
    blocks = [
        block
        for message in map(as_object, as_list(messages))
        for block in _blocks(message.get("content"))
    ]
    return _each_once(passage for block in blocks if (passage := _passage(block)))


def cited_in(content: list[Any]) -> list[Record]:
    """Passages that an answer cites, each once: of a web search, the only ones in plain text."""
    return _each_once(
        _context(
            first(*(cited.get(key) for key in ("url", "source", "file_id", "document_title"))),
            cited.get("cited_text"),
        )
        for block in map(as_object, content)
        for cited in map(as_object, as_list(block.get("citations")))
        if cited.get("cited_text")
    )


def streamed_message(events: list[Any]) -> Record:
    """The message that the events of a stream make up; empty where it never started.

    A stream that broke off has no stop reason, and no usage of its answer.
    """
    message: Record = {}
    blocks: dict[Any, Record] = {}
    for event in map(as_object, events):
        delta, block = as_object(event.get("delta")), blocks.get(str(event.get("index")), {})
        match event.get("type"):
            case "message_start":
                message = as_object(event.get("message"))
                started = as_object(message.get("usage"))
                # What it says of the answer at its start is no count of it.
                message["usage"] = {k: v for k, v in started.items() if k != "output_tokens"}
            case "content_block_start":
                blocks[str(event.get("index"))] = as_object(event.get("content_block"))
            case "content_block_delta" if "text" in delta:
                block["text"] = f"{block.get('text') or ''}{delta['text']}"
            case "content_block_delta" if "partial_json" in delta:
                given = block.get("input")
                so_far = given if isinstance(given, str) else ""
                block["input"] = f"{so_far}{delta['partial_json']}"
            case "content_block_delta" if "citation" in delta:
                block["citations"] = [*as_list(block.get("citations")), delta["citation"]]
            case "message_delta":
                message |= {key: delta[key] for key in ("stop_reason",) if key in delta}
                message["usage"] = as_object(message.get("usage")) | as_object(event.get("usage"))
            case "error":
                return event
    return message | {"content": list(blocks.values())} if message else {}


def _blocks(content: Any) -> Iterator[Record]:
    for block in map(as_object, as_list(content)):
        yield block
        if block.get("type") in _HOLDERS:
            yield from _blocks(block.get("content"))


def _passage(block: Record) -> Record | None:
    if block.get("type") == "search_result":
        return _context(first(block.get("source"), block.get("title")), block.get("content"))
    source = as_object(block.get("source"))
    if block.get("type") == "document" and source.get("type") in ("text", "content"):
        name = first(block.get("title"), source.get("file_id"))
        return _context(name, first(source.get("data"), source.get("content")))
    return None


def _context(name: Any, content: Any) -> Record:
    return {"id": as_name(name), "content": text_of(content) or "", "score": None}


def _each_once(passages: Iterator[Record]) -> list[Record]:
    return list({(found["id"], found["content"]): found for found in passages}.values())

"""Answers of models on AWS Bedrock that no other API gives, whole or as the pieces of a stream.

As documented in Bedrock's user guide: Converse (and Nova, which answers like it), Titan, Llama,
Mistral, Cohere's command models and Anthropic's text completions. Anthropic's messages and what
answers with ``choices`` are read where every provider's are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.anthropic_blocks import streamed_message
from llmops_pipelines.formats.bodies.messages import text_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, as_name, as_object, as_text, at_path, first

METRICS: Final = "amazon-bedrock-invocationMetrics"
"""Counts and times that Bedrock adds to the last piece of a stream."""

_ANSWERS: Final = (
    ("results", 0, "outputText"),  # Titan
    ("outputText",),  # a piece of Titan's
    ("generation",),  # Llama
    ("completion",),  # Anthropic's text completions
    ("outputs", 0, "text"),  # Mistral
    ("generations", 0, "text"),  # Cohere
)
_ENDS: Final = (
    ("stopReason",),
    ("results", 0, "completionReason"),
    ("completionReason",),
    ("stop_reason",),
    ("outputs", 0, "stop_reason"),
    ("generations", 0, "finish_reason"),
)


def speaks(body: Mapping[str, Any]) -> bool:
    """Whether an object is an answer in one of these shapes."""
    return _converses(body) or any(isinstance(at_path(body, *path), str) for path in _ANSWERS)


def reply_of(body: Mapping[str, Any]) -> Record:
    """What an answer says of itself; it names no model, and has no id but Cohere's."""
    content = as_list(at_path(body, "output", "message", "content"))
    blocks = [as_object(block) for block in content]
    said = [block for block in blocks if isinstance(block.get("text"), str)]
    plain = (at_path(body, *path) for path in _ANSWERS)
    return {
        "response_id": body.get("id"),
        "finish_reason": first(*(at_path(body, *path) for path in _ENDS)),
        "service_tier": at_path(body, "serviceTier", "type"),
        "answer": text_of(said) or first(*plain),
        "tool_calls": [call for block in blocks if (call := _called(block))] or None,
    }


def joined(events: list[Any]) -> Record:
    """The body that the pieces of a stream make up, as if it had not been streamed."""
    pieces = [as_object(event) for event in events]
    message = streamed_message(pieces)
    whole = message or _conversation(pieces) or _text(pieces)
    measured = next((piece[METRICS] for piece in reversed(pieces) if METRICS in piece), None)
    return whole | ({METRICS: measured} if measured is not None else {})


def _converses(body: Mapping[str, Any]) -> bool:
    return isinstance(at_path(body, "output", "message"), dict)


def _called(block: Record) -> Record | None:
    tool = as_object(block.get("toolUse"))
    name = as_name(tool.get("name"))
    return {"name": name, "arguments": as_text(tool.get("input"))} if name else None


def _conversation(pieces: list[Record]) -> Record:
    """A streamed answer of Nova, whose events are those of ConverseStream; empty if it is none."""
    blocks: dict[Any, Record] = {}
    whole: Record = {}
    for piece in pieces:
        if start := as_object(piece.get("contentBlockStart")):
            tool = as_object(at_path(start, "start", "toolUse"))
            blocks[_place(start)] = {"toolUse": tool} if tool else {}
        elif part := as_object(piece.get("contentBlockDelta")):
            _add(blocks.setdefault(_place(part), {}), as_object(part.get("delta")))
        elif stop := as_object(piece.get("messageStop")):
            whole["stopReason"] = stop.get("stopReason")
        elif told := as_object(piece.get("metadata")):
            whole |= told
    if not (blocks or whole):
        return {}
    return whole | {"output": {"message": {"content": list(blocks.values())}}}


def _place(event: Record) -> str:
    return str(event.get("contentBlockIndex"))


def _add(block: Record, delta: Record) -> None:
    if isinstance(text := delta.get("text"), str):
        block["text"] = f"{block.get('text') or ''}{text}"
    elif isinstance(given := at_path(delta, "toolUse", "input"), str):
        tool = as_object(block.get("toolUse"))
        block["toolUse"] = tool | {"input": f"{as_text(tool.get('input')) or ''}{given}"}


def _text(pieces: list[Record]) -> Record:
    """Pieces of plain text under the key that all of them have, and what the last one says."""
    key = next((path[0] for path in _ANSWERS if any(path[0] in piece for piece in pieces)), None)
    if key is None:
        return {}
    text = "".join(said for piece in pieces if isinstance(said := piece.get(key), str))
    return {name: said for piece in pieces for name, said in piece.items()} | {key: text}

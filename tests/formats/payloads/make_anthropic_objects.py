"""Writes anthropic.jsonl and anthropic_batch.jsonl: objects of the SDK's own models.

Run with anthropic 2.14, which the project does not install. Nothing is sent anywhere.
"""

import json
from pathlib import Path

from anthropic.types import ErrorResponse, Message, RawMessageStreamEvent
from anthropic.types.messages import MessageBatchIndividualResponse
from pydantic import TypeAdapter

HERE = Path(__file__).parent
USAGE = {
    "input_tokens": 40,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
    "output_tokens": 120,
    "output_tokens_details": {"thinking_tokens": 80},
    "service_tier": "standard",
}


def message(*content, **changes):
    text = {"type": "text", "text": "It left on Monday.", "citations": None}
    plain = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": list(content) or [text],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }
    return plain | changes


def messages():
    """Plain, thinking with tools, cited, refused, cut short, and an error in a message's place."""
    yield Message.model_validate(message())
    yield Message.model_validate(
        message(
            {"type": "thinking", "thinking": "Where is it?", "signature": "s"},
            {"type": "text", "text": "Let me look.", "citations": None},
            {"type": "tool_use", "id": "toolu_1", "name": "track", "input": {"order": 7}},
            id="msg_2",
            stop_reason="tool_use",
        )
    )
    cited = {
        "type": "web_search_result_location",
        "url": "https://example.org/strike",
        "title": "Strike",
        "cited_text": "Carriers strike on Tuesday.",
        "encrypted_index": "e",
    }
    yield Message.model_validate(
        message(
            {"type": "text", "text": "There is ", "citations": None},
            {"type": "text", "text": "a strike", "citations": [cited]},
            {"type": "text", "text": ".", "citations": None},
            id="msg_3",
        )
    )
    yield Message.model_validate(message(id="msg_4", stop_reason="refusal", content=[]))
    yield Message.model_validate(message(id="msg_5", stop_reason="max_tokens"))
    yield ErrorResponse.model_validate(overloaded())


def overloaded():
    error = {"type": "overloaded_error", "message": "Overloaded"}
    return {"type": "error", "error": error, "request_id": "req_6"}


def stream():
    """The events of one answer."""
    event = TypeAdapter(RawMessageStreamEvent)
    start = message(stop_reason=None, usage=USAGE | {"output_tokens": 1})
    start["content"] = []
    use = {"type": "tool_use", "id": "toolu_1", "name": "track", "input": {}}
    for plain in (
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "It "}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "left"},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": use},
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"order"'},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": ": 7}"},
        },
        {"type": "content_block_stop", "index": 1},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {"output_tokens": 120},
        },
        {"type": "message_stop"},
    ):
        yield event.validate_python(plain)


def batch():
    """One request of each outcome."""
    spent = message(usage=USAGE | {"service_tier": "batch"})
    for place, result in enumerate(
        (
            {"type": "succeeded", "message": spent},
            {"type": "errored", "error": overloaded()},
            {"type": "canceled"},
            {"type": "expired"},
        )
    ):
        line = {"custom_id": f"row-{place}", "result": result}
        yield MessageBatchIndividualResponse.model_validate(line)


def write(name, records):
    lines = [record.model_dump_json(exclude_unset=True) + "\n" for record in records]
    (HERE / name).write_text("".join(lines))


if __name__ == "__main__":
    write("anthropic.jsonl", messages())
    events = [json.loads(event.model_dump_json(exclude_unset=True)) for event in stream()]
    (HERE / "anthropic_stream.json").write_text(json.dumps(events) + "\n")
    write("anthropic_batch.jsonl", batch())

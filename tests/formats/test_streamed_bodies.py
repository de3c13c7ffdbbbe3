"""Streamed bodies that gateways log are put together; pieces as the providers document them."""

import json

import pytest

from llmops_pipelines.formats.bodies.bodies import response_of
from llmops_pipelines.formats.engine.fields import FIELDS
from llmops_pipelines.formats.streamed_bodies import whole_body
from tests.formats.worlds import damaged, usage


def chunk(delta, reason=None, **more):
    choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
    named = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m-1"}
    return named | {"choices": choices} | more


CHUNKS = [
    chunk({"role": "assistant", "content": "On its "}),
    chunk({"content": "way."}, "stop"),
    chunk({}, choices=[], usage=usage(100, 20, prompt_tokens_details={"cached_tokens": 60})),
]
EVENTS = [
    {"type": "message_start", "message": {"id": "msg_1", "model": "claude-haiku-4-5", "content": [],
     "usage": {"input_tokens": 40, "cache_read_input_tokens": 60, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0,
     "delta": {"type": "text_delta", "text": "On its way."}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}},
]  # fmt: skip
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "model": "m-1",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "On its way."}]}],
    "usage": {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60},
              "output_tokens": 20, "total_tokens": 120},
}  # fmt: skip
OF_RESPONSE = [
    {"type": "response.created", "response": RESPONSE | {"output": [], "usage": None}},
    {"type": "response.output_text.delta", "delta": "On its way."},
    {"type": "response.completed", "response": RESPONSE},
]


def sent(pieces):
    """Pieces as a server sends them."""
    said = (f"event: {piece.get('type')}\ndata: {json.dumps(piece)}\n\n" for piece in pieces)
    return "".join([*said, "data: [DONE]\n\n"])


@pytest.mark.parametrize("pieces", [CHUNKS, EVENTS, OF_RESPONSE], ids=["chunks", "events", "of"])
@pytest.mark.parametrize(
    "spell",
    [list, sent, json.dumps, lambda pieces: {"streamed_data": pieces}],
    ids=["list", "sent", "text", "under a key"],
)
def test_a_streamed_body_says_what_the_whole_one_would(pieces, spell):
    found = response_of(whole_body(spell(pieces)))
    assert found["answer"] == "On its way."
    assert found["finish_reason"] in ("stop", "end_turn")
    assert found["response_id"] in ("chatcmpl-1", "msg_1", "resp_1")
    assert (found["cache_read"], found["output_tokens"]) == (60, 20)
    assert found.get("input_tokens", 100) == 100
    assert found.get("uncached_input", 40) == 40


WHOLE = {"choices": [{"message": {"content": "Whole."}}], "streamed_data": CHUNKS}


@pytest.mark.parametrize("body", [None, "Hello", "data: it is", {}, RESPONSE, WHOLE])
def test_any_other_body_stays_as_it_is(body):
    assert whole_body(body) == body


@pytest.mark.parametrize("pieces", [CHUNKS, EVENTS, OF_RESPONSE])
def test_pieces_with_anything_anywhere_tell_fields_or_nothing(pieces):
    for wrong in damaged(pieces):
        assert response_of(whole_body(wrong)).keys() <= FIELDS.keys()

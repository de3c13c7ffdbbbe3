"""Bodies that come with status 200 and hold anything at all."""

from __future__ import annotations

import json

import pytest

from llmops_pipelines.adapters.endpoints.judge_client import _read
from tests.judging.worlds import Run, item_frame


def read(body: object):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return _read(content, {"x-request-id": "req-1"}, 5.0)


def completion(**choice):
    message = {"role": "assistant", "content": "{}"}
    return {"model": "m", "choices": [{"message": message, "finish_reason": "stop", **choice}]}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{}]}', b"\xff\xfe",
     b'{"choices": [{"message": "text"}]}', b"null", b"[" * 100_000],
)  # fmt: skip
def test_a_body_that_is_no_chat_completion_is_tried_again(body):
    reply = read(body)
    assert (reply.outcome, reply.retryable) == ("http_200", True)
    assert reply.request_id == "req-1"


def test_a_content_filter_is_a_refusal():
    assert read(completion(finish_reason="content_filter")).outcome == "refused"


def test_half_a_character_in_a_body_is_no_reason_to_ask_and_pay_again():
    content = json.dumps(completion(message={"content": "cut \ud83d"})).encode()
    assert (read(content).outcome, read(content).text) == ("ok", "cut \ufffd")


def test_a_reply_without_text_is_empty_text():
    assert read(completion(message={"content": None})).text == ""


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            {"uncached_input": 60, "cache_read": 40, "output_text": 30, "reasoning": 20},
        ),
        (
            {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": None},
            {"uncached_input": 1, "cache_read": 0, "output_text": 2, "reasoning": 0},
        ),
        ({"prompt_tokens": 1}, None),
        ({"prompt_tokens": 1, "completion_tokens": -2}, None),
        ({"prompt_tokens": 1, "completion_tokens": 1,
          "prompt_tokens_details": {"cached_tokens": 9}}, None),
        ({"prompt_tokens": "many", "completion_tokens": 1}, None),
        ("none", None),
        (None, None),
    ],
)  # fmt: skip
def test_usage_is_split_into_disjoint_buckets_or_unknown(usage, tokens):
    assert read({**completion(), "usage": usage}).tokens == tokens


@pytest.mark.parametrize(
    "odd",
    [{"model": {"a": 1}}, {"model": 5, "id": ["x"]},
     {"usage": {"prompt_tokens": 10**30, "completion_tokens": 1}}],
)  # fmt: skip
def test_what_no_table_can_hold_is_not_told_and_stops_nobody(odd):
    """One such reply must not keep those of others from the ledger: they are paid for."""
    content = completion(message={"content": '{"polite": true, "reason": "r"}'}) | odd
    run = Run(lambda _request, _number: read(content))
    run.of(item_frame("a"))
    (attempt,) = run.ledger.attempts.to_dicts()
    assert attempt["outcome"] == "ok"
    assert attempt["cost"] is None
    assert run.ledger.verdicts["score"].to_list() == [1.0]

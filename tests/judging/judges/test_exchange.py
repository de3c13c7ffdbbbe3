"""What a request may take at most, before it is sent."""

import json

import pytest

from llmops_pipelines.judging import Message, Request


@pytest.mark.parametrize("sign", ["a", "é", "好", "🙂"])
def test_no_tokeniser_makes_more_than_is_counted_for_the_cap(sign):
    """A token of a byte-level vocabulary is at least a byte, in messages and in schemas alike."""
    schema = {"type": "object", "properties": {"kind": {"enum": [sign * 200, sign * 300]}}}
    request = Request("m", (Message("user", sign * 50),), "s", schema, max_tokens=10)
    told = "".join(message.content for message in request.told_in_words())
    assert request.most_input_tokens >= len(told.encode())
    sent = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    assert request.most_input_tokens >= len(sent.encode()) + 50 * len(sign.encode())

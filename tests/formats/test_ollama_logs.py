"""Ollama's answers, one a line, built from the examples of its API reference."""

import json

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import call, damaged, one_as, read_as, unpacked_kinds, utc

CHAT = {
    "model": "llama3.2",
    "created_at": "2026-11-10T09:15:07.123456789Z",
    "message": {"role": "assistant", "content": "On its way."},
    "done_reason": "stop",
    "done": True,
    "total_duration": 5000000000,
    "load_duration": 6338219291,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 130079000,
    "eval_count": 259,
    "eval_duration": 4232710000,
}
GENERATE = {name: said for name, said in CHAT.items() if name != "message"} | {
    "response": "On its way.",
    "context": [1, 2, 3],
}


def values(found, *names):
    return tuple(found[name] for name in names)


@pytest.mark.parametrize("record", [CHAT, GENERATE], ids=["chat", "generate"])
def test_an_answer_is_a_call_that_began_before_it_ended(record):
    found = one_as("ollama", record)
    told = ("model", "provider", "answer", "finish_reason", "latency_ms", "status")
    assert values(found, *told) == ("llama3.2", "ollama", "On its way.", "stop", 5000.0, "ok")
    assert found["started_at"] == utc("2026-11-10T09:15:02.123456")
    assert values(found, "uncached_input", "output_text") == (26, 259)


def test_pieces_of_a_stream_are_ignored_but_for_the_last():
    piece = {name: CHAT[name] for name in ("model", "created_at", "message")} | {"done": False}
    assert unpacked_kinds("ollama", piece, CHAT) == ["ignored", "call"]


def test_tools_that_were_called_are_read():
    tools = [{"function": {"name": "track", "arguments": {"order": 7}}}]
    found = one_as("ollama", CHAT | {"message": {"content": "", "tool_calls": tools}})
    assert found["tool_calls"] == [{"name": "track", "arguments": '{"order":7}'}]


def test_a_prompt_that_was_remembered_is_unknown():
    short = {name: said for name, said in CHAT.items() if name != "prompt_eval_count"}
    assert values(one_as("ollama", short), "uncached_input", "output_text") == (None, 259)


def test_its_records_are_recognised_and_others_are_not():
    assert sniff([json.dumps(CHAT)]) == sniff([json.dumps(GENERATE)]) == "ollama"
    assert not FORMATS["ollama"].recognises(call())
    assert not FORMATS["ollama"].recognises({"done": True, "message": "Backup finished."})


def test_a_record_with_anything_anywhere_is_read_or_rejected():
    records = list(damaged(CHAT))
    rows = read_as("ollama", *records)
    assert rows.calls.height + rows.rejected.height == len(records)
    assert rows.rejected.height < len(records) / 2

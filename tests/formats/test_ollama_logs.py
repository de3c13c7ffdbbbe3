"""Ollama's answers, one a line, built from the examples of its API reference."""

import json

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from llmops_pipelines.ingest import llm_calls, texts_of
from llmops_pipelines.tables import CALL_TEXTS
from tests.formats.worlds import call, damaged, one_as, read_as, unpacked_kinds, utc, values
from tests.ingest.worlds import landed, lines, log

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


@pytest.mark.parametrize("record", [CHAT, GENERATE], ids=["chat", "generate"])
def test_an_answer_is_a_call_that_began_before_it_ended(record):
    found = one_as("ollama", record)
    told = ("model", "provider", "answer", "finish_reason", "latency_ms", "status")
    assert values(found, *told) == ("llama3.2", "ollama", "On its way.", "stop", 5000.0, "ok")
    assert found["started_at"] == utc("2026-11-10T09:15:02.123456")
    assert values(found, "uncached_input", "output_text") == (26, 259)


def test_pieces_of_a_stream_that_was_not_gathered_are_ignored_but_for_the_last():
    piece = {name: CHAT[name] for name in ("model", "created_at", "message")} | {"done": False}
    assert unpacked_kinds("ollama", piece, CHAT) == ["ignored", "call"]


def piece(text: str, at: str, **changes) -> dict:
    said = {"model": "llama3.2", "created_at": f"2026-11-10T09:15:{at}Z", "done": False}
    return said | {"message": {"role": "assistant", "content": text}} | changes


def last(at: str, text: str = "", **changes) -> dict:
    counts = {"total_duration": 5_000_000_000, "prompt_eval_count": 26, "eval_count": 9}
    return piece(text, at, done=True, done_reason="stop") | counts | changes


def streamed(*records):
    lake = landed(log("log.jsonl", lines(*records)))
    calls = lake.rows()
    texts = texts_of(lake.rows(CALL_TEXTS).lazy(), llm_calls(calls).lazy()).collect()
    answers = dict(texts.select("call_id", "answer").iter_rows())
    told = calls.select("call_id", "is_stream", "output_text").iter_rows()
    return [(answers.get(name), *rest) for name, *rest in told], calls, lake.counts()


def test_the_pieces_of_a_stream_are_one_call_with_its_text_and_times():
    found, calls, counts = streamed(piece("It ", "03"), piece("ships.", "04"), last("06"))
    assert found == [("It ships.", True, 9)]
    assert calls.select("latency_ms", "ttft_ms").rows() == [(5000.0, 2000.0)]
    assert counts == (3, 1, 0, 0, 0, 2)


def test_streams_of_two_models_and_both_apis_may_be_mixed():
    other = {"model": "qwen3"}
    generated = {"message": None, "response": "Yes."}
    without = [
        {name: said for name, said in each.items() if said is not None}
        for each in (piece("", "03", **generated), last("06", message=None, response=""))
    ]
    found, *_ = streamed(
        piece("A", "03"), piece("B", "03", **other), without[0], piece("a", "04"),
        last("05", **other), without[1], last("06"),
    )  # fmt: skip
    assert sorted(found) == [("Aa", True, 9), ("B", True, 9), ("Yes.", True, 9)]


def test_a_stream_that_broke_off_is_a_call_nobody_counted_beside_the_next_one():
    for following in ([last("50", "Whole.")], [piece("Wh", "49"), piece("ole.", "49"), last("50")]):
        found, calls, _ = streamed(piece("Brok", "03"), *following)
        assert {row[::2] for row in found} == {("Brok", None), ("Whole.", 9)}
        assert calls["call_id"].n_unique() == 2
    assert streamed(piece("Brok", "03"))[0] == [("Brok", True, None)]


def test_an_error_in_a_stream_is_a_failed_call_with_what_it_had_said():
    found, calls, _ = streamed(piece("Brok", "03"), {"error": "model runner stopped"})
    assert found == [("Brok", True, None)]
    assert calls["status"].to_list() == ["error"]


def test_texts_of_streams_that_were_mixed_are_unknown_not_wrong():
    mixed = [piece(text, "03") for text in "abcdefghijkl"]
    found, *_ = streamed(*mixed, last("06"), piece("m", "06"), last("07"))
    assert found == [(None, True, 9), ("m", True, 9)]


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

"""Format claude_code: a session that the program wrote (payloads/claude_code.jsonl), and others."""

from pathlib import Path
from typing import Any

import pytest

from llmops_pipelines.ingest import llm_calls
from llmops_pipelines.tables import CALL_TEXTS
from tests.ingest.worlds import Lake, landed, line, lines, log

WRITTEN = (Path(__file__).parent / "payloads" / "claude_code.jsonl").read_bytes()
DAY = "shop/2026-11-10.jsonl"
USAGE = {"input_tokens": 4, "cache_read_input_tokens": 50, "output_tokens": 20}


def user(text: Any, **more: Any) -> dict[str, Any]:
    at = "2026-11-10T10:00:00Z"
    said = {"type": "user", "sessionId": "s-1", "uuid": "u-1", "timestamp": at}
    return said | {"message": {"role": "user", "content": text}} | more


def block(name: str, text: str, stop: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    message = {
        "id": name, "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": text}], "stop_reason": stop, "usage": USAGE,
    }  # fmt: skip
    at = "2026-11-10T10:00:02Z"
    said = {"type": "assistant", "sessionId": "s-1", "uuid": "u-1", "timestamp": at}
    return said | {"message": message} | more


def told(lake: Lake, *names: str) -> list[tuple[Any, ...]]:
    return llm_calls(lake.rows()).sort("started_at", "call_id").select(names).rows()


def texts(lake: Lake) -> dict[str, tuple[list[str], str | None]]:
    return {
        row["call_id"]: ([each["content"] for each in row["messages"]], row["answer"])
        for row in lake.rows(CALL_TEXTS).to_dicts()
    }


def test_a_message_is_one_call_however_many_lines_and_sessions_repeat_it() -> None:
    lake = landed(log("shop.jsonl", WRITTEN))
    names = ("call_id", "status", "uncached_input", "cache_read", "cache_write_5m",
             "cache_write_1h", "output_text", "finish_reason")  # fmt: skip
    *answered, refused = told(lake, *names)
    assert answered == [
        ("msg_1", "ok", 4, 5000, 600, 400, 200, "tool_use"),
        ("msg_3", "ok", 4, 5000, 600, 400, 200, "end_turn"),
        ("msg_5", "ok", 4, 5000, 600, 400, 200, "end_turn"),
    ]
    assert refused[1:3] == ("error", None)
    assert lake.file("shop.jsonl")["source_format"] == "claude_code"
    assert lake.counts("shop.jsonl") == (31, 7, 0, 0, 0, 24)


def test_a_call_knows_what_was_asked_and_answered_and_when() -> None:
    lake = landed(log("shop.jsonl", WRITTEN))
    names = ("latency_ms", "project", "session_id", "tool_call_count", "is_stream")
    ((latency, *said),) = [row[1:] for row in told(lake, "call_id", *names) if row[0] == "msg_1"]
    assert 0 < latency < 60_000
    assert said == ["shop", said[1], 2, True]
    assert len(said[1]) == 36
    found = texts(lake)
    assert found["msg_1"] == (["TOOLS, please"], "I look.")
    assert found["msg_3"] == (["one", "two"], "I look.")
    (refused,) = [row for row in told(lake, "call_id", "error_class") if row[1]]
    assert refused[1] == "other"


def test_results_of_tools_may_come_between_the_blocks_of_a_message() -> None:
    heard = [user("Look."), block("m-1", "One"), user("1"), block("m-1", "Two"), user("2")]
    lake = landed(log(DAY, lines(*heard, block("m-2", "Done"))))
    assert texts(lake) == {"m-1": (["Look."], "OneTwo"), "m-2": (["1", "2"], "Done")}


def test_agents_that_speak_side_by_side_are_told_apart() -> None:
    side = {"isSidechain": True}
    heard = [user("Main."), user("Side.", **side), block("m-1", "M"), block("m-2", "S", **side)]
    lake = landed(log(DAY, lines(*heard)))
    assert texts(lake) == {"m-1": (["Main."], "M"), "m-2": (["Side."], "S")}


def test_what_is_counted_before_an_answer_ends_is_no_count_of_it() -> None:
    piece = {"session_id": "s-1", "parent_tool_use_id": None}
    printed = [
        {"type": "system", "subtype": "init", "session_id": "s-1"},
        *({"type": "assistant", "message": block("m-1", text, None)["message"]} | piece
          for text in ("One", "Two")),
        {"type": "result", "session_id": "s-1", "total_cost_usd": 0.5, "usage": USAGE},
    ]  # fmt: skip
    lake = landed(log(DAY, lines(*printed)))
    assert told(lake, "call_id", "uncached_input", "cache_read", "output_text") == [
        ("m-1", 4, 50, None)
    ]
    assert lake.counts(DAY) == (4, 1, 0, 0, 0, 3)


@pytest.mark.parametrize(
    "left_out",
    [user("Nobody answers."), block("m-9", "Nothing.") | {"message": {"model": "<synthetic>"}}],
)
def test_what_nobody_or_the_program_itself_answered_is_ignored(left_out: dict[str, Any]) -> None:
    lake = landed(log(DAY, lines(user("Look."), block("m-1", "One")) + line(left_out)))
    assert lake.counts(DAY) == (3, 1, 0, 0, 0, 2)


def test_chats_that_an_application_logs_in_such_words_are_not_taken_for_sessions() -> None:
    said = {"role": "assistant", "content": "Hello."}
    own = [
        {"type": kind, "session_id": "s-1", "message": said, "model": "gpt-4.1", "at": 3}
        for kind in ("user", "assistant")
    ]
    assert landed(log(DAY, lines(*own))).file(DAY)["source_format"] is None


def test_messages_without_an_id_are_calls_of_their_own() -> None:
    nameless = block("m-1", "One")
    del nameless["message"]["id"]
    lake = landed(log(DAY, lines(user("a"), nameless, nameless | {"uuid": "u-2"})))
    assert len(told(lake, "call_id")) == 2


@pytest.mark.parametrize("odd", [None, 3, [None], {"x": {}}])
def test_any_value_of_a_line_may_be_anything(odd: Any) -> None:
    heard = [user("Look."), block("m-1", "One", uuid="u", cwd="/shop", isSidechain=False)]
    for number, each in enumerate(heard):
        for key in each:
            damaged = [*heard[:number], each | {key: odd}, *heard[number + 1 :], *heard]
            assert landed(log(DAY, lines(*damaged))).counts(DAY)[0] == 4

"""A stream logged one piece a line is one call with its text.

Chunks are built from OpenAI's API reference, events from Anthropic's "Streaming messages", answers
from Gemini's streamGenerateContent.
"""

from itertools import chain, zip_longest
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.ingest import llm_calls
from llmops_pipelines.tables import CALL_TEXTS
from tests.ingest.worlds import Lake, landed, lines, log, reasons

USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 30,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 64},
}


def chunk(*choices: dict[str, Any], name: str = "chatcmpl-1", **more: Any) -> dict[str, Any]:
    head = {"id": name, "object": "chat.completion.chunk", "created": 1794301502}
    return head | {"model": "gpt-4.1-mini-2025-04-14", "choices": list(choices), **more}


def piece(text: str | None, end: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": end}


STREAM = [
    chunk(piece("It ships "), usage=None),
    chunk(piece("on Monday."), usage=None),
    chunk(piece(None, "stop"), usage=None),
    chunk(usage=USAGE),
]


def calls(lake: Lake) -> list[tuple[Any, ...]]:
    told = ("call_id", "model", "is_stream", "finish_reason", "uncached_input", "output_text")
    return llm_calls(lake.rows()).select(told).rows()


def texts(lake: Lake) -> list[tuple[Any, ...]]:
    return lake.rows(CALL_TEXTS).select("answer", "tool_calls").rows()


def test_a_stream_is_one_call_with_the_usage_of_its_last_chunk() -> None:
    lake = landed(log("log.jsonl", lines(*STREAM)))
    assert lake.file()["source_format"] == "openai_chunks"
    assert calls(lake) == [("chatcmpl-1", "gpt-4.1-mini-2025-04-14", True, "stop", 56, 30)]
    assert lake.counts() == (4, 1, 0, 0, 0, 3)
    assert texts(lake) == [("It ships on Monday.", [])]


def test_streams_may_be_mixed_and_one_without_usage_is_null_not_free() -> None:
    other = [record | {"id": "chatcmpl-2"} for record in STREAM[:3]]
    mixed = [*(each for pair in zip(STREAM, other, strict=False) for each in pair), STREAM[3]]
    lake = landed(log("log.jsonl", lines(*mixed)))
    assert [(row[0], row[-1]) for row in calls(lake)] == [("chatcmpl-1", 30), ("chatcmpl-2", None)]


def test_counts_in_every_chunk_are_those_of_the_last() -> None:
    counting = [
        chunk(piece("It ships "), usage=USAGE | {"completion_tokens": 2, "total_tokens": 122}),
        chunk(piece(None, "stop"), usage=USAGE),
    ]
    assert [row[-1] for row in calls(landed(log("log.jsonl", lines(*counting))))] == [30]


def test_a_stream_of_groq_is_counted_where_groq_counts_it() -> None:
    counted = {"id": "req_1", "usage": USAGE}
    stream = [chunk(piece("It ships."), usage=None), chunk(piece(None, "stop"), x_groq=counted)]
    found = landed(log("log.jsonl", lines(*stream))).rows()
    alone = landed(log("log.jsonl", lines(*STREAM))).rows()
    assert found["provider"].to_list() == ["groq"]
    for side in ("uncached_input", "output_text"):
        assert found[side].to_list() == alone[side].to_list()


def test_a_stream_that_failed_on_its_way_is_a_failure() -> None:
    """As OpenRouter sends it."""
    error = {"code": 502, "message": "Provider disconnected"}
    stream = [chunk(piece("It ")), chunk(piece("", "error"), error=error)]
    enveloped = {"timestamp": "2026-11-10T09:15:02Z", "request": {"model": "m"}, "response": stream}
    for written in (stream, [enveloped]):
        found = landed(log("log.jsonl", lines(*written))).rows()
        assert found.select("status", "error_class").rows() == [("error", "server")]


def test_odd_chunks_are_rejected_or_ignored() -> None:
    odd = [
        chunk(piece(None, "stop"), usage=3, name="chatcmpl-2"),
        chunk("stop") | {"choices": "x", "usage": USAGE},  # type: ignore[arg-type]
        chunk(piece(None, "stop"), name="chatcmpl-3") | {"created": "soon"},
        chunk(piece(None, "stop"), name=None),  # type: ignore[arg-type]
        chunk(*[{"delta": 3, "finish_reason": {}}]),
    ]
    lake = landed(log("log.jsonl", lines(*odd, *STREAM)))
    assert lake.file()["rejected"] == 1
    assert sum(lake.counts()[1:]) == len(odd) + len(STREAM)


def interleaved(*streams: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [piece for pieces in zip_longest(*streams) for piece in pieces if piece]


def test_texts_and_tools_of_mixed_streams_are_told_apart() -> None:
    def calling(arguments: str, name: str | None = None) -> dict[str, Any]:
        call = {"index": 0, "function": {"name": name, "arguments": arguments}}
        return {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}

    asking = chunk(piece("Let me see."), name="chatcmpl-2")
    pieces = [calling("", "track"), calling('{"order"'), calling(":7}"), piece(None, "tool_calls")]
    other = [asking, *(chunk(part, name="chatcmpl-2") for part in pieces)]
    lake = landed(log("log.jsonl", lines(*interleaved(STREAM, other))))
    called = [{"name": "track", "arguments": '{"order":7}'}]
    assert sorted(texts(lake)) == [("It ships on Monday.", []), ("Let me see.", called)]


def test_a_stream_that_broke_off_is_a_call_whose_tokens_are_unknown() -> None:
    lake = landed(log("log.jsonl", lines(*STREAM[:2])))
    assert calls(lake) == [("chatcmpl-1", "gpt-4.1-mini-2025-04-14", True, None, None, None)]
    assert texts(lake) == [("It ships on Monday.", [])]


def test_an_id_that_a_server_uses_again_does_not_join_two_streams() -> None:
    again = [
        chunk(piece("It ships "), created=1794388000),
        chunk(piece("today."), created=1794388000),
        chunk(piece(None, "stop"), created=1794388000),
        chunk(usage=USAGE, created=1794388000),
    ]
    lake = landed(log("log.jsonl", lines(*STREAM, *again)))
    assert texts(lake) == [("It ships on Monday.", []), ("It ships today.", [])]
    assert lake.rows()["output_text"].to_list() == [30, 30]


def test_where_blocks_of_lines_end_changes_nothing() -> None:
    whole = landed(log("log.jsonl", lines(*STREAM)))
    cut = landed(log("log.jsonl", lines(*STREAM)), batch_lines=1)
    kept = pl.exclude("batch", "landed_batch")
    assert cut.rows().select(kept).equals(whole.rows().select(kept))
    assert texts(cut) == texts(whole)


def test_a_stream_above_the_limit_of_a_line_is_a_call_without_text() -> None:
    pieces = [chunk(piece("x" * 300)) for _ in range(9)]
    lake = landed(log("log.jsonl", lines(*pieces, *STREAM[2:])), max_line_bytes=1000)
    assert calls(lake) == [("chatcmpl-1", "gpt-4.1-mini-2025-04-14", True, "stop", 56, 30)]
    assert texts(lake) == []


def test_chunks_in_our_envelope_are_one_call_with_its_request() -> None:
    asked = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "When?"}]}
    record = {"timestamp": "2026-11-10T09:00:00Z", "feature": "shop", "latency_ms": 900}
    lake = landed(log("log.jsonl", lines(record | {"request": asked, "response": STREAM})))
    assert calls(lake) == [
        (lake.rows()["call_id"][0], "gpt-4.1-mini-2025-04-14", True, "stop", 56, 30)
    ]
    assert lake.rows(CALL_TEXTS).select("question", "answer").rows() == [
        ("When?", "It ships on Monday.")
    ]


@pytest.mark.parametrize("streamed", [1, 2, 3])
def test_streams_and_whole_responses_may_stand_in_one_log(streamed: int) -> None:
    asked = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "When?"}]}
    choice = {"finish_reason": "stop", "message": {"content": "On Monday."}}
    whole = {"id": "chatcmpl-9", "model": "gpt-4.1-mini", "choices": [choice], "usage": USAGE}
    responses = [STREAM] * streamed + [whole] * (4 - streamed)
    records = [
        {"id": f"c-{n}", "timestamp": "2026-11-10T09:00:00Z", "request": asked, "response": each}
        for n, each in enumerate(responses)
    ]
    lake = landed(log("log.jsonl", lines(*records, records[0] | {"id": "c-9", "response": None})))
    rows = lake.rows()
    assert rows["output_text"].to_list() == [30, 30, 30, 30, None]
    assert rows["is_stream"].to_list()[:streamed] == [True] * streamed
    assert rows["status"].to_list() == ["ok"] * 4 + ["error"]
    answers = lake.rows(CALL_TEXTS)["answer"].to_list()
    assert answers[:4] == ["It ships on Monday."] * streamed + ["On Monday."] * (4 - streamed)


def test_half_a_character_in_a_chunk_costs_no_more_than_itself() -> None:
    half = chunk(piece("It ships \ud83d"), usage=None)
    lake = landed(log("log.jsonl", lines(half, *STREAM[1:])))
    assert calls(lake) == [("chatcmpl-1", "gpt-4.1-mini-2025-04-14", True, "stop", 56, 30)]
    assert texts(lake) == [("It ships \ufffdon Monday.", [])]


def test_a_stream_in_a_record_that_cannot_be_written_anew_is_rejected_alone() -> None:
    record = {"timestamp": "2026-11-10T09:00:00Z", "request": {"model": "gpt-4.1-mini"}}
    choice = {"finish_reason": "stop", "message": {"content": "On Monday."}}
    whole = {"id": "chatcmpl-9", "model": "gpt-4.1-mini", "choices": [choice], "usage": USAGE}
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"k": deep}
    good = [record | {"id": f"c-{n}", "response": whole} for n in range(3)]
    odd = record | {"id": "c-9", "response": STREAM, "metadata": deep}
    lake = landed(log("log.jsonl", lines(*good, odd)))
    assert lake.rows()["call_id"].to_list() == ["c-0", "c-1", "c-2"]
    assert [(line, why.partition(":")[0]) for line, why in reasons(lake)] == [(4, "record")]


def test_a_spoken_answer_is_read_as_its_transcript() -> None:
    spoken = [
        chunk({"index": 0, "delta": {"audio": {"id": "a", "transcript": "Good "}}}),
        chunk({"index": 0, "delta": {"audio": {"data": "UklG", "transcript": "day."}}}),
    ]
    assert texts(landed(log("log.jsonl", lines(*spoken)))) == [("Good day.", [])]


MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "content": [], "stop_reason": None,
    "model": "claude-opus-4-1-20250805",
    "usage": {"input_tokens": 25, "output_tokens": 1, "cache_read_input_tokens": 100},
}  # fmt: skip
DAY = "claude/2026-11-10/events.jsonl"


def events(name: str, *said: str) -> list[dict[str, Any]]:
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        for text in said
    ]
    return [
        {"type": "message_start", "message": MESSAGE | {"id": name}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 15},
        },
        {"type": "message_stop"},
    ]


def test_the_events_of_a_message_are_one_call_with_its_text() -> None:
    first, second = events("msg_1", "Hel", "lo"), events("msg_2", "Bye")
    lake = landed(log(DAY, lines(*first, *second)))
    assert lake.file(DAY)["source_format"] == "anthropic_events"
    assert lake.counts(DAY) == (15, 2, 0, 0, 0, 13)
    told = ("call_id", "finish_reason", "uncached_input", "cache_read", "output_text", "is_stream")
    assert lake.rows().select(told).rows() == [
        ("msg_1", "end_turn", 25, 100, 15, True),
        ("msg_2", "end_turn", 25, 100, 15, True),
    ]
    assert [row[0] for row in texts(lake)] == ["Hello", "Bye"]


def test_events_that_break_off_or_fail_keep_what_was_counted() -> None:
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    broken, failed = events("msg_1", "Hel")[:4], [*events("msg_2", "Hi")[:4], overloaded]
    lake = landed(log(DAY, lines(*broken, *failed)))
    told = ("call_id", "status", "error_class", "uncached_input", "output_text")
    assert lake.rows().select(told).rows() == [
        ("msg_1", "ok", None, 25, None),
        ("msg_2", "error", "server", None, None),
    ]
    assert [row[0] for row in texts(lake)] == ["Hel"]


def test_counts_without_their_message_are_rejected_not_lost() -> None:
    lake = landed(log(DAY, lines(*events("msg_1", "Hello"), events("msg_2")[-2])))
    ((line, why),) = reasons(lake)
    assert (line, lake.counts(DAY)) == (8, (8, 1, 0, 0, 1, 6))
    assert "its message_start is missing; log the events of one message together" in why


def responding(name: str, status: str) -> dict[str, Any]:
    said = {"type": "output_text", "text": "On Monday."}
    done = status == "completed"
    return {
        "id": name,
        "object": "response",
        "created_at": 1794301502,
        "model": "gpt-4.1-mini-2025-04-14",
        "status": status,
        "output": [{"type": "message", "role": "assistant", "content": [said]}] if done else [],
        "usage": {"input_tokens": 12, "output_tokens": 5, "total_tokens": 17} if done else None,
    }


def test_mixed_events_of_responses_are_a_call_each_also_where_one_was_left_running() -> None:
    def event(kind: str, **more: Any) -> dict[str, Any]:
        return {"type": f"response.{kind}", "sequence_number": 1, **more}

    piece = event("output_text.delta", item_id="m", delta="On ")
    began = [event("created", response=responding(f"resp_{n}", "in_progress")) for n in (1, 2)]
    ended = event("completed", response=responding("resp_1", "completed"))
    lake = landed(log("log.jsonl", lines(*began, piece, piece, ended)))
    assert lake.counts() == (5, 2, 0, 0, 0, 3)
    told = ("call_id", "status", "uncached_input", "output_text", "is_stream")
    assert lake.rows().sort("call_id").select(told).rows() == [
        ("resp_1", "ok", 12, 5, True),
        ("resp_2", "error", None, None, True),
    ]
    assert texts(lake) == [("On Monday.", [])]


def test_responses_of_the_realtime_api_are_calls_of_an_unknown_model() -> None:
    """The events are built from OpenAI's reference of its Realtime API."""
    began = {"object": "realtime.response", "id": "resp_r", "status": "in_progress", "output": []}
    counted = {
        "total_tokens": 153,
        "input_tokens": 120,
        "output_tokens": 33,
        "input_token_details": {
            "cached_tokens": 64,
            "text_tokens": 100,
            "audio_tokens": 20,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0},
        },
        "output_token_details": {"text_tokens": 13, "audio_tokens": 20},
    }
    spoken = {"type": "output_audio", "transcript": "It is on its way."}
    said = {"output": [{"type": "message", "role": "assistant", "content": [spoken]}]}
    events = [
        {"type": "session.created", "event_id": "e0", "session": {"model": "gpt-realtime"}},
        {"type": "response.created", "event_id": "e1", "response": began},
        {"type": "response.audio.delta", "event_id": "e2", "response_id": "resp_r", "item_id": "i"},
        {
            "type": "response.done",
            "event_id": "e3",
            "response": began
            | said
            | {"status": "completed", "usage": counted, "conversation_id": "conv_1"},
        },
    ]
    stamped = [event | {"timestamp": "2026-11-10T09:00:00Z"} for event in events]
    lake = landed(log("log.jsonl", lines(*stamped)))
    told = ("call_id", "status", "model", "uncached_input", "cache_read", "audio_input")
    assert lake.rows().select(told).rows() == [("resp_r", "ok", None, 36, 64, 20)]
    assert lake.rows().select("output_text", "audio_output").rows() == [(13, 20)]
    assert lake.rows()["session_id"].to_list() == ["conv_1"]
    assert texts(lake) == [("It is on its way.", [])]
    ((_, why),) = reasons(landed(log("log.jsonl", lines(*events))))
    assert why.startswith("started_at: is missing")
    around = {"timestamp": "2026-11-10T09:00:00Z", "model": "gpt-realtime"}
    enveloped = landed(log("log.jsonl", lines(around | {"response": events[-1]["response"]})))
    told = ("status", "model", "uncached_input", "audio_output")
    assert enveloped.rows().select(told).rows() == [("ok", "gpt-realtime", 36, 20)]


def test_pieces_of_a_gemini_stream_are_one_call_with_its_text() -> None:
    def part(text: str, count: int, end: str | None = None) -> dict[str, Any]:
        content = {"role": "model", "parts": [{"text": text}]}
        return {
            "candidates": [{"content": content} | ({"finishReason": end} if end else {})],
            "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": count},
            "modelVersion": "gemini-2.5-flash",
            "responseId": "r-1",
            "createTime": "2026-11-10T09:00:00Z",
        }

    pieces = [part("It ships ", 2), part("on ", 3), part("Monday.", 5, "STOP")]
    lake = landed(log("log.jsonl", lines(*pieces)))
    assert calls(lake) == [("r-1", "gemini-2.5-flash", True, "STOP", 12, 5)]
    assert texts(lake) == [("It ships on Monday.", [])]
    twice = landed(log("log.jsonl", lines(*pieces, *pieces)))
    assert texts(twice) == [("It ships on Monday.", [])] * 2
    assert llm_calls(twice.rows()).height == 1
    for piece in pieces:
        del piece["responseId"], piece["createTime"]
    path = "gemini/2026-11-10.jsonl"
    unnamed = landed(log(path, lines(*pieces, *pieces[2:], *pieces)))
    assert unnamed.counts(path) == (7, 3, 0, 0, 0, 4)
    assert sorted(texts(unnamed)) == [("It ships on Monday.", [])] * 2 + [("Monday.", [])]
    assert str(unnamed.rows()["started_at"][0]) == "2026-11-10 00:00:00"


@pytest.mark.parametrize("path", ["log.jsonl", "claude/2026-11-10/events.jsonl"])
def test_pieces_of_nothing_known_never_break_the_file(path: str) -> None:
    odd = ["{", "[]", "3", "null", '{"id": 3}', '{"type": []}', '{"id": [], "object": {}}', ""]
    stream = STREAM if path == "log.jsonl" else events("msg_1", "Hi")
    mixed = list(chain.from_iterable(zip(stream, odd, strict=False)))
    lake = landed(log(path, lines(*mixed, *stream)))
    counts = lake.counts(path)
    assert counts[0] == sum(counts[1:])
    assert llm_calls(lake.rows()).height == 1


def test_a_stream_as_a_server_sends_it_is_one_call() -> None:
    sent = b"".join(b"data: " + line + b"\n\n" for line in lines(*STREAM).splitlines())
    lake = landed(log("sent.txt", sent + b"data: [DONE]\n\n"))
    assert [row[2:] for row in calls(lake)] == [(True, "stop", 56, 30)]
    assert texts(lake) == [("It ships on Monday.", [])]
    assert lake.counts("sent.txt")[0] == sum(lake.counts("sent.txt")[1:])


def test_chunks_that_mistrals_sdk_handed_over_are_one_call() -> None:
    record = {
        "id": "c-1",
        "timestamp": "2026-11-10T09:00:00Z",
        "request": {"model": "mistral-small-latest", "messages": []},
        "response": [{"data": each} for each in STREAM],
    }
    lake = landed(log("log.jsonl", lines(record)))
    assert lake.file()["source_format"] == "openai_chunks"
    assert [row[2:] for row in calls(lake)] == [(True, "stop", 56, 30)]
    assert texts(lake) == [("It ships on Monday.", [])]

"""A captured stream of chunks is one call; chunks are built from OpenAI's API reference."""

from typing import Any

from llmops_pipelines.ingest import llm_calls
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


def test_a_stream_is_one_call_with_the_usage_of_its_last_chunk() -> None:
    lake = landed(log("log.jsonl", lines(*STREAM)))
    assert lake.file()["source_format"] == "openai_chunks"
    assert calls(lake) == [("chatcmpl-1", "gpt-4.1-mini-2025-04-14", True, "stop", 56, 30)]
    assert lake.counts() == (4, 2, 0, 0, 0, 2)


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


def test_odd_chunks_are_rejected_or_ignored() -> None:
    odd = [
        chunk(piece(None, "stop"), usage=3),
        chunk("stop") | {"choices": "x", "usage": USAGE},  # type: ignore[arg-type]
        chunk(piece(None, "stop")) | {"created": "soon"},
        chunk(piece(None, "stop"), name=None),  # type: ignore[arg-type]
        chunk(*[{"delta": 3, "finish_reason": {}}]),
    ]
    lake = landed(log("log.jsonl", lines(*odd, *STREAM)))
    assert lake.file()["rejected"] == 1
    assert sum(lake.counts()[1:]) == len(odd) + len(STREAM)


def test_a_stream_as_a_server_sends_it_says_what_to_do() -> None:
    sent = b"".join(b"data: " + line + b"\n\n" for line in lines(*STREAM).splitlines())
    ((_, why),) = reasons(landed(log("sent.txt", sent + b"data: [DONE]\n\n")))
    assert "one per line: sed -n 's/^data: *{/{/p' sent.txt" in why

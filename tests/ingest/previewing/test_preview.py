"""A file previewed: the same rows and the same money as landing it would give."""

from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.ingest.previewing.preview import Preview, Rejection, preview
from llmops_pipelines.pricing import PriceOverrides, price_book
from tests.ingest.worlds import call, landed, lines, log, options

BOOK = price_book(PriceOverrides())


def usage(**counts: Any) -> dict[str, object]:
    """A response of a model with a price (0.40 in, 1.60 out a million) and this usage."""
    return {"model": "gpt-4.1-mini", "choices": [{"message": {"content": "a"}}], "usage": counts}


def previewed(*records: object, **changes: Any) -> Preview:
    return preview(log("a.jsonl", lines(*records)), options(**changes), BOOK)


def test_counts_are_those_of_landing() -> None:
    records = [call(1), call(2), call(1), call(3, latency_ms=-1), b"", b"{"]
    found = previewed(*records)
    counts = landed(log("a.jsonl", lines(*records))).counts("a.jsonl")
    assert counts == (6, 3, 0, 0, 2, 1)
    assert (found.calls + found.duplicates, found.rejected, found.ignored) == (3, 2, 1)
    assert (found.lines, found.calls) == (6, 2)


def test_of_copies_the_most_complete_one_counts() -> None:
    begun = call(1, response={"choices": []})
    done = call(1, response=usage(prompt_tokens=1_000_000, completion_tokens=0))
    for records in ((begun, done), (done, begun)):
        found = previewed(*records)
        assert (found.calls, found.duplicates, found.tokens_unknown) == (1, 1, 0)
        assert found.cost == Decimal("0.4")


def test_costs_add_up_exactly_and_unknown_ones_are_counted_apart() -> None:
    priced = [
        call(n, provider="openai", response=usage(prompt_tokens=1, completion_tokens=1))
        for n in range(10)
    ]
    found = previewed(*priced, call(11))
    assert found.cost == Decimal("0.00002")
    assert found.unpriced == {"unknown_model": 1}


def test_a_failed_call_without_usage_is_not_unpriced() -> None:
    found = previewed(call(1, response=None, error={"type": "timeout", "message": "x"}))
    assert (found.calls, found.tokens_unknown, found.unpriced, found.cost) == (1, 1, {}, None)


def test_audio_tokens_are_told_together() -> None:
    details: dict[str, Any] = {"prompt_tokens_details": {"audio_tokens": 3, "cached_tokens": 2}}
    counts = {"prompt_tokens": 10, "completion_tokens": 9, **details}
    found = previewed(
        call(1, response=usage(**counts, completion_tokens_details={"audio_tokens": 4}))
    )
    assert found.tokens == {
        "uncached_input": 5,
        "cache_read": 2,
        "cache_write_5m": 0,
        "cache_write_1h": 0,
        "output_text": 5,
        "reasoning": 0,
        "audio": 7,
    }


def test_rejections_that_differ_in_their_values_are_one_kind() -> None:
    found = previewed(
        call(1), *(call(n, latency_ms=-n) for n in (2, 3, 4)), call(5, attempt=0), b"{"
    )
    assert found.rejections == [
        Rejection("latency_ms: '-2' is negative", 3, 2),
        Rejection("attempt: is below 1; the first try is 1", 1, 5),
        Rejection(
            "line: not JSON, it ends before its closing brace; write one JSON object per line", 1, 6
        ),
    ]


def test_a_file_without_a_known_format_is_of_no_use_and_all_its_lines_are_rejected() -> None:
    found = previewed({"when": 1}, {"when": 2})
    assert (found.format, found.calls, found.rejected, found.is_of_use) == (None, 0, 2, False)
    assert found.paths.mapped == {}


def test_examples_hold_no_text_and_nobody() -> None:
    found = previewed(*(call(n, user_id="ada") for n in range(5)))
    assert found.examples.height == 3
    assert not {"user_hash", "session_id", "call_id"} & set(found.examples.columns)
    assert all(not isinstance(dtype, pl.List) for dtype in found.examples.dtypes)


def test_a_file_in_several_parts_is_previewed_whole() -> None:
    found = previewed(*(call(n) for n in range(200)), batch_bytes=5_000)
    assert (found.lines, found.calls) == (200, 200)


def test_feedback_is_told_by_name() -> None:
    row = {"kind": "feedback", "call_id": "c-1", "timestamp": "2026-11-10T10:00:00Z", "rating": 4}
    found = previewed(call(1), row | {"name": "tone"}, row | {"name": "tone"}, row)
    assert (found.feedback, found.feedback_names) == (3, {"tone": 2})

"""A day's landed rows become calls, steps, feedback and rejected lines, each once."""

from random import Random

import polars as pl
import pytest

from llmops_pipelines.ingest import feedback, llm_calls, rejected_lines, texts_of, trace_steps
from llmops_pipelines.ingest.log_files.files import UNREADABLE
from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_REJECTIONS,
    LANDED_STEPS,
)
from tests.ingest.worlds import call, landed, landed_lines, lines, log

FAILED = {"response": None, "error": {"type": "timeout"}}


def kept(*records):
    """What is kept of copies of one call."""
    (row,) = llm_calls(landed_lines(*records).rows()).to_dicts()
    return row


def test_of_equal_copies_the_first_place_is_kept():
    lake = landed(log("b.jsonl", lines(call(1))), log("a.jsonl", lines(call(2), call(1))))
    row = llm_calls(lake.rows()).row(by_predicate=pl.col("call_id") == "c-1", named=True)
    assert (row["source_file"], row["source_line"]) == ("a.jsonl", 2)


def test_a_success_wins_over_a_failure_of_the_same_call():
    later = call(1, **FAILED, timestamp="2026-11-10T10:00:00Z", user_id="u", session_id="s")
    assert kept(later, call(1))["status"] == "ok"


def test_what_a_run_says_when_it_begins_holds_when_it_ends():
    run = {"id": "r-1", "trace_id": "r-1", "run_type": "llm", "name": "chat"}
    run |= {"start_time": "2026-11-10T09:00:00Z", "dotted_order": "x"}
    metadata = {"ls_model_name": "gpt-4.1-mini", "user_id": "u", "feature": "search"}
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    begun = run | {"inputs": {"messages": []}, "extra": {"metadata": metadata}}
    ended = run | {"end_time": "2026-11-10T09:00:01Z"}
    ended |= {"outputs": {"role": "assistant", "content": "Hi.", "usage_metadata": usage}}
    row = kept(begun, ended)
    assert kept(ended, begun)["model"] == row["model"] == "gpt-4.1-mini"
    assert (row["feature"], row["user_hash"] is None, row["user_key"] is None) == (
        "search", False, False,
    )  # fmt: skip
    assert (row["uncached_input"], row["latency_ms"], row["answer_chars"]) == (10, 1000.0, 3)


def test_then_the_most_complete_copy_wins():
    assert kept(call(1, session_id="s"), call(1))["session_id"] == "s"
    assert kept(call(1), call(1, session_id="s"))["session_id"] == "s"


def test_then_the_latest_start_wins():
    late = call(1, timestamp="2026-11-10T11:00:00Z")
    assert kept(late, call(1))["started_at"].hour == 11


def test_then_the_record_decides_whatever_the_order():
    copies = [call(1, note=text) for text in "abcdef"]
    digests = {kept(*Random(seed).sample(copies, 6))["record_digest"] for seed in range(3)}
    assert len(digests) == 1


def test_rows_in_any_order_give_the_same_calls():
    rows = landed_lines(*(call(number % 5, note=str(number)) for number in range(40))).rows()
    expected = llm_calls(rows)
    for seed in range(3):
        assert llm_calls(rows.sample(fraction=1, shuffle=True, seed=seed).lazy()).equals(expected)


def test_steps_feedback_and_rejections_are_unique_too():
    step = {"kind": "step", "id": "s", "trace_id": "t", "step": "tool"}
    note = {"kind": "feedback", "id": "f", "call_id": "c-1", "rating": 3}
    at = {"timestamp": "2026-11-10T09:00:00Z"}
    data = lines(call(1), step | at, note | at, "{bad")
    lake = landed(log("a", data), log("b", data))
    assert trace_steps(lake.rows(LANDED_STEPS))["step_id"].to_list() == ["s"]
    assert feedback(lake.rows(LANDED_FEEDBACK))["feedback_id"].to_list() == ["f"]
    assert rejected_lines(lake.rows(LANDED_REJECTIONS)).height == 2


def test_the_lines_of_a_file_that_was_delivered_twice_are_rejected_once():
    data = lines(call(1), "{bad", "{bad")
    rows = landed(log("b", data), log("a", data), log("c", data + b"\n")).rows(LANDED_REJECTIONS)
    digests = {"a": "d", "b": "d", "c": "e", "x": UNREADABLE, "y": UNREADABLE}
    files = pl.DataFrame({"source_file": list(digests), "digest": list(digests.values())})
    told = rejected_lines(rows, files).select("source_file", "source_line").rows()
    assert told == [("a", 2), ("a", 3), ("c", 2), ("c", 3)]
    whole = pl.concat([rows.head(1).with_columns(source_file=pl.lit(name)) for name in ("x", "y")])
    assert rejected_lines(whole, files).height == 2, "nobody knows what they hold"


@pytest.mark.parametrize(
    ("function", "table"),
    [
        (llm_calls, LANDED_CALLS),
        (trace_steps, LANDED_STEPS),
        (feedback, LANDED_FEEDBACK),
        (rejected_lines, LANDED_REJECTIONS),
    ],
)
def test_a_quiet_day_has_no_rows(function, table):
    assert function(table.empty()).is_empty()
    assert function(table.empty().lazy()).is_empty()


def test_texts_are_those_of_the_kept_line():
    lake = landed(
        log("a", lines(call(1), call(2))),
        log("b", lines(call(1, session_id="s", contexts=["only here"]))),
    )
    texts = texts_of(lake.rows(CALL_TEXTS).lazy(), llm_calls(lake.rows()).lazy()).collect()
    assert texts["call_id"].to_list() == ["c-1", "c-2"]
    assert texts["source_file"].to_list() == ["b", "a"]
    assert [len(contexts) for contexts in texts["contexts"]] == [1, 0]


def test_texts_of_replaced_files_are_left_out():
    lake = landed(log("log.jsonl", lines(call(1))))
    lake.land(log("log.jsonl", lines(call(1), call(2)), modified_ns=9))
    everything = pl.concat(
        rows for (table, _, _), rows in lake.parts.items() if table == CALL_TEXTS.name
    )
    assert everything.height == 3
    texts = texts_of(everything.lazy(), llm_calls(lake.rows()).lazy()).collect()
    assert texts["call_id"].to_list() == ["c-1", "c-2"]


def test_texts_of_some_calls_are_only_theirs():
    lake = landed_lines(call(1), call(2), call(3))
    some = llm_calls(lake.rows()).filter(call_id="c-2")
    assert texts_of(lake.rows(CALL_TEXTS).lazy(), some.lazy()).collect().height == 1

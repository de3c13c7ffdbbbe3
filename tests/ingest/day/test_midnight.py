"""Records of one call on two sides of midnight: one of the two days counts it."""

from datetime import timedelta

import polars as pl

from llmops_pipelines.ingest import EDGE, told_twice
from tests.ingest.worlds import call, landed_lines, utc_moment

MIDNIGHT = utc_moment("2026-11-11T00:00:00")
BASE = landed_lines(call(1)).rows().select(EDGE).row(0, named=True)


def record(name: str, seconds: float, file: str = "app.jsonl", **changes):
    own = {
        "call_id": name,
        "source_file": file,
        "started_at": MIDNIGHT + timedelta(seconds=seconds),
    }
    return BASE | {"response_id": None} | own | changes


def twice(*records):
    """Ids of the calls that count elsewhere, of the evening and of the morning."""
    frame = pl.DataFrame(list(records), schema=landed_lines().rows().select(EDGE).schema)
    late = pl.col("started_at") >= MIDNIGHT
    found = told_twice(frame.filter(~late), frame.filter(late))
    return tuple(side["call_id"].to_list() for side in found)


GATEWAY = {"source_format": "litellm", "file": "gateway.jsonl"}
UNKNOWN = {"uncached_input": None, "output_text": None}


def test_two_systems_that_know_the_response_count_it_in_the_evening():
    pair = record("a", -1, response_id="r"), record("b", 1, response_id="r", **GATEWAY)
    assert twice(*pair) == ([], ["b"])
    assert twice(*reversed(pair)) == ([], ["b"])


def test_the_same_id_on_two_days_is_one_call():
    assert twice(record("a", -1), record("a", 1, "other.jsonl")) == ([], ["a"])


def test_the_day_of_the_record_that_knows_its_tokens_counts_it():
    known = record("b", 1, response_id="r", **GATEWAY)
    assert twice(record("a", -1, response_id="r", **UNKNOWN), known) == (["a"], [])
    failed = record("a", -1, response_id="r", status="error")
    assert twice(failed, known) == (["a"], [])
    began = {"only_asked": True, "status": "error", **UNKNOWN}
    ended = record("a", 1, status="error", content_digest=None, **UNKNOWN)
    assert twice(record("a", -1, **began), ended) == (["a"], []), "whose end is on the other day"
    silent = record("a", -1, response_id="r", content_digest=None)
    assert twice(silent, known) == (["a"], [])


def test_all_records_of_the_other_day_go_with_it():
    records = [
        record("a", -1, response_id="r", **UNKNOWN),
        record("b", 1, response_id="r", **GATEWAY),
        record("c", 2, response_id="r", source_format="langfuse", **UNKNOWN),
    ]
    assert twice(*records) == (["a"], [])


def test_calls_that_only_look_alike_stay_on_both_days():
    pairs = [
        (record("a", -1), record("b", 1)),
        (record("a", -1), record("a", 700)),
        (record("a", -1), record("a", 1, model="other", model_requested="other")),
        (record("a", -1), record("a", 1, output_text=6)),
        (record("a", -1), record("a", 1, uncached_input=11)),
        (record("a", -1, response_id="r"), record("b", 1, response_id="r")),
        (record("a", -1), record("a", 1, only_asked=True)),
    ]
    for pair in pairs:
        assert twice(*pair) == ([], [])


def test_nothing_on_one_side_is_nothing_twice():
    assert twice(record("a", -1)) == twice(record("a", 1)) == twice() == ([], [])

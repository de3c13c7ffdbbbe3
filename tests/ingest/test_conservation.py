"""Every line is a call, a step, feedback, rejected or ignored; none is lost, none counted twice."""

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmops_pipelines.ingest import llm_calls, unaccounted_files, unaccounted_rows
from llmops_pipelines.tables import (
    LANDED_FEEDBACK,
    LANDED_REJECTIONS,
    LANDED_STEPS,
    LOG_INDEX,
)
from tests.ingest.worlds import Lake, call, landed_lines, line, log, options

STEP = {"kind": "step", "trace_id": "t", "step": "tool", "timestamp": "2026-11-10T09:00:00Z"}
FEEDBACK = {"kind": "feedback", "call_id": "c", "timestamp": "2026-11-11T09:00:00Z", "rating": 3}

GOOD = st.builds(call, st.integers(0, 8))
OTHER = st.sampled_from([STEP, FEEDBACK, STEP | {"id": "st-1"}])
BAD = st.sampled_from(
    [
        "{broken", "17", "[1]", '"text"', "null", b"\xff\xfe", b"\x00", "{}", '{"kind":"x"}',
        call(id=7), call(timestamp="soon"), call(latency_ms=-1), STEP | {"step": None}, "x" * 3000,
        '{"id":"\\ud800"}', call(timestamp="2019-01-01T00:00:00Z"), "\u2028", "{" * 50,
    ]
)  # fmt: skip
BLANK = st.sampled_from(["", " ", "\t", "\r"])
LINES = st.lists(st.one_of(GOOD, OTHER, BAD, BLANK), max_size=25).map(
    lambda some: [call(99), *some]
)
SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(records=LINES, ended=st.booleans(), batch_bytes=st.sampled_from([300, 2_000, 10**8]))
@SLOW
def test_lines_add_up_whatever_a_file_holds(records, ended, batch_bytes):
    data = b"\n".join(map(line, records)) + b"\n" * ended
    lake = Lake(options(max_line_bytes=2_000, batch_bytes=batch_bytes))
    lake.land(log("log.jsonl", data))
    read, calls, steps, feedback, rejected, _ = lake.counts()
    assert read == data.count(b"\n") + (not data.endswith(b"\n"))
    assert unaccounted_files(lake.index).is_empty()
    assert lake.rows().height == calls
    assert lake.rows(LANDED_STEPS).height == steps
    assert lake.rows(LANDED_FEEDBACK).height == feedback
    assert lake.rows(LANDED_REJECTIONS).height == rejected
    for day in lake.rows().partition_by("day"):
        assert unaccounted_rows(day, llm_calls(day)).is_empty()
        assert llm_calls(day).height == day["call_id"].n_unique()


def test_a_line_that_went_astray_is_told():
    index = landed_lines(call(1), call(2)).index.with_columns(records=pl.lit(5, pl.Int64))
    (row,) = unaccounted_files(index).to_dicts()
    assert (row["source_file"], row["missing"]) == ("log.jsonl", 3)


def test_a_line_counted_twice_is_told_too():
    index = landed_lines(call(1), call(2)).index.with_columns(rejected=pl.lit(1, pl.Int64))
    assert unaccounted_files(index)["missing"].to_list() == [-1]


def test_no_files_leave_nothing_unaccounted():
    assert unaccounted_files(LOG_INDEX.empty()).is_empty()


def test_a_call_that_is_lost_or_invented_is_told():
    rows = landed_lines(call(1), call(2), call(3)).rows()
    calls = llm_calls(rows).with_columns(
        call_id=pl.col("call_id").replace("c-2", "c-9"),
        copies=pl.col("copies").list.eval(
            pl.element().struct.with_fields(pl.field("call_id").replace("c-2", "c-9"))
        ),
    )
    found = unaccounted_rows(rows.lazy(), calls)
    assert found.select("call_id", "problem").rows() == [
        ("c-2", "landed, but not among the calls"),
        ("c-9", "a call, but no landed line"),
    ]

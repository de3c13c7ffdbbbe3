"""Feedback given on another day than its call was made counts on the day of the call."""

from datetime import date, timedelta

import polars as pl

from llmops_pipelines.ingest import GIVEN, given_near, late_feedback
from llmops_pipelines.tables import LANDED_FEEDBACK, LATE_FEEDBACK

DAY = date(2026, 11, 10)


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def given(*judgements: tuple[int, str | None, str | None]) -> pl.DataFrame:
    """Judgements: the day each was given on, and the call and trace it names."""
    schema = {**LATE_FEEDBACK.schema, **LANDED_FEEDBACK.schema}
    usual = {"source_file": "f.jsonl", "source_line": 1, "source_record": 0, "batch": "b"}
    rows = [
        usual
        | {"feedback_id": f"f-{n}", "given_on": day(on), "call_id": call_id, "trace_id": trace_id}
        for n, (on, call_id, trace_id) in enumerate(judgements)
    ]
    return pl.DataFrame(rows, schema={name: schema[name] for name in GIVEN})


class Calls:
    """Calls as (call, trace) by day, and the days on which they were looked for."""

    def __init__(self, **of_day: list[tuple[str, str]]) -> None:
        self.days = {day(int(name[1:])): calls for name, calls in of_day.items()}
        self.read: list[int] = []

    def __call__(self, asked: date) -> pl.LazyFrame:
        self.read.append((asked - DAY).days)
        schema = {"call_id": pl.String, "trace_id": pl.String}
        calls = pl.LazyFrame(self.days[asked], schema=schema, orient="row")
        return calls.with_columns(response_id=pl.lit("r-") + pl.col("call_id"))


def found(judgements, calls: Calls, *, touched=None, recorded=None):
    """Number of each judgement that moves, and the number of the day it counts on."""
    rows = late_feedback(
        given(*judgements),
        LATE_FEEDBACK.empty() if recorded is None else recorded,
        touched or set(calls.days),
        set(calls.days),
        calls,
    )
    return {
        int(name[2:]): (on - DAY).days
        for name, on in rows.select("feedback_id", "counts_on").iter_rows()
    }


def test_feedback_counts_on_the_day_of_its_call_or_trace():
    calls = Calls(d0=[("a", "t")], d1=[("b", "u")], d2=[])
    judgements = [(0, "a", None), (1, "a", None), (2, None, "u"), (2, "step", "t"), (2, "x", "y")]
    assert found(judgements, calls) == {1: 0, 2: 1, 3: 0}


def test_feedback_may_name_the_response_of_its_call():
    calls = Calls(d0=[("a", "t")], d1=[("b", "u")], d2=[])
    assert found([(2, "r-a", "of the request to judge"), (2, "r-b", None)], calls) == {0: 0, 1: 1}


def test_of_several_days_its_own_counts_first_then_the_latest_before_then_the_one_after():
    calls = Calls(d0=[("a", "t")], d1=[("a", "t")], d2=[("b", "u")], d3=[("a", "t"), ("b", "u")])
    judgements = [(1, "a", None), (2, "a", None), (3, "a", None), (2, "b", None)]
    assert found(judgements, calls) == {1: 1}
    early = Calls(d0=[("x", "x")], d1=[("a", "t")], d2=[("a", "t")])
    assert found([(0, "a", None)], early) == {0: 1}


def test_the_call_that_is_named_lies_on_the_day_before_the_rest_of_its_trace():
    calls = Calls(d0=[("a", "t")], d1=[("b", "t")], d2=[])
    assert found([(1, "a", "t"), (2, "a", "t"), (2, "step", "t")], calls) == {0: 0, 1: 0, 2: 1}


def test_a_call_is_looked_for_thirty_days_back():
    calls = Calls(d0=[("a", "t")], d30=[], d31=[])
    assert found([(30, "a", None), (31, "a", None)], calls) == {0: 0}
    assert given_near([day(-2), day(-1), day(30), day(31)], [day(0)]) == [day(-1), day(30)]


def test_what_cannot_have_moved_is_not_looked_for():
    calls = Calls(d0=[("a", "t")], d1=[("b", "u")], d2=[("c", "v")], d3=[])
    judgements = [(2, "a", None), (3, "b", None), (3, "nobody", None)]
    recorded = late_feedback(
        given(*judgements), LATE_FEEDBACK.empty(), {*calls.days}, {*calls.days}, calls
    )
    calls.read.clear()
    assert found(judgements, calls, touched={day(2)}, recorded=recorded) == {0: 0, 1: 1}
    assert sorted({*calls.read}) == [0, 1, 2], "the first is of a touched day; it is found on day 0"
    calls.days[day(1)] = []
    assert found(judgements, calls, touched={day(1)}, recorded=recorded) == {0: 0}


def test_what_counts_on_a_day_that_is_closed_stays_there():
    calls = Calls(d0=[("a", "t")], d1=[])
    recorded = late_feedback(
        given((1, "a", None)), LATE_FEEDBACK.empty(), {day(1)}, {*calls.days}, calls
    )
    del calls.days[day(0)]
    assert found([(1, "a", None)], calls, touched={day(1)}, recorded=recorded) == {0: 0}

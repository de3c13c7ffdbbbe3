from datetime import date, timedelta

import polars as pl

from llmops_pipelines.ingest import gaps

FIRST, LAST = date(2026, 10, 5), date(2026, 11, 8)


def counts(**changes: int) -> pl.DataFrame:
    """Five weeks of 1,000 calls a weekday and 100 a weekend day; ``d20`` changes the 21st day."""
    days = [FIRST + timedelta(days=number) for number in range(35)]
    calls = [100 if day.weekday() > 4 else 1000 for day in days]
    for name, value in changes.items():
        calls[int(name[1:])] = value
    return pl.DataFrame({"day": days, "calls": calls}).filter(pl.col("calls") > 0)


def found(frame: pl.DataFrame, last: date = LAST) -> list[tuple[int, int, float | None]]:
    """Day's number, calls and what is usual of each gap."""
    rows = gaps(frame, FIRST, last).select("day", "calls", "usual").rows()
    return [((day - FIRST).days, calls, usual) for day, calls, usual in rows]


def test_a_rhythm_of_weekdays_and_weekends_is_no_gap():
    assert found(counts()) == []


def test_a_day_without_calls_is_a_gap_even_before_there_is_a_habit():
    assert found(counts(d3=0, d30=0)) == [(3, 0, None), (30, 0, 1000.0)]


def test_a_day_far_below_its_weekday_is_a_gap_and_one_slightly_below_is_not():
    assert found(counts(d30=400, d31=700)) == [(30, 400, 1000.0)]


def test_few_calls_vary_by_chance():
    few = counts().with_columns(calls=pl.lit(4))
    assert (
        found(few.with_columns(calls=pl.when(pl.col("day") == LAST).then(1).otherwise("calls")))
        == []
    )


def test_days_after_the_last_landing_are_gaps_once_there_is_a_habit():
    assert found(counts(d33=0, d34=0)) == [(33, 0, 100.0), (34, 0, 100.0)]


def test_before_the_first_landing_nothing_is_missing():
    assert found(counts(d0=0, d1=0, d2=0)) == []
    assert gaps(pl.DataFrame(schema={"day": pl.Date, "calls": pl.Int64}), FIRST, LAST).is_empty()

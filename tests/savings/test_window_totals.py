"""What a window saved, with its interval."""

from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.savings.window_totals import (
    days_of_traffic,
    is_proven_saving,
    saved_figures,
)
from llmops_pipelines.statistics import mean_interval
from llmops_pipelines.tables import MONEY

START = datetime.fromisoformat("2026-11-20T09:00:00")


def calls(*amounts, every=timedelta(minutes=30)):
    return pl.DataFrame(
        {
            "started_at": [START + n * every for n in range(len(amounts))],
            "saved": [None if amount is None else Decimal(amount) for amount in amounts],
        },
        schema={"started_at": pl.Datetime("us"), "saved": MONEY},
    )


def began(*days, calls=50, every=timedelta(minutes=1)):
    """Calls on some days from START on, so long after another."""
    starts = [START + timedelta(days=day) + n * every for day in days for n in range(calls)]
    return pl.Series(starts[::-1], dtype=pl.Datetime("us"))


@pytest.mark.parametrize(
    ("traffic", "days"),
    [
        (began(0, calls=25 * 12, every=timedelta(minutes=5)), 25 / 24),  # parts of two days
        (began(*range(2)), 2),
        (began(*range(14)), 14),
        (began(0, 7, 14, 21), 28),
        (began(*(7 * week + day for week in range(4) for day in range(5))), 28),
        (began(0, calls=24), None),
        (began(0, calls=1), None),
        (began(), None),
    ],
)
def test_a_job_of_each_night_or_week_has_as_many_days_as_round_the_clock(traffic, days):
    assert days_of_traffic(traffic) == (days and pytest.approx(days, rel=1e-3))


def test_the_interval_is_that_of_a_mean_with_hours_as_clusters():
    found = saved_figures(calls("1", "2", "4", "4", "0", "-1"), days=2)
    mean = mean_interval([1, 2, 4, 4, 0, -1], clusters=["a", "a", "b", "b", "c", "c"])
    assert found["saved"] == 10
    assert (found["saved_low"], found["saved_high"]) == (
        pytest.approx(6 * mean.low), pytest.approx(6 * mean.high),
    )  # fmt: skip
    assert found["saved_a_year"] == pytest.approx(10 * 365 / 2)


def test_unknown_is_left_out_and_nothing_known_is_unknown():
    assert saved_figures(calls("1", None, "1"), days=1)["saved"] == 2
    assert set(saved_figures(calls(None), days=1).values()) == {None}
    assert set(saved_figures(calls(), days=1).values()) == {None}


def test_the_order_of_calls_changes_no_bit():
    one = calls(*(f"0.00000{n}1" for n in range(1, 10)))
    assert saved_figures(one, days=3) == saved_figures(one.reverse(), days=3)


NOISY = ["4", "4", "-1", "-1", "1", "1"]


@pytest.mark.parametrize(
    ("amounts", "proven", "told"),
    [
        (["1", "1", "1", "1"], True, "its 95 % interval lies above 0: $4.0000 in all to $4.0000"),
        (NOISY, False, "not proven to save anything: $8.0000 in all at best, with 95 % confidence"),
        (["2"], True, "none of its calls costs more than before"),
        (["9", "0"], True, "none of its calls costs more than before"),
    ],
)
def test_a_saving_is_proven_where_its_interval_lies_above_nothing_or_no_call_loses(
    amounts, proven, told
):
    saved = calls(*amounts)
    found = is_proven_saving(saved_figures(saved, days=1), saved["saved"])
    assert found[0] is proven
    assert told in found[1]


def test_twice_as_many_calls_as_it_says_would_do():
    _, told = is_proven_saving(saved_figures(calls(*NOISY), days=1), calls(*NOISY)["saved"])
    wanted = int(told.rsplit("about ", 1)[1].split()[0].replace(",", ""))
    assert wanted > len(NOISY)
    more = calls(*NOISY * (2 * wanted // len(NOISY) + 1))
    assert is_proven_saving(saved_figures(more, days=1), more["saved"])[0]


def test_calls_of_one_hour_of_which_some_lose_have_no_interval():
    saved = calls("3", "-1").with_columns(pl.col("started_at").min())
    proven, told = is_proven_saving(saved_figures(saved, days=1), saved["saved"])
    assert not proven
    assert told.endswith("$2.0000 in all at best, by 2 calls of one hour: no interval can be given")


def test_where_no_call_loses_neither_does_the_lower_end():
    assert saved_figures(calls("9", "9", "0", "0"), days=1)["saved_low"] == 0
    assert saved_figures(calls("9", "9", "-1", "-1"), days=1)["saved_low"] < 0

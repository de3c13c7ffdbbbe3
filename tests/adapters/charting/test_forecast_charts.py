"""The pictures of where spend is heading, and of the share of models."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree

import polars as pl
import pytest

from llmops_pipelines.adapters.charting.charts import daily_spend, svg
from llmops_pipelines.adapters.charting.figures import file_bytes
from llmops_pipelines.adapters.charting.forecast_charts import burn_down, forecast_fan
from llmops_pipelines.adapters.charting.spend_charts import model_mix
from llmops_pipelines.tables import COST_FORECAST

FIRST = date(2026, 11, 1)
END = date(2026, 11, 30)


def past(days=10, *, unknown=()):
    rows = [
        {
            "day": FIRST + timedelta(days=at),
            "spent": None if at in unknown else 2.0,
            "at_least": 2.0,
        }
        for at in range(days)
    ]
    schema = {"day": pl.Date, "spent": pl.Float64, "at_least": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def forecast(days=20, *, reason=None, method="mean", unpriced=0):
    rows = [
        {
            "kind": "total", "scope": "total", "target": FIRST + timedelta(days=9 + ahead),
            "known_until": FIRST + timedelta(days=9), "history_days": 10, "unknown_days": 0,
            "method": "none" if reason else method, "reason": reason,
            "unpriced_calls": unpriced,
        }
        | ({} if reason else {
            "expected": 2.0, "low_80": 1.0, "high_80": 3.0, "low_95": 0.5, "high_95": 4.0,
            "month_expected": 20.0 + 2 * ahead, "month_low_80": 20.0 + ahead,
            "month_high_80": 20.0 + 3 * ahead, "month_low_95": 20.0,
            "month_high_95": 20.0 + 4 * ahead,
        })
        for ahead in range(1, days + 1)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=COST_FORECAST.schema)


def costs(names, days=5, *, unpriced=()):
    rows = [
        (FIRST + timedelta(days=day), name, name, Decimal(place + 1), 7 * (day in unpriced))
        for day in range(days)
        for place, name in enumerate(names)
    ]
    columns = {"day": pl.Date, "feature": pl.String, "model": pl.String}
    money = {"cost": pl.Decimal(38, 12), "unpriced_calls": pl.Int64}
    return pl.DataFrame(rows, schema=columns | money, orient="row")


def words(figure):
    tree = ElementTree.fromstring(svg(figure))
    return ["".join(node.itertext()).strip() for node in tree.iter() if node.tag.endswith("}text")]


def test_the_fan_names_its_ends_and_what_it_rests_on():
    shown = words(forecast_fan(past(), forecast(), title="Spend to come"))
    assert {"median $2.00", "80 %: up to $3.00", "95 %: up to $4.00"} <= set(shown)
    assert any("mean of few days of 10 known days" in text for text in shown)
    assert "▲" not in shown


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("mixed", "mean, level and weekdays of 10 known days, without 1,234 calls of models that"),
        ("weekday_level", "level and weekdays of 10 known days"),
    ],
)
def test_the_fan_tells_its_method_and_what_is_not_in_it(method, told):
    shown = words(forecast_fan(past(), forecast(method=method, unpriced=1234), title="To come"))
    assert any(told in text for text in shown)


def test_a_day_that_is_not_fully_known_is_marked_and_told():
    shown = words(forecast_fan(past(unknown=[3, 4]), forecast(), title="x"))
    assert shown.count("▲") == 2
    assert any("▲ not fully known" in text for text in shown)


def test_without_a_forecast_the_reason_stands_there():
    shown = words(forecast_fan(past(2), forecast(reason="2 day(s) of known spend"), title="x"))
    assert any("no forecast: 2 day(s) of known spend" in text for text in shown)
    assert any("no data" in text for text in words(forecast_fan(past(0), forecast(), title="x")))


def test_what_is_left_of_a_budget_burns_down_to_what_will_be_left():
    figure = burn_down(past(), forecast(), budget=70.0, month_end=END, title="Budget")
    shown = words(figure)
    assert {"median $10.00 left", "80 %: $30.00 left", "80 %: $10.00 over"} <= set(shown)
    assert any(text.startswith("left of $70.00") for text in shown)


def test_without_a_budget_what_is_spent_adds_up_instead():
    shown = words(burn_down(past(), forecast(), budget=None, month_end=END, title="Spend"))
    assert "median $60.00" in shown
    assert any("no budget of the month is set" in text for text in shown)


@pytest.mark.parametrize("budget", [None, 30.0])
def test_a_month_without_forecast_or_without_logs_is_drawn_too(budget):
    over = burn_down(past(), forecast(0), budget=budget, month_end=END, title="x")
    assert ("$10.00 left" if budget else "$20.00") in words(over)
    later = burn_down(past(), forecast(), budget=budget, month_end=date(2026, 12, 31), title="x")
    assert any("no data" in text for text in words(later))


def test_models_are_named_with_their_share_and_the_rest_is_one():
    shown = words(model_mix(costs([f"m{n}" for n in range(30)])))
    assert "m29 6.5 %" in shown
    assert sum(text.startswith("24 other") for text in shown) == 1


def test_days_whose_calls_have_no_price_are_marked_in_both_charts():
    for draw in (daily_spend, model_mix):
        shown = words(draw(costs(["a", "b"], unpriced=[1, 2])))
        assert shown.count("▲") == 2
        assert any("▲" in text and "price" in text for text in shown)
        assert "▲" not in words(draw(costs(["a", "b"])))


def test_spend_nobody_can_price_is_no_data():
    unknown = costs(["a"]).with_columns(cost=pl.lit(None, pl.Decimal(38, 12)))
    assert any("no data" in text for text in words(model_mix(unknown)))


@pytest.mark.parametrize(("names", "days"), [(["a"], 1), ([f"f{n}" for n in range(30)], 90)])
def test_labels_on_the_right_keep_their_distance(names, days):
    figure = model_mix(costs(names, days))
    file_bytes(figure, "png")
    heights = sorted(
        note.xy[1] for note in figure.axes[0].texts if note.get_text() == "\N{BLACK SQUARE}"
    )
    gaps = [above - below for below, above in pairwise(heights)]
    assert all(gap > 0.07 for gap in gaps)


@pytest.mark.parametrize(("ending", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_file_is_the_same_bytes_every_time(ending, begin):
    first, second = (
        file_bytes(forecast_fan(past(), forecast(), title="x"), ending, "fan") for _ in range(2)
    )
    assert first == second
    assert first.startswith(begin)

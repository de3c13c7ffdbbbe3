import dataclasses
from datetime import timedelta
from xml.etree import ElementTree

import polars as pl

from llmops_pipelines.adapters.charting.report_charts import report_charts
from llmops_pipelines.reporting import NightlyData, page
from tests.reporting.test_business import RATE
from tests.reporting.test_business import night as in_rupees
from tests.reporting.worlds import DAY, WHY, fortnight


def of_fortnight(*tables: str) -> NightlyData:
    """A night that knows some tables of the fortnight only, so that few charts are drawn."""
    night = fortnight()
    return NightlyData(day=DAY, **{name: getattr(night, name) for name in tables})


def test_a_fortnight_has_every_chart_and_they_stand_on_the_page():
    night = fortnight()
    charts = report_charts(night)
    of_spend = {"spend", "model_mix", "drivers", "forecast", "budget"}
    assert set(charts) == of_spend | {"errors", "latency", "quality", "quality_trend"}
    report = page(dataclasses.replace(night, charts=charts))
    for drawing in charts.values():
        assert ElementTree.fromstring(drawing).tag.endswith("svg")
        assert drawing in report
    assert WHY in report
    assert len(report) < 400_000


def test_an_empty_night_has_a_chart_that_says_so():
    charts = report_charts(NightlyData(day=DAY))
    assert list(charts) == ["spend"]
    assert "no data" in charts["spend"]


def test_frames_without_days_speak_of_the_night():
    night = fortnight()
    today = {
        name: getattr(night, name).filter(pl.col("day") == DAY).drop("day")
        for name in ("feature_costs", "service_health", "quality")
    }
    charts = report_charts(dataclasses.replace(night, **today))
    assert {"latency", "quality", "spend"} < set(charts)
    assert not {"errors", "quality_trend"} & set(charts)


def test_money_is_drawn_in_the_currency_of_the_page():
    night = in_rupees()
    monthly = night.budget_status.filter(kind="total").with_columns(period=pl.lit("month"))
    drawn = report_charts(dataclasses.replace(night, budget_status=monthly))
    assert "INR by feature" in drawn["spend"]
    assert "bars: INR a day" in drawn["forecast"]
    for name in ("spend", "forecast", "budget", "drivers"):
        assert " INR" in drawn[name]
        assert "$" not in drawn[name]
    assert f"left of {monthly['budget'][0] * RATE:,.0f} INR" in drawn["budget"]


def test_without_a_rate_charts_stay_in_dollars():
    drawn = report_charts(in_rupees(rate=None))
    for name in ("spend", "forecast", "budget", "drivers"):
        assert "$" in drawn[name]
        assert "INR" not in drawn[name]


def test_one_day_without_a_rate_leaves_the_bars_of_all_days_in_dollars():
    night = in_rupees()
    unrated = pl.when(pl.col("day") != DAY - timedelta(days=2)).then("cost_report")
    costs = night.feature_costs.with_columns(cost_report=unrated)
    drawn = report_charts(dataclasses.replace(night, feature_costs=costs))
    assert "INR" not in drawn["spend"]
    assert "US dollars by feature" in drawn["spend"]
    assert "bars: INR a day" in drawn["forecast"]


def test_days_after_the_night_are_not_drawn():
    night = of_fortnight("feature_costs")
    earlier = dataclasses.replace(night, day=DAY.replace(day=3))
    assert "10 Nov" in report_charts(night)["spend"]
    assert "10 Nov" not in report_charts(earlier)["spend"]


def test_alert_lines_are_drawn_where_all_rules_agree():
    night = of_fortnight("rule_evaluations")
    errors = fortnight().service_health.filter(metric="error_rate", feature="sales_email")
    night = dataclasses.replace(night, service_health=errors)
    assert "critical 5 %" in report_charts(night)["errors"]
    apart = night.rule_evaluations.with_columns(
        critical=pl.when(pl.col("scope") == "sales_email").then(0.9).otherwise("critical")
    )
    errors = report_charts(dataclasses.replace(night, rule_evaluations=apart))["errors"]
    assert "critical" not in errors.replace("--chart-critical", "")


def test_two_judges_of_one_metric_are_told_apart():
    night = of_fortnight("quality")
    night = dataclasses.replace(night, quality=night.quality.filter(pl.col("day") == DAY))
    second = night.quality.with_columns(judge_spec=pl.lit("another judge"))
    both = dataclasses.replace(night, quality=pl.concat([night.quality, second]))
    assert "support · call_summary · another" in report_charts(both)["quality"]

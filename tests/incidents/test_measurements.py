"""Four tables made one long frame of figures."""

import math
from datetime import timedelta

import polars as pl

from llmops_pipelines.incidents import MEASUREMENTS, measurements
from llmops_pipelines.tables import BUDGET_STATUS, COST_ANOMALIES, QUALITY, SERVICE_HEALTH
from tests.incidents.factories import (
    DAY,
    budget_status,
    cost_anomalies,
    health,
    judged,
    quality,
    service_health,
)

NO_HEALTH, NO_QUALITY, NO_BUDGET = service_health(), quality(), budget_status()
NO_SPEND = cost_anomalies()


def figures(frame: pl.DataFrame, *columns: str) -> list[tuple]:
    return frame.select(columns).rows()


def test_health_over_all_models_counts_and_single_models_do_not():
    frame = measurements(
        service_health(
            health("error_rate", 0.1, low=0.05, high=0.2, missing=3),
            health("error_rate", 0.9, model="gpt-4.1"),
        ),
        NO_QUALITY,
        NO_BUDGET,
        NO_SPEND,
    )
    assert frame.rows() == [(DAY, "search", "error_rate", 0.1, 0.05, 0.2, 100, 3, None)]


def test_the_row_of_all_features_is_the_scope_total():
    frame = measurements(
        service_health(health("rejected_line_rate", 0.1, feature="*")),
        NO_QUALITY,
        NO_BUDGET,
        NO_SPEND,
    )
    assert figures(frame, "scope", "metric") == [("total", "rejected_line_rate")]


def test_a_feature_called_total_is_not_the_total():
    frame = measurements(
        service_health(
            health("error_rate", 0.1, feature="*"), health("error_rate", 0.2, feature="total")
        ),
        quality(judged("*", 3, 30, feature="total", metric="support")),
        NO_BUDGET,
        NO_SPEND,
    )
    assert figures(frame, "scope", "metric") == [
        ("total", "error_rate"),
        ("total (feature)", "error_rate"),
        ("total (feature)", "support"),
    ]


def test_what_is_counted_is_its_own_interval():
    frame = measurements(
        service_health(health("calls", 812.0)),
        NO_QUALITY,
        budget_status({"scope": "search", "share": 1.3, "unpriced_calls": 4}),
        NO_SPEND,
    )
    assert figures(frame, "metric", "estimate", "low", "high", "n", "missing") == [
        ("budget_share", 1.3, 1.3, 1.3, 1, 4),
        ("calls", 812.0, 812.0, 812.0, 100, 0),
    ]


def test_without_a_budget_the_share_is_null_and_not_zero():
    frame = measurements(
        NO_HEALTH, NO_QUALITY, budget_status({"scope": "total", "share": None}), NO_SPEND
    )
    assert figures(frame, "scope", "estimate", "low", "n") == [("total", None, None, 0)]


def test_periods_and_teams_are_figures_of_their_own():
    month = {"period": "month", "share": 0.6, "budget": 100, "forecast": 110.0}
    month |= {"forecast_low": 95.0, "forecast_high": 130.0, "forecast_days": 28}
    frame = measurements(
        NO_HEALTH,
        NO_QUALITY,
        budget_status(
            {"scope": "search", "share": 0.5},
            {"scope": "search", "period": "rolling", "share": 0.7},
            {"scope": "search", **month},
            {"scope": "search", "kind": "team", "share": 0.9},
        ),
        NO_SPEND,
    )
    assert figures(frame, "scope", "metric", "estimate", "low", "high", "n") == [
        ("search", "budget_share", 0.5, 0.5, 0.5, 1),
        ("search", "month_budget_share", 0.6, 0.6, 0.6, 1),
        ("search", "month_forecast_share", 1.1, 0.95, 1.3, 28),
        ("search", "rolling_budget_share", 0.7, 0.7, 0.7, 1),
        ("search", "team_budget_share", 0.9, 0.9, 0.9, 1),
    ]


def test_what_is_unusual_of_spend_can_be_watched():
    unusual = cost_anomalies(
        {"scope": "search", "z": 4.2}, {"scope": "search", "kind": "team", "z": None}
    )
    frame = measurements(NO_HEALTH, NO_QUALITY, NO_BUDGET, unusual)
    assert figures(frame, "metric", "estimate", "low") == [
        ("spend_deviation", 4.2, 4.2),
        ("team_spend_deviation", None, None),
    ]


def test_quality_of_all_prompt_versions_counts_with_its_judge():
    frame = measurements(
        NO_HEALTH,
        quality(
            judged("*", 3, 30, metric="support", unscored=2),
            judged("4", 30, 30, metric="support"),
        ),
        NO_BUDGET,
        NO_SPEND,
    )
    assert figures(frame, "scope", "metric", "n", "missing", "judge_spec") == [
        ("support_assistant", "support", 30, 2, "spec-a")
    ]


def test_the_hallucination_rate_is_the_opposite_of_groundedness():
    frame = measurements(
        NO_HEALTH,
        quality(judged("*", 0, 10, estimate=0.75, low=0.5, high=0.875)),
        NO_BUDGET,
        NO_SPEND,
    )
    assert figures(frame, "metric", "estimate", "low", "high") == [
        ("groundedness", 0.75, 0.5, 0.875),
        ("hallucination_rate", 0.25, 0.125, 0.5),
    ]


def test_an_embedded_scorer_is_never_called_hallucination():
    frame = measurements(
        NO_HEALTH, quality(judged("*", 3, 30, judge="embedded support")), NO_BUDGET, NO_SPEND
    )
    assert figures(frame, "metric") == [("groundedness",)]


def test_two_judges_stay_two_figures():
    frame = measurements(
        NO_HEALTH,
        quality(judged("*", 3, 30), judged("*", 9, 30, judge_spec="b")),
        NO_BUDGET,
        NO_SPEND,
    )
    assert figures(frame.filter(metric="hallucination_rate"), "judge_spec") == [("b",), ("spec-a",)]


def test_days_stay_apart():
    frame = measurements(
        service_health(
            health("error_rate", 0.1, day=DAY + timedelta(days=1)), health("error_rate", 0.2)
        ),
        NO_QUALITY,
        NO_BUDGET,
        NO_SPEND,
    )
    assert figures(frame, "estimate") == [(0.2,), (0.1,)]


def test_not_a_number_is_unknown():
    frame = measurements(
        service_health(health("error_rate", math.nan)), NO_QUALITY, NO_BUDGET, NO_SPEND
    )
    assert figures(frame, "estimate") == [(None,)]


def test_no_logs_give_no_figures():
    day = pl.lit(DAY).alias("day")
    frame = measurements(
        SERVICE_HEALTH.empty().with_columns(day),
        QUALITY.empty().with_columns(day),
        BUDGET_STATUS.empty().with_columns(day),
        COST_ANOMALIES.empty().with_columns(day),
    )
    assert frame.equals(MEASUREMENTS.empty())

"""Key figures beside a materialization."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.adapters.charting.figures import png_markdown
from llmops_pipelines.cost import cost_anomalies, cost_forecast
from llmops_pipelines.judging import Ruling
from llmops_pipelines.judging.judges.pairs import settle
from llmops_pipelines.judging.ledger import verdict_frame, verdict_row
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.tables import (
    COST_DRIVERS,
    COST_FORECAST,
    FEATURE_COSTS,
    FEEDBACK,
    GOLDEN_CANDIDATES,
    JUDGE_CALLS,
    MONEY,
    PULLED_LOGS,
    RULE_EVALUATIONS,
    TRACES,
)
from tests.cost.spending import daily
from tests.judging.worlds import NOON, item, spec
from tests.reporting.worlds import rows

RULE = {"rule": "errors", "scope": "total", "metric": "error_rate", "summary": "errors: total"}


def verdicts(*rulings):
    attempts = [dict.fromkeys(JUDGE_CALLS.schema.names())] * 2
    return verdict_frame(
        verdict_row(
            spec(), item(digest=f"{n:032}"), ruling, attempts=attempts, scored_at=NOON,
            library_versions={},
        )
        for n, ruling in enumerate(rulings)
    )  # fmt: skip


def test_judges_of_pairs_tell_how_often_the_order_decided():
    scores = {"first": 1.0, "second": 0.0}
    first, second = (Ruling("scored", score, "r", label) for label, score in scores.items())
    told = figures.of_verdicts(
        verdicts(settle(first, second, scores), settle(first, first, scores))
    )
    (row,) = told["flip_rates"].value
    assert (row["metric"], row["pairs"], row["flips"], row["flip_rate"]) == (
        "politeness",
        2,
        1,
        0.5,
    )
    assert told["outcomes"].value == {"scored": 1, "undecided": 1}


def test_other_judges_have_nothing_to_flip():
    assert "flip_rates" not in figures.of_verdicts(verdicts(Ruling("scored", 1.0, "r")))


def test_what_waits_in_batches_is_counted_apart():
    told = figures.of_verdicts(
        verdicts(Ruling("scored", 1.0, "r"), Ruling("pending", None, "waits in batch b"))
    )
    assert told["waiting_in_batches"] == 1
    assert told["outcomes"].value == {"pending": 1, "scored": 1}
    assert "waiting_in_batches" not in figures.of_verdicts(verdicts(Ruling("scored", 1.0, "r")))


def test_a_forecast_tells_where_the_month_ends_or_why_not():
    last = date(2026, 11, 15)
    costs = daily([5] * 15, date(2026, 11, 1))
    told = figures.of_cost_forecast(cost_forecast(costs, last))
    assert (told["month_end"], told["month_expected_usd"]) == (
        "2026-11-30",
        pytest.approx(150, rel=0.05),
    )
    few = figures.of_cost_forecast(cost_forecast(costs, date(2026, 11, 2)))
    assert few["month_low_80_usd"].startswith("2 day(s) of known spend")
    assert figures.of_cost_forecast(COST_FORECAST.empty()) == {"month_end_usd": "unknown"}


def test_anomalies_are_counted_and_told_furthest_out_first():
    costs = daily([5] * 20 + [50], date(2026, 11, 1))
    told = figures.of_cost_anomalies(cost_anomalies(costs, date(2026, 11, 21)))
    assert (told["unusual"], told["without_verdict"]) == (3, 0)
    row = told["scopes"].value[0]
    assert (row["direction"], row["driver_feature"], row["driver_model"]) == (
        "higher",
        "chat",
        "large",
    )


def test_feedback_is_told_per_question_with_what_it_cannot_be_joined_by():
    told = figures.of_feedback(
        rows(
            FEEDBACK,
            {"name": "helpful", "rating": 1.0, "call_id": "a"},
            {"name": "helpful", "rating": 0.0, "trace_id": "t"},
            {"comment": "wrong year", "call_id": "b"},
        )
    )
    assert (told["of_a_call"], told["of_a_trace_only"], told["comments"]) == (2, 1, 1)
    assert told["questions"].value == [
        {"name": "helpful", "answers": 2, "mean_rating": 0.5},
        {"name": "unnamed", "answers": 1, "mean_rating": None},
    ]


def test_rules_tell_how_they_stand_and_which_lines_are_crossed():
    told = figures.of_rule_evaluations(
        rows(
            RULE_EVALUATIONS,
            RULE | {"status": "ok"},
            RULE | {"status": "warning", "scope": "mail", "summary": "errors: mail 3 %"},
            RULE | {"status": "no_data", "scope": "chat"},
        )
    )
    assert [told[status] for status in ("critical", "warning", "ok", "no_data")] == [0, 1, 1, 1]
    assert told["crossed"].value == "- errors: mail 3 %"
    assert figures.of_rule_evaluations(RULE_EVALUATIONS.empty())["crossed"].value == "none"


def test_weeks_that_are_not_compared_did_not_change_by_nothing():
    assert figures.of_cost_drivers(COST_DRIVERS.empty())["change_usd"] == "not compared"
    told = figures.of_cost_drivers(
        rows(
            COST_DRIVERS,
            *(
                {"feature": "*", "driver": name, "amount": Decimal(amount), "before": Decimal(5),
                 "after": Decimal(7)}
                for name, amount in (("volume", 3), ("price", -1))
            ),
        )
    )  # fmt: skip
    assert told["change_usd"] == 2.0


def test_a_feature_without_any_price_is_drawn_as_unknown_and_not_as_free(monkeypatch):
    monkeypatch.setattr(figures.charts, "png_markdown", png_markdown)  # here charts are drawn
    chat = {"feature": "chat", "calls": 3, "cost": Decimal(2)}
    new = {"feature": "new", "calls": 3, "cost": None, "unpriced_calls": 3}
    free = new | {"cost": Decimal(0), "unpriced_calls": 0}
    unknown, nothing = (
        figures.of_feature_costs(rows(FEATURE_COSTS, chat, other)) for other in (new, free)
    )
    assert (unknown["cost_usd"], unknown["unpriced_calls"]) == (2.0, 3)
    assert unknown["chart"].value != nothing["chart"].value


def test_what_one_service_does_not_count_is_in_no_sum():
    pull = {"source": "a", "outcome": "pulled", "records": 5, "server_count": 5, "seconds": 1.0}
    other = pull | {"source": "b", "server_count": None}
    assert figures.of_pulls(rows(PULLED_LOGS, pull))["server_count"] == 5
    assert figures.of_pulls(rows(PULLED_LOGS, pull, other))["server_count"] == "unknown"


def test_verdicts_of_unknown_cost_are_counted_beside_the_sum_of_the_others():
    known = verdicts(Ruling("scored", 1.0, "r"), Ruling("scored", 0.0, "r")).with_columns(
        cost=pl.Series([Decimal(1), None], dtype=MONEY)
    )
    told = figures.of_verdicts(known)
    assert (told["cost_usd"], told["without_cost"]) == (1.0, 1)
    told = figures.of_verdicts(known.tail(1))
    assert (told["cost_usd"], told["without_cost"]) == ("unknown", 1)


def test_candidates_are_told_by_reason_and_feature():
    case = {"case_id": "1", "feature": "chat", "why": "low score", "call_id": "a"}
    told = figures.of_golden_candidates(
        rows(GOLDEN_CANDIDATES, case, case | {"case_id": "2", "why": "bad feedback"})
    )
    assert told["why"].value == {"low score": 1, "bad feedback": 1}
    assert told["features"].value == {"chat": 2}


def test_traces_tell_what_users_requests_took():
    told = figures.of_traces(
        rows(
            TRACES,
            {"trace_id": "1", "call_count": 3, "step_count": 2, "status": "ok", "has_text": True},
            {"trace_id": "2", "call_count": 1, "step_count": 0, "status": "error"},
        )
    )
    counted = ("failed", "calls", "steps", "sessions", "without_text")
    assert [told[name] for name in counted] == [1, 4, 2, 0, 1]

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

import polars as pl

from llmops_pipelines.cost import Budgets, budget_status, feature_costs
from llmops_pipelines.tables import CALL_COSTS, FEATURE_COSTS
from tests.cost.factories import costs, failed, priced


def test_calls_of_one_feature_team_and_model_add_up():
    spend = feature_costs(
        costs(
            priced("0.1", uncached_input=10, output_text=1),
            priced("0.2", uncached_input=20, output_text=2),
            priced("0.4", model="o3"),
            priced("0.8", team="sales"),
            priced("1.6", feature="search"),
        )
    )
    columns = ["feature", "team", "model", "calls", "cost", "uncached_input", "output_text"]
    assert spend.select(columns).rows() == [
        ("chat", "platform", "gpt-4.1", 2, Decimal("0.3"), 30, 3),
        ("chat", "platform", "o3", 1, Decimal("0.4"), 0, 0),
        ("chat", "sales", "gpt-4.1", 1, Decimal("0.8"), 0, 0),
        ("search", "platform", "gpt-4.1", 1, Decimal("1.6"), 0, 0),
    ]


def test_a_call_without_team_or_model_keeps_a_place():
    spend = feature_costs(costs(priced("0.1", team=None, model=None)))
    assert spend.select("team", "model").row(0) == ("unattributed", "unknown")


def test_an_unpriced_call_is_counted_and_adds_nothing():
    spend = feature_costs(costs(priced("0.1"), priced(None)))
    assert spend.select("calls", "unpriced_calls", "cost").row(0) == (2, 1, Decimal("0.1"))


def test_a_feature_of_unpriced_calls_has_a_null_cost_not_zero():
    spend = feature_costs(costs(priced(None), priced(None)))
    assert spend.select("unpriced_calls", "cost", "retry_cost").row(0) == (2, None, None)


def test_a_failed_call_without_usage_is_an_error_and_not_unpriced():
    spend = feature_costs(costs(priced("0.1"), failed()))
    assert spend.select("calls", "errors", "unpriced_calls", "cost").row(0) == (
        2,
        1,
        0,
        Decimal("0.1"),
    )


def test_a_failed_call_that_was_charged_is_spend():
    spend = feature_costs(costs(priced("0.1", status="error")))
    assert spend.select("errors", "cost").row(0) == (1, Decimal("0.1"))


def test_repeated_attempts_are_named_apart():
    spend = feature_costs(costs(priced("0.1"), priced("0.2", attempt=2), priced("0.3", attempt=3)))
    assert spend.select("cost", "retry_cost").row(0) == (Decimal("0.6"), Decimal("0.5"))


def test_no_retries_cost_nothing_and_that_is_known():
    assert feature_costs(costs(priced("0.1")))["retry_cost"][0] == 0


def test_an_empty_day_has_no_features():
    assert feature_costs(CALL_COSTS.empty()).equals(FEATURE_COSTS.empty())


def odd_day():
    return costs(
        *(
            priced(
                f"0.{(i * 918_273_645_137) % 10**12:012d}",
                call_id=f"c-{i:05d}",
                feature=f"f{i % 7}",
                model=("gpt-4.1", "o3", None)[i % 3],
                started_at=datetime.fromisoformat(f"2026-11-10 {i % 24:02}:00"),
            )
            for i in range(2_999)
        )
    )


def test_money_is_conserved_to_the_last_digit():
    day = odd_day()
    spend, day_of = feature_costs(day), date(2026, 11, 10)
    status = budget_status(spend.with_columns(day=pl.lit(day_of)), Budgets(), day_of)
    total = sum(day["cost"])
    assert total % Decimal("1E-11") != 0
    assert sum(spend["cost"]) == total
    assert status.filter(scope="total")["spent"][0] == total
    assert sum(status.filter(status["scope"] != "total")["spent"]) == total


def test_the_order_of_calls_changes_no_byte():
    def stored(frame):
        file = BytesIO()
        frame.write_parquet(file)
        return file.getvalue()

    day = odd_day()
    shuffled = day.sample(fraction=1.0, shuffle=True, seed=5)
    assert stored(feature_costs(shuffled)) == stored(feature_costs(day))


def test_large_sums_stay_exact():
    most = "99999999999999999999.000000000001"
    assert feature_costs(costs(*(priced(most) for _ in range(9))))["cost"][0] == Decimal(
        "899999999999999999991.000000000009"
    )

"""What a run of the pipeline found, as frames and as the object that programs read."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.reporting.business import BusinessMoney
from llmops_pipelines.tables import DELIVERIES, MONEY, ROLLBACKS

SPEND = pl.Schema(
    {
        "day": pl.Date(),
        "feature": pl.String(),
        "team": pl.String(),
        "calls": pl.Int64(),
        "unpriced_calls": pl.Int64(),
        "cost": MONEY,
        "cost_report": MONEY,
    }
)
"""One row is what a feature spent on a day of the business on behalf of who is charged.

Dollars and the report's currency are null where nothing has a price, or a rate."""


@dataclass(frozen=True)
class NightlySummary:
    """The days of one run as frames, in the order and with the names that ``--json`` prints."""

    days: pl.DataFrame
    """One feature on one day: day, feature, calls, rejected, cost_usd (exact), unpriced_calls."""
    quality: pl.DataFrame
    """One estimate: day, feature, metric, estimate, low, high, n, unscored, judge_spec,
    snapshot."""
    alerts: pl.DataFrame
    """One change of state: rule, scope, day, from, to, acted, backfilled, summary."""
    report: str | None
    """Where the newest report lies."""
    money: BusinessMoney | None = None
    """What finance.yaml makes of the money; for people, and no part of ``--json``."""
    spend: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SPEND))
    """``SPEND`` of the days of the business, where ``money`` is told."""


def summarise(
    feature_costs: pl.DataFrame,
    rejected_lines: pl.DataFrame,
    quality: pl.DataFrame,
    alerts: pl.DataFrame,
    *,
    deliveries: pl.DataFrame | None = None,
    rollbacks: pl.DataFrame | None = None,
    report: str | None = None,
    money: BusinessMoney | None = None,
    spend: pl.DataFrame | None = None,
) -> NightlySummary:
    """Gather what the days of a run came to.

    Args:
        feature_costs: ``FEATURE_COSTS`` of the days, with ``day``.
        rejected_lines: ``REJECTED_LINES`` of the days, with ``day``.
        quality: ``QUALITY`` of the days, with ``day``; all prompt versions together are kept.
        alerts: ``ALERTS`` of the days, with ``day``.
        deliveries: ``DELIVERIES``; an alert that was delivered was acted on.
        rollbacks: ``ROLLBACKS`` with ``day``; an alert whose prompt went back was acted on.
        report: Path of the newest report.
        money: What finance.yaml makes of the money; None where it leaves it as recorded.
        spend: With ``money``, rows with the columns of ``SPEND``.
    """
    known = pl.col("cost").is_not_null().any()
    spent = feature_costs.group_by("day", "feature").agg(
        pl.col("calls").sum(),
        cost_usd=pl.when(known).then(pl.col("cost").sum()),
        unpriced_calls=pl.col("unpriced_calls").sum(),
    )
    lost = rejected_lines.group_by("day", "feature").agg(rejected=pl.col("lines").sum())
    days = (
        spent.join(lost, on=["day", "feature"], how="full", coalesce=True)
        .with_columns(pl.col("calls", "rejected", "unpriced_calls").fill_null(0))
        .select("day", "feature", "calls", "rejected", "cost_usd", "unpriced_calls")
        .sort("day", "feature")
    )
    estimates = (
        quality.filter(pl.col("prompt_version") == "*")
        .select(
            "day",
            "feature",
            "metric",
            "estimate",
            "low",
            "high",
            "n",
            "unscored",
            "judge_spec",
            "snapshot",
        )
        .sort("day", "feature", "metric", "judge_spec", "snapshot")
    )
    return NightlySummary(
        days=days,
        quality=estimates,
        alerts=_changes(alerts, deliveries, rollbacks),
        report=report,
        money=money,
        spend=pl.DataFrame(schema=SPEND) if spend is None else spend.select(SPEND.names()),
    )


def _changes(
    alerts: pl.DataFrame, deliveries: pl.DataFrame | None, rollbacks: pl.DataFrame | None
) -> pl.DataFrame:
    told = DELIVERIES.empty() if deliveries is None else deliveries
    undone = (
        ROLLBACKS.empty().with_columns(day=pl.lit(None, pl.Date))
        if rollbacks is None
        else rollbacks
    )
    delivered = told.filter(pl.col("outcome") == "delivered")["alert_key"].to_list()
    reverted = (
        undone.filter(pl.col("outcome") == "rolled_back")
        .select("rule", "scope", "day", reverted=pl.lit(True))
        .unique()
    )
    return (
        alerts.join(reverted, on=["rule", "scope", "day"], how="left")
        .with_columns(
            acted=pl.col("alert_key").is_in(delivered) | pl.col("reverted").fill_null(False)
        )
        .select(
            "rule",
            "scope",
            "day",
            pl.col("from_state").alias("from"),
            pl.col("to_state").alias("to"),
            "acted",
            "backfilled",
            "summary",
        )
        .sort("day", "rule", "scope")
    )


def summary_json(summary: NightlySummary) -> dict[str, Any]:
    """The summary as one object that ``json.dumps`` takes; unknown costs and estimates are null."""
    return {
        "days": [
            {**row, "day": row["day"].isoformat(), "cost_usd": _number(row["cost_usd"])}
            for row in summary.days.iter_rows(named=True)
        ],
        "quality": [
            {**row, "day": row["day"].isoformat()} for row in summary.quality.iter_rows(named=True)
        ],
        "alerts": [
            {**row, "day": row["day"].isoformat()}
            for row in summary.alerts.drop("backfilled", "summary").iter_rows(named=True)
        ],
        "report": summary.report,
    }


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)

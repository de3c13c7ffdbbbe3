"""What a night says to programs: ``llmops nightly --json``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.nightly import Night
from llmops_pipelines.tables import (
    ALERTS,
    DELIVERIES,
    FEATURE_COSTS,
    NIGHTLY_REPORTS,
    QUALITY,
    REJECTED_LINES,
    ROLLBACKS,
)


def night_json(lake: Lake, night: Night) -> dict[str, Any]:
    """One object: days by feature, quality, alerts, the report, what was computed and failed."""
    return {
        "days": _days(lake, night.days),
        "quality": _quality(lake, night.days),
        "alerts": _alerts(lake, night.days),
        "report": report_path(lake, night.days),
        "computed": {day.isoformat(): count for day, count in night.computed.items()},
        "failures": [
            {"day": failure.day and failure.day.isoformat(), "step": failure.step, "error": failure.error}
            for failure in night.failures
        ],
    }


def report_path(lake: Lake, days: Sequence[date]) -> str | None:
    """Where the newest report of ``days`` lies; None if there is none."""
    reports = lake.read(NIGHTLY_REPORTS, list(days)).sort("day")
    return lake.store.uri(reports["path"][-1]) if reports.height else None


def _days(lake: Lake, days: Sequence[date]) -> list[dict[str, Any]]:
    costs = (
        lake.read(FEATURE_COSTS, list(days))
        .group_by("day", "feature")
        .agg(
            pl.col("calls").sum(),
            cost_usd=pl.when(pl.col("cost").count() > 0).then(pl.col("cost").sum()),
            unpriced_calls=pl.col("unpriced_calls").sum(),
        )
    )
    rejected = lake.read(REJECTED_LINES, list(days)).group_by("day", "feature").agg(rejected=pl.len())
    both = costs.join(rejected, on=["day", "feature"], how="full", coalesce=True)
    return _rows(
        both.select(
            "day",
            "feature",
            pl.col("calls").fill_null(0),
            pl.col("rejected").fill_null(0).cast(pl.Int64),
            pl.col("cost_usd").cast(pl.Float64),
            pl.col("unpriced_calls").fill_null(0),
        ).sort("day", "feature")
    )


def _quality(lake: Lake, days: Sequence[date]) -> list[dict[str, Any]]:
    rates = lake.read(QUALITY, list(days)).filter(pl.col("prompt_version") == "*")
    return _rows(
        rates.select(
            "day", "feature", "metric", "estimate", "low", "high", "n", "unscored", "judge_spec"
        ).sort("day", "feature", "metric", "judge_spec")
    )


def _alerts(lake: Lake, days: Sequence[date]) -> list[dict[str, Any]]:
    """``acted`` is null where nobody was told and nothing was moved; ``note`` says why."""
    told = set(lake.read(DELIVERIES, list(days)).filter(pl.col("outcome") == "delivered")["alert_key"])
    decided = {
        (row["day"], row["rule"], row["scope"]): row
        for row in lake.read(ROLLBACKS, list(days)).iter_rows(named=True)
    }
    alerts = []
    for alert in lake.read(ALERTS, list(days)).sort("day", "rule", "scope").iter_rows(named=True):
        rollback = decided.get((alert["day"], alert["rule"], alert["scope"]))
        acted = ["notified"] if alert["alert_key"] in told else []
        if rollback and rollback["outcome"] == "rolled_back":
            acted.append("rolled_back")
        alerts.append(
            {
                "rule": alert["rule"],
                "scope": alert["scope"],
                "day": alert["day"].isoformat(),
                "from": alert["from_state"],
                "to": alert["to_state"],
                "acted": ", ".join(acted) or None,
                "note": _note(alert, rollback),
                "summary": alert["summary"],
            }
        )
    return alerts


def _note(alert: dict[str, Any], rollback: dict[str, Any] | None) -> str | None:
    if alert["backfilled"]:
        return "evaluated too late to act: nobody is told and nothing is moved"
    if rollback:
        return f"rollback {rollback['outcome']}: {rollback['reason']}"
    return None


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.col("day").cast(pl.String)).to_dicts()

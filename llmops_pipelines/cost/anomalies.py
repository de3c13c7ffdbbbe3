"""Which scopes' spend of a day was unusual, and what drove it."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import polars as pl

from llmops_pipelines.cost.history import histories, weekdays_of
from llmops_pipelines.cost.scopes import SCOPE, by_scope
from llmops_pipelines.cost.unusual import LEAST_ALIKE, SATURDAY, THRESHOLD, Judged, judge_last
from llmops_pipelines.tables import COST_ANOMALIES

_CELL: Final = ("feature", "model")
_NOT_LOGGED: Final = "no call of any feature was logged that day"


def cost_anomalies(feature_costs: pl.DataFrame, day: date, *, zone: str = "UTC") -> pl.DataFrame:
    """Hold each scope's spend of ``day`` against the weeks before it (see ``judge_last``).

    Args:
        feature_costs: ``FEATURE_COSTS`` with ``day``, of the ``HISTORY_DAYS`` up to ``day``.
        day: The day to judge; it must have ended, or all of it looks low.
        zone: Whose days they are.

    Returns:
        ``COST_ANOMALIES``: a row for every scope seen in these weeks. An unusual one names the
        feature, and within it the model, whose spend changed most in its direction.
    """
    past = feature_costs.filter(pl.col("day") <= day)
    scoped = by_scope(past)
    spent = {
        (kind, scope): (cost, unpriced)
        for kind, scope, cost, unpriced in scoped.filter(pl.col("day") == day)
        .group_by(SCOPE)
        .agg(
            pl.when(pl.col("cost").is_not_null().any()).then(pl.col("cost").sum()),
            pl.col("unpriced_calls").sum(),
        )
        .iter_rows()
    }
    is_logged = day in past["day"]
    rows = []
    for history in histories(past, day):
        judged = judge_last(history.spent, weekdays_of(history.days))
        nothing = (0 if history.known[-1] else None, 0)
        cost, unpriced = spent.get((history.kind, history.scope), nothing)
        row: dict[str, Any] = {
            "kind": history.kind,
            "scope": history.scope,
            "business_day": day,
            "report_timezone": zone,
            "spent": cost,
            "unpriced_calls": unpriced,
            "expected": judged.expected,
            "usual_low": judged.low,
            "usual_high": judged.high,
            "z": judged.z,
            "status": _status(judged),
            "history_days": judged.days,
            "reason": judged.reason if is_logged or history.known[-1] else _NOT_LOGGED,
        }
        if row["status"] == "unusual":
            rises = (judged.z or 0) > 0
            own = scoped.filter(kind=history.kind, scope=history.scope)
            days = [at for at, known in zip(history.days, history.known, strict=True) if known]
            row |= {"direction": "higher" if rises else "lower", **_driver(own, days, rises=rises)}
        rows.append(row)
    return COST_ANOMALIES.require(pl.DataFrame(rows, schema=COST_ANOMALIES.schema))


def _status(judged: Judged) -> str:
    if judged.z is None:
        return "no_data"
    return "unusual" if abs(judged.z) >= THRESHOLD else "usual"


def _driver(own: pl.DataFrame, days: list[date], *, rises: bool) -> dict[str, Any]:
    """The cell of ``own`` whose spend on the last of ``days`` is furthest from its median before.

    The median is of the days that ``judge_last`` holds it against, and counts days without the cell
    as days on which it spent nothing.
    """
    today = days[-1]
    past = [day for day in days[:-1] if day.weekday() == today.weekday()]
    if len(past) < LEAST_ALIKE:
        weekend = today.weekday() >= SATURDAY
        past = [day for day in days[:-1] if (day.weekday() >= SATURDAY) == weekend]
    cells = own.select(_CELL).unique()
    spent = (
        cells.join(pl.DataFrame({"day": [*past, today]}), how="cross")
        .join(own.group_by(*_CELL, "day").agg(pl.col("cost").sum()), on=[*_CELL, "day"], how="left")
        .with_columns(pl.col("cost").cast(pl.Float64).fill_null(0))
    )
    change = (
        spent.group_by(_CELL)
        .agg(
            change=pl.col("cost").filter(pl.col("day") == today).sum()
            - pl.col("cost").filter(pl.col("day") != today).median()
        )
        .with_columns(of_feature=pl.col("change").sum().over("feature"))
        .sort("of_feature", "change", *_CELL, descending=[rises, rises, False, False])
    )
    feature, model, amount = change.select(*_CELL, "change").row(0)
    return {"driver_feature": feature, "driver_model": model, "driver_change": round(amount, 6)}

"""What the days to come, and the month, will have cost."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.cost.history import History, days_between, histories, weekdays_of
from llmops_pipelines.cost.season import MIXED_DAYS, SEASONAL_DAYS, future_paths
from llmops_pipelines.tables import COST_FORECAST

Floats = NDArray[np.float64]

LEAST_DAYS: Final = 3
"""Fewer known days foretell nothing."""
LEAST_AHEAD: Final = 7
"""At a month's end the next month's first week is foretold too."""

_ENDS: Final = ("low_95", "low_80", "expected", "high_80", "high_95")
_LEVELS: Final = (0.025, 0.1, 0.5, 0.9, 0.975)
_DIGITS: Final = 9
"""Significant ones: what lies behind differs between processors. A service may spend a millionth of
a dollar a day, so that decimals would make its forecast 0, or less than is spent already."""


def cost_forecast(feature_costs: pl.DataFrame, day: date, *, is_over: bool = True) -> pl.DataFrame:
    """Foretell each scope's spend day by day up to the month's end, at least a week ahead.

    Days of the month that are not known (see ``histories``) are foretold as those to come are, but
    at no less than is known of them: the month holds them too. Each scope is a series of its own:
    the total's interval is not the sum of the features'. Spend is that of calls with a price, as in
    budgets; ``unpriced_calls`` counts those of models that never had one.

    Args:
        feature_costs: ``FEATURE_COSTS`` with ``day``, of the ``HISTORY_DAYS`` up to ``day``.
        day: The day as of which is foretold.
        is_over: Whether it has ended; until then its spend is not known, but is no less than what
            it has cost already.

    Returns:
        ``COST_FORECAST``.
    """
    known_until = day if is_over else day - timedelta(days=1)
    tomorrow = day + timedelta(days=1)
    targets = days_between(tomorrow, max(month_end(day), day + timedelta(days=LEAST_AHEAD)))
    rows: list[dict[str, Any]] = []
    for history in histories(feature_costs, day):
        if not is_over:
            history.spent[-1] = np.nan
        rows += _rows(history, known_until, targets)
    return COST_FORECAST.require(pl.DataFrame(rows, schema=COST_FORECAST.schema, orient="row"))


def month_end(day: date) -> date:
    """The last day of the month that ``day`` is in."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def _rows(history: History, known_until: date, targets: list[date]) -> list[dict[str, Any]]:
    known = int(history.known.sum())
    common: dict[str, Any] = {
        "kind": history.kind,
        "scope": history.scope,
        "known_until": known_until,
        "history_days": known,
        "unknown_days": len(history.days) - known,
        "unpriced_calls": history.left_out,
        "method": _method(known),
        "reason": None,
    }
    if known < LEAST_DAYS:
        common["reason"] = _too_few(history, known)
        return [common | {"target": target} for target in targets]
    month = history.days[-1].replace(day=1)
    this_month = [place for place, day in enumerate(history.days) if day >= month]
    open_days = [place for place in this_month if not history.known[place]]
    ahead_days = [*(history.days[place] for place in open_days), *targets]
    paths = future_paths(history.spent, weekdays_of(history.days), weekdays_of(ahead_days))
    of_open = np.maximum(paths[:, : len(open_days)], history.at_least[open_days]).sum(axis=1)
    ahead = paths[:, len(open_days) :]
    spent = float(np.nansum(history.spent[this_month]))
    days = _quantiles(ahead)
    months = _quantiles(_month_to_date(ahead, targets, month, spent + of_open))
    return [
        common
        | {"target": target}
        | dict(zip(_ENDS, days[place], strict=True))
        | {f"month_{end}": value for end, value in zip(_ENDS, months[place], strict=True)}
        for place, target in enumerate(targets)
    ]


def _too_few(history: History, known: int) -> str:
    told = f"{known} day(s) of known spend; a forecast takes at least {LEAST_DAYS}"
    if history.unpriced_days:
        told += (
            f"; on {history.unpriced_days} day(s) too many calls have no price: add their models "
            "to data/reference/prices.yaml"
        )
    return told


def _method(known: int) -> str:
    if known < LEAST_DAYS:
        return "none"
    if known >= SEASONAL_DAYS:
        return "weekday_level"
    return "mixed" if known >= MIXED_DAYS else "mean"


def _month_to_date(ahead: Floats, targets: list[date], month: date, before: Floats) -> Floats:
    """Each path's spend of the target's month up to it; ``month`` holds ``before`` already."""
    sums = np.empty_like(ahead)
    running = before
    for place, target in enumerate(targets):
        if target.replace(day=1) != month:
            month, running = target.replace(day=1), np.zeros(len(ahead))
        running = running + ahead[:, place]
        sums[:, place] = running
    return sums


def _quantiles(paths: Floats) -> list[list[float]]:
    ends = np.quantile(paths, _LEVELS, axis=0).T
    return [[float(f"{value:.{_DIGITS}g}") for value in row] for row in ends]

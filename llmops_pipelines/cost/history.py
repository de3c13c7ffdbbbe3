"""What is known of each scope's spend, day by day: a day that is not known is no day of nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.cost.scopes import SCOPE, TOTAL, by_scope

HISTORY_DAYS: Final = 42
"""Six weeks: enough to know weekdays, short enough to forget what the service once was."""

_UNPRICED: Final = 0.05
"""Share of a day's answered calls without a price from which on its spend is not known."""

_RHYTHM: Final = 2
"""A weekday that passed this often without any log is one on which nobody calls."""


class History(NamedTuple):
    """One scope's days from the first on which it was seen, oldest first.

    ``spent`` is in USD, NaN on days that are not known; ``at_least`` is what is known of those.
    """

    kind: str
    scope: str
    days: list[date]
    spent: NDArray[np.float64]
    at_least: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which days' spend is known."""
        return ~np.isnan(self.spent)


def histories(feature_costs: pl.DataFrame, last: date) -> list[History]:
    """The spend of each scope until ``last``, in order of scopes.

    A day is not known where no call at all was logged, unless that is the weekday's habit, or where
    more than one in twenty of the scope's answered calls has no price. A scope without calls on a
    day on which others had some spent nothing.

    Args:
        feature_costs: ``FEATURE_COSTS`` with ``day``; later days are ignored.
        last: The last day.
    """
    past = feature_costs.filter(pl.col("day") <= last)
    if past.is_empty():
        return []
    logged = set(past["day"].to_list())
    silent = _silent_weekdays(logged, last)
    answered = pl.col("calls").sum() - pl.col("errors").sum()
    unpriced = pl.col("unpriced_calls").sum()
    daily = (
        by_scope(past)
        .group_by(*SCOPE, "day")
        .agg(spent=pl.col("cost").sum().cast(pl.Float64), known=unpriced <= _UNPRICED * answered)
        .sort(*SCOPE, "day")
    )
    return [
        _history(str(kind), str(scope), rows, logged, silent, last)
        for (kind, scope), rows in daily.group_by(SCOPE, maintain_order=True)
    ]


def past_spend(
    feature_costs: pl.DataFrame, last: date, kind: str = TOTAL, scope: str = TOTAL
) -> pl.DataFrame:
    """What a scope, or all together, spent day by day until ``last``.

    Returns:
        ``day``, ``spent`` in USD (null where it is not known) and ``at_least``, what is known then.
    """
    whole = [own for own in histories(feature_costs, last) if own[:2] == (kind, scope)]
    return pl.concat(
        [
            pl.DataFrame(schema={"day": pl.Date, "spent": pl.Float64, "at_least": pl.Float64}),
            *(
                pl.DataFrame({"day": own.days, "spent": own.spent, "at_least": own.at_least})
                for own in whole
            ),
        ]
    ).with_columns(pl.col("spent").fill_nan(None))


def days_between(first: date, last: date) -> list[date]:
    """All days from ``first`` to ``last``; none if that lies before."""
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def weekdays_of(days: list[date]) -> NDArray[np.int64]:
    """0 for Monday to 6 for Sunday, day by day."""
    return np.array([day.weekday() for day in days], dtype=np.int64)


def _history(
    kind: str, scope: str, rows: pl.DataFrame, logged: set[date], silent: set[int], last: date
) -> History:
    own = {day: (spent, known) for day, spent, known in rows.select("day", "spent", "known").rows()}
    days = days_between(min(own), last)
    spent = np.zeros(len(days))
    at_least = np.zeros(len(days))
    for place, day in enumerate(days):
        if day in own:
            at_least[place], known = own[day]
            spent[place] = at_least[place] if known else np.nan
        elif day not in logged and day.weekday() not in silent:
            spent[place] = np.nan
    return History(kind, scope, days, spent, at_least)


def _silent_weekdays(logged: set[date], last: date) -> set[int]:
    passed = days_between(min(logged), last)
    return {
        weekday
        for weekday in range(7)
        if len(them := [day for day in passed if day.weekday() == weekday]) >= _RHYTHM
        and not logged.intersection(them)
    }

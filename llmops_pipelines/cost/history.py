"""What is known of each scope's spend, day by day: a day that is not known is no day of nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.cost.scopes import SCOPE, by_scope

HISTORY_DAYS: Final = 42
"""Six weeks: enough to know weekdays, short enough to forget what the service once was."""

_UNPRICED: Final = 0.05
"""Share of a day's answered calls without a price from which on its spend is not known."""

_NEVER_DAYS: Final = 3
_NEVER_SHARE: Final = 0.5
"""A model that never had a price, on so many of the scope's days and more than this share of them,
is how the scope is, and no reason to know nothing of the rest; a new one is."""

_RHYTHM: Final = 2
"""A weekday that passed this often without any log is one on which nobody calls."""


class History(NamedTuple):
    """One scope's days from the first on which it was seen, oldest first.

    ``spent`` is in USD, NaN on days that are not known; ``at_least`` is what is known of those.
    ``left_out`` counts the calls of models that never had a price, where others had one: what they
    cost is in none of it. ``unpriced_days`` counts the days that are not known for lack of prices.
    """

    kind: str
    scope: str
    days: list[date]
    spent: NDArray[np.float64]
    at_least: NDArray[np.float64]
    left_out: int
    unpriced_days: int

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which days' spend is known."""
        return ~np.isnan(self.spent)


def histories(feature_costs: pl.DataFrame, last: date) -> list[History]:
    """The spend of each scope until ``last``, in order of scopes.

    A day is not known where no call at all was logged, unless that is the weekday's habit, or where
    more than one in twenty of the scope's answered calls has no price. A scope without calls on a
    day on which others had some spent nothing. Calls of a model that never had a price in the scope
    while others had, day after day, are left out: of a service that always has such calls, all days
    would be unknown, and what is charged to it is foretold without them as well.

    Args:
        feature_costs: ``FEATURE_COSTS`` with ``day``; later days are ignored.
        last: The last day.
    """
    past = feature_costs.filter(pl.col("day") <= last)
    if past.is_empty():
        return []
    logged = set(past["day"].to_list())
    silent = _silent_weekdays(logged, last)
    counted = ~pl.col("is_left_out")
    answered = (pl.col("calls") - pl.col("errors")).filter(counted).sum()
    unpriced = pl.col("unpriced_calls").filter(counted).sum()
    daily = (
        _with_left_out(by_scope(past))
        .group_by(*SCOPE, "day")
        .agg(
            spent=pl.col("cost").sum().cast(pl.Float64),
            known=unpriced <= _UNPRICED * answered,
            left_out=pl.col("unpriced_calls").filter(~counted).sum(),
        )
        .sort(*SCOPE, "day")
    )
    return [
        _history(str(kind), str(scope), rows, logged, silent, last)
        for (kind, scope), rows in daily.group_by(SCOPE, maintain_order=True)
    ]


def is_unlogged(feature_costs: pl.DataFrame, day: date) -> bool:
    """Whether no call at all was logged on ``day``, a weekday on which that is not the habit.

    Args:
        feature_costs: ``FEATURE_COSTS`` with ``day``; later days are ignored.
        day: Which.
    """
    logged = {known for known in feature_costs["day"] if known <= day}
    return day not in logged and not (logged and day.weekday() in _silent_weekdays(logged, day))


def past_spend(feature_costs: pl.DataFrame, last: date) -> pl.DataFrame:
    """What each scope spent day by day until ``last``, from the first day on which it was seen.

    Returns:
        ``kind``, ``scope``, ``day``, ``spent`` in USD (null where it is not known) and
        ``at_least``, what is known then.
    """
    schema = {"kind": pl.String, "scope": pl.String, "day": pl.Date}
    return pl.concat(
        [
            pl.DataFrame(schema={**schema, "spent": pl.Float64, "at_least": pl.Float64}),
            *(
                pl.DataFrame(
                    {"day": own.days, "spent": own.spent, "at_least": own.at_least}
                ).select(pl.lit(own.kind).alias("kind"), pl.lit(own.scope).alias("scope"), pl.all())
                for own in histories(feature_costs, last)
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
    left_out, unpriced_days = int(rows["left_out"].sum()), int((~rows["known"]).sum())
    return History(kind, scope, days, spent, at_least, left_out, unpriced_days)


def _with_left_out(scoped: pl.DataFrame) -> pl.DataFrame:
    """``scoped`` with ``is_left_out``: rows of models that the scope always has without a price."""
    days = scoped.group_by(SCOPE).agg(
        of_scope=pl.col("day").n_unique(), has_prices=pl.col("cost").is_not_null().any()
    )
    models = (
        scoped.group_by(*SCOPE, "model")
        .agg(
            on=pl.col("day").filter(pl.col("unpriced_calls") > 0).n_unique(),
            never=pl.col("cost").is_null().all(),
        )
        .join(days, on=SCOPE, nulls_equal=True)
    )
    often = (pl.col("on") >= _NEVER_DAYS) & (pl.col("on") > _NEVER_SHARE * pl.col("of_scope"))
    left_out = models.select(
        *SCOPE, "model", is_left_out=often & pl.col("never") & pl.col("has_prices")
    )
    return scoped.join(left_out, on=[*SCOPE, "model"], nulls_equal=True)


def _silent_weekdays(logged: set[date], last: date) -> set[int]:
    passed = days_between(min(logged), last)
    return {
        weekday
        for weekday in range(7)
        if len(them := [day for day in passed if day.weekday() == weekday]) >= _RHYTHM
        and not logged.intersection(them)
    }

"""What changed between two periods' spend, split into causes that add up to the difference.

The split is Shapley's: a driver's share is what changing it does to spend, averaged over every
order in which the drivers could have changed (L. S. Shapley, 1953; as a decomposition of
differences A. F. Shorrocks, 2013). What is in one period only needs no special care, as it does in
log-mean splits.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from math import factorial
from typing import Final, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.cost.factors import CELL, DRIVERS, Factors, cells_of, factors_of
from llmops_pipelines.cost.prompt_prices import Floats, prices_apart
from llmops_pipelines.tables import COST_DRIVERS, MONEY

ALL: Final = "*"
"""The scope of all features together."""

WEEK: Final = 7
"""Days that are compared with as many before them: weekdays weigh the same in both."""

_PICO: Final = Decimal("0.000000000001")

_OF: Final = {
    "volume": ("volume",),
    "mix": ("mix",),
    "retry_rate": ("retry_rate",),
    "routing": ("routing",),
    "prompt_length": ("prompt",),
    "cache_rate": ("cached", "written"),
    "answer_length": ("answer",),
    "price": ("fresh_price", "cache_price", "write_price", "answer_price", "fee"),
}
"""The factors that each driver changes."""


def cost_drivers(
    before: pl.DataFrame, after: pl.DataFrame, *, last: date | None = None, zone: str = "UTC"
) -> pl.DataFrame:
    """Why ``after`` cost more or less than ``before``, by feature and for all.

    Spend without a known price is in neither period; calls without one still count as calls.

    Args:
        before: ``COST_CUBE`` rows of the earlier period, any number of days.
        after: Those of the later one.
        last: The last day of that, where it is told.
        zone: Whose days they are.

    Returns:
        ``COST_DRIVERS``. The amounts of a scope add up to ``after - before`` to the last digit.
    """
    split = split_change(before, after)
    spent = _spent(before).join(
        _spent(after), on="feature", how="full", coalesce=True, suffix="_after"
    )
    spent = spent.with_columns(pl.col("cost", "cost_after").fill_null(0).cast(MONEY))
    scopes: list[tuple[str, pl.DataFrame, pl.DataFrame]] = [(ALL, split, spent)]
    for feature in spent["feature"]:
        # A feature that is itself called `*` must not pass for all of them.
        name = f"{ALL} (feature)" if feature == ALL else feature
        own = pl.col("feature") == feature
        scopes.append((name, split.filter(own), spent.filter(own)))
    rows = []
    for name, cells, total in scopes:
        was, now = (cast(Decimal, total[name].sum()) for name in ("cost", "cost_after"))
        amounts = {driver: float(cells[driver].sum()) for driver in DRIVERS}
        rows += [
            (name, driver, last, zone, amount, was, now)
            for driver, amount in _exactly(amounts, now - was).items()
        ]
    return COST_DRIVERS.require(pl.DataFrame(rows, schema=COST_DRIVERS.schema, orient="row"))


def two_weeks(cube: pl.DataFrame, last: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The week that ends with ``last``, after the one before it: (before, after)."""
    first = last - timedelta(days=WEEK - 1)
    recent = (pl.col("day") >= first) & (pl.col("day") <= last)
    earlier = (pl.col("day") < first) & (pl.col("day") >= first - timedelta(days=WEEK))
    return cube.filter(earlier), cube.filter(recent)


def are_alike(before: pl.DataFrame, after: pl.DataFrame) -> bool:
    """Whether two weeks have calls on as many days, and both a known cost."""
    days = before["day"].n_unique() == after["day"].n_unique()
    return days and not (has_unknown_cost(before) or has_unknown_cost(after))


def has_unknown_cost(cube: pl.DataFrame) -> bool:
    """Whether ``COST_CUBE`` has calls that lack a price, and none that has one."""
    return not cube["cost"].count() and bool(cube["unpriced_calls"].sum())


def week_drivers(cube: pl.DataFrame, last: date, *, zone: str = "UTC") -> pl.DataFrame:
    """``cost_drivers`` of the week that ends with ``last``; none of weeks that are not alike.

    A week with fewer days of calls than the other would show the beginning of the logs, or a hole
    in them, as a change. Weekdays on which nobody ever calls are missing in both. Nor is a week
    compared of none of whose calls the cost is known: it did not cost nothing.

    Args:
        cube: ``COST_CUBE`` with ``day``, of the two weeks.
        last: Last day of the later week.
        zone: Whose days they are.
    """
    before, after = two_weeks(cube, last)
    if not are_alike(before, after):
        return COST_DRIVERS.empty()
    return cost_drivers(before, after, last=last, zone=zone)


def split_change(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The change of spend per feature and model, a column per driver, in USD as floats."""
    cells = [cells_of(period) for period in (before, after)]
    names = pl.concat([each.select(CELL) for each in cells]).unique().sort(CELL, nulls_last=True)
    aligned = [
        names.join(each, on=CELL, how="left", nulls_equal=True, maintain_order="left").fill_null(0)
        for each in cells
    ]
    if names.is_empty():
        return names.with_columns(pl.lit(0.0).alias(driver) for driver in DRIVERS)
    apart = prices_apart(aligned[0], aligned[1])
    was, now = (factors_of(each, *prices) for each, prices in zip(aligned, apart, strict=True))
    shares = _shapley(*_complete(was, now))
    return names.with_columns(
        pl.Series(driver, share) for driver, share in zip(DRIVERS, shares, strict=True)
    )


def _spent(cube: pl.DataFrame) -> pl.DataFrame:
    return cube.group_by("feature").agg(pl.col("cost").sum().cast(MONEY))


def _complete(before: Factors, after: Factors) -> tuple[Factors, Factors]:
    """What one period does not tell is taken from the other: it changed nothing."""
    pairs = {
        each.name: (getattr(before, each.name), getattr(after, each.name))
        for each in fields(Factors)
    }
    return (
        Factors(**{name: _first_known(a, b) for name, (a, b) in pairs.items()}),
        Factors(**{name: _first_known(b, a) for name, (a, b) in pairs.items()}),
    )


def _first_known(values: Floats, others: Floats) -> Floats:
    return np.nan_to_num(np.where(np.isnan(values), others, values))


def _shapley(before: Factors, after: Factors) -> NDArray[np.float64]:
    """Each driver's share of each cell's change: drivers by cells."""
    count = len(DRIVERS)
    spent = [_spend(before, after, changed) for changed in range(2**count)]
    shares = np.zeros((count, len(spent[0])))
    for changed in range(2**count):
        size = changed.bit_count()
        weight = factorial(size) * factorial(count - size - 1) if size < count else 0
        for driver in range(count):
            if not changed >> driver & 1:
                shares[driver] += weight * (spent[changed | 1 << driver] - spent[changed])
    return shares / factorial(count)


def _spend(before: Factors, after: Factors, changed: int) -> Floats:
    """Spend of each cell where the drivers in ``changed`` (a bit each) are those of after."""
    f = {
        name: getattr(after if changed >> place & 1 else before, name)
        for place, driver in enumerate(DRIVERS)
        for name in _OF[driver]
    }
    attempts = f["volume"] * f["mix"] * f["retry_rate"] * f["routing"]
    prompt = (
        (1 - f["cached"] - f["written"]) * f["fresh_price"]
        + f["cached"] * f["cache_price"]
        + f["written"] * f["write_price"]
    )
    each: Floats = f["prompt"] * prompt + f["answer"] * f["answer_price"] + f["fee"]
    spent: Floats = attempts * each
    return spent


def _exactly(amounts: dict[str, float], total: Decimal) -> dict[str, Decimal]:
    """``amounts`` in pico-dollars that add up to ``total``; the largest takes up the rounding."""
    exact = {name: Decimal(amount).quantize(_PICO) for name, amount in amounts.items()}
    largest = max(exact, key=lambda name: abs(exact[name]))
    exact[largest] += total - sum(exact.values(), Decimal(0))
    return exact

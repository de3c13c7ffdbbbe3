"""The main reason of a change of spend, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final

import polars as pl

from llmops_pipelines.cost.change import Change
from llmops_pipelines.cost.drivers import WEEK, are_alike, has_unknown_cost, split_change, two_weeks
from llmops_pipelines.cost.factors import CELL, DRIVERS

_OF_ALL: Final = ("volume", "mix")
"""Drivers that are one number for all features: where one makes more of the requests, others make
less of them."""

_LEAST: Final = Decimal("0.01")
"""Of what was spent: smaller changes below half a cent are told without a reason."""
_HALF_A_CENT: Final = Decimal("0.005")
_A_CENT: Final = Decimal("0.01")


def told_week(cube: pl.DataFrame, last: date) -> str:
    """``told_change`` of ``week_drivers``, or why there are none."""
    before, after = two_weeks(cube, last)
    if not are_alike(before, after):
        return not_compared(cube, last)
    return told_change(before, after)


def not_compared(cube: pl.DataFrame, last: date) -> str:
    """Why there are no ``week_drivers``: on how many days there are calls, or none has a price."""
    weeks = two_weeks(cube, last)
    for week, name in zip(weeks, (f"{WEEK} days before", f"last {WEEK} days"), strict=True):
        if has_unknown_cost(week):
            return f"not compared: none of the calls of the {name} has a price"
    had, have = (week["day"].n_unique() for week in weeks)
    return f"not compared: {had} of the {WEEK} days before have calls, and {have} of these"


def told_change(before: pl.DataFrame, after: pl.DataFrame) -> str:
    """What spend changed by and mostly why: "+$4.12 (+9 %): 71 % because ...".

    Calls without a price are in neither sum; how many there are is said.

    Args:
        before: ``COST_CUBE`` rows of the earlier period.
        after: Those of the later one.
    """
    was, now = (int(period["unpriced_calls"].sum()) for period in (before, after))
    left_out = f"; without {now:,} calls that have no price ({was:,} before)" if was or now else ""
    return _told(before, after) + left_out


def _told(before: pl.DataFrame, after: pl.DataFrame) -> str:
    was, now = (Decimal(period["cost"].sum() or 0) for period in (before, after))
    change = now - was
    if not change:
        return "spend did not change"
    if abs(change) < min(_HALF_A_CENT, _LEAST * abs(was)):
        return f"spend hardly changed: {_signed(change)}"
    grew = f" ({_percent(float(change / was))})" if was else ""
    parts = (
        split_change(before, after)
        .unpivot(DRIVERS, index=CELL, variable_name="driver", value_name="amount")
        .with_columns(
            scope=pl.when(~pl.col("driver").is_in(_OF_ALL)).then("feature"),
            pull=pl.col("amount") * (1 if change > 0 else -1),
        )
    )
    top = _largest(parts, "driver", "scope")
    own = parts.filter(
        pl.col(name).eq_missing(pl.lit(top[name], pl.String)) for name in ("driver", "scope")
    )
    share = top["pull"] / abs(float(change))
    most = f"{share:.0%}" if share < 1.005 else "more than all of it"
    feature = None if top["driver"] == "volume" else _largest(own, "feature")["feature"]
    served = _largest(own, "provider", "model")
    told = Change(before, after, feature, (served["provider"], served["model"]))
    return f"{_signed(change)}{grew}: {most} because {_REASONS[top['driver']](told)}"


def _largest(parts: pl.DataFrame, *by: str) -> dict[str, Any]:
    """The group that pulls most in the direction of the change."""
    return (
        parts.group_by(by)
        .agg(pl.col("pull").sum())
        .sort("pull", *by, descending=[True, *(False for _ in by)], nulls_last=True)
        .row(0, named=True)
    )


def _volume(change: Change) -> str:
    grown = change.requests().grown
    if grown == float("inf"):
        return "there were no requests before"
    return f"there were {abs(grown):.0%} {'more' if grown > 0 else 'fewer'} requests"


def _mix(change: Change) -> str:
    was, now = change.share_of_all()
    return f"{change.feature} made {now:.0%} of the requests instead of {was:.0%}"


def _retry_rate(change: Change) -> str:
    was, now = change.ratio("attempts", "first")
    return f"{change.feature} took {now:.2f} paid attempts a request instead of {was:.2f}"


def _routing(change: Change) -> str:
    gain = change.moved()
    where = "to" if gain > 0 else "away from"
    return f"{change.feature} moved {abs(gain):.0%} of its calls {where} {change.model}"


def _prompt_length(change: Change) -> str:
    grown = change.like_for_like("prompt", "attempts").grown
    return f"prompts of {change.feature} were {_longer(grown)}"


def _answer_length(change: Change) -> str:
    grown = change.like_for_like("answer", "attempts").grown
    return f"answers of {change.feature} were {_longer(grown)}"


def _cache_rate(change: Change) -> str:
    read = change.like_for_like("cache_read", "prompt")
    written = change.like_for_like("cache_write", "prompt")
    if abs(written.now - written.was) > abs(read.now - read.was):
        verb, (was, now), place = "wrote", written, "to"
    else:
        verb, (was, now), place = "read", read, "from"
    return (
        f"{change.feature} {verb} {now:.0%} of its prompts {place} the cache instead of {was:.0%}"
    )


def _price(change: Change) -> str:
    if change.is_of_unpriced():
        was, now = change.unpriced()
        return (
            f"{now:.0%} of the calls of {change.feature} to {change.model} have no price "
            f"instead of {was:.0%}"
        )
    if moved := change.tier_moved():
        tier, (was, now) = moved
        return (
            f"{change.feature} had {now:.0%} of its tokens of {change.model} in tier {tier} "
            f"instead of {was:.0%}"
        )
    return f"the price of {change.model} changed for {change.feature}"


_REASONS: Final[dict[str, Callable[[Change], str]]] = {
    "volume": _volume,
    "mix": _mix,
    "retry_rate": _retry_rate,
    "routing": _routing,
    "prompt_length": _prompt_length,
    "cache_rate": _cache_rate,
    "answer_length": _answer_length,
    "price": _price,
}


def _longer(grown: float) -> str:
    return f"{abs(grown):.0%} {'longer' if grown > 0 else 'shorter'}"


def _percent(share: float) -> str:
    return f"{share:+.0%}"


def _signed(amount: Decimal) -> str:
    """Dollars to the cent, and small ones to two digits that are not 0."""
    size = abs(amount)
    digits = 2 if size >= _A_CENT else 1 - size.adjusted()
    return f"{'+' if amount > 0 else '-'}${size:,.{digits}f}"

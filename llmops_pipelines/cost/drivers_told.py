"""The main reason of a change of spend, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from llmops_pipelines.cost.drivers import WEEK, split_change, two_weeks
from llmops_pipelines.cost.factors import CELL, DRIVERS, cells_of

_NAMELESS: Final = "a model without a name"

_LEAST: Final = Decimal("0.005")
"""Changes below half a cent are none."""


def told_week(cube: pl.DataFrame, last: date) -> str:
    """``told_change`` of ``week_drivers``, or why there are none."""
    before, after = two_weeks(cube, last)
    if before["day"].n_unique() < after["day"].n_unique():
        return not_compared(cube, last)
    return told_change(before, after)


def not_compared(cube: pl.DataFrame, last: date) -> str:
    """Why there are no ``week_drivers``: on how many days of either week there are calls."""
    had, have = (week["day"].n_unique() for week in two_weeks(cube, last))
    return f"not compared: {had} of the {WEEK} days before have calls, and {have} of these"


def told_change(before: pl.DataFrame, after: pl.DataFrame) -> str:
    """What spend changed by and mostly why: "+$4.12 (+9 %): 71 % because ...".

    Args:
        before: ``COST_CUBE`` rows of the earlier period.
        after: Those of the later one.
    """
    was, now = (Decimal(period["cost"].sum() or 0) for period in (before, after))
    change = now - was
    if abs(change) < _LEAST:
        return "spend did not change"
    grew = f" ({_percent(float(change / was))})" if was else ""
    amounts = (
        split_change(before, after)
        .unpivot(DRIVERS, index=CELL, variable_name="driver", value_name="amount")
        # Volume is one number for all features.
        .with_columns(scope=pl.when(pl.col("driver") != "volume").then("feature"))
        .group_by("driver", "scope")
        .agg(pl.col("amount").sum(), model=pl.col("model").sort_by("amount").gather([0, -1]))
        .with_columns(pull=pl.col("amount") * (1 if change > 0 else -1))
        .sort("pull", "driver", "scope", descending=[True, False, False])
    )
    top = amounts.row(0, named=True)
    share = top["amount"] / float(change)
    most = f"{share:.0%}" if share < 1.005 else "more than all of it"
    model = top["model"][-1 if change > 0 else 0]
    why = _REASONS[top["driver"]](_Change(before, after, top["scope"], model))
    return f"{_signed(change)}{grew}: {most} because {why}"


class _Change:
    """Sums of a feature (of all where it is None) in both periods."""

    def __init__(
        self, before: pl.DataFrame, after: pl.DataFrame, feature: str | None, model: str | None
    ) -> None:
        self.feature, self.model = feature, model or _NAMELESS
        cells = [cells_of(period) for period in (before, after)]
        mine = pl.lit(value=True) if feature is None else pl.col("feature") == feature
        self._own = [period.filter(mine) for period in cells]
        self._all = [float(period["first"].sum()) for period in cells]

    def ratio(self, part: str, whole: str) -> tuple[float, float]:
        """Of the feature, before and after; 0 where there is nothing of ``whole``."""
        return self._both(part, [float(own[whole].sum()) for own in self._own])

    def share_of_all(self) -> tuple[float, float]:
        """Of the feature's requests in all."""
        return self._both("first", self._all)

    def moved(self) -> tuple[str, float]:
        """The model whose share of the feature's attempts grew most, and by how much."""
        gains: dict[str | None, float] = {}
        for own, sign in zip(self._own, (-1, 1), strict=True):
            attempts = own["attempts"].sum()
            for model, served in own.select("model", "attempts").iter_rows():
                gains[model] = gains.get(model, 0.0) + sign * served / attempts
        model = max(gains, key=lambda name: (gains[name], str(name)))
        return model or _NAMELESS, gains[model]

    def grown(self, part: str, whole: str | None = None) -> float:
        """By how much a sum, or a ratio, grew; infinite from nothing."""
        was, now = self.ratio(part, whole) if whole else self._both(part, [1.0, 1.0])
        return now / was - 1 if was else float("inf")

    def _both(self, part: str, wholes: Sequence[float]) -> tuple[float, float]:
        was, now = (
            float(own[part].sum()) / whole if whole else 0.0
            for own, whole in zip(self._own, wholes, strict=True)
        )
        return was, now


def _volume(change: _Change) -> str:
    grown = change.grown("first")
    if grown == float("inf"):
        return "there were no requests before"
    return f"there were {abs(grown):.0%} {'more' if grown > 0 else 'fewer'} requests"


def _mix(change: _Change) -> str:
    was, now = change.share_of_all()
    return f"{change.feature} made {now:.0%} of the requests instead of {was:.0%}"


def _retry_rate(change: _Change) -> str:
    was, now = change.ratio("attempts", "first")
    return f"{change.feature} took {now:.2f} attempts a request instead of {was:.2f}"


def _routing(change: _Change) -> str:
    model, gain = change.moved()
    return f"{change.feature} moved {gain:.0%} of its calls to {model}"


def _prompt_length(change: _Change) -> str:
    return f"prompts of {change.feature} were {_longer(change.grown('prompt', 'attempts'))}"


def _answer_length(change: _Change) -> str:
    return f"answers of {change.feature} were {_longer(change.grown('answer', 'attempts'))}"


def _cache_rate(change: _Change) -> str:
    was, now = change.ratio("cache_read", "prompt")
    return f"{change.feature} read {now:.0%} of its prompts from the cache instead of {was:.0%}"


def _price(change: _Change) -> str:
    return f"the price of {change.model} changed for {change.feature}"


_REASONS: Final[dict[str, Callable[[_Change], str]]] = {
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
    return f"{'+' if amount > 0 else '-'}${abs(amount):,.2f}"

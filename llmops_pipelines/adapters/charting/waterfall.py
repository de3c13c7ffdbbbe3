"""A change of spend as a waterfall: from before, step by step, to after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import (
    CRITICAL,
    INK,
    MUTED,
    PALETTE,
    label,
    new_figure,
    no_data,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAVED: Final = PALETTE[2]

_WIDTH: Final = 0.66
"""Of a bar; one every 1."""
_SMALL: Final = 0.2
"""Where changes move spend by less than this part of it, bars from zero on would hide them."""


def waterfall(
    drivers: pl.DataFrame, *, title: str, subtitle: str = "", currency: str = "USD"
) -> Figure:
    """Draw one scope of ``COST_DRIVERS``, the drivers that raised spend first.

    Args:
        drivers: ``driver``, ``amount``, ``before`` and ``after`` of one feature, or of all.
        title: What changed.
        subtitle: How to read it.
        currency: Of all amounts.
    """
    money = drivers.with_columns(pl.col("amount", "before", "after").cast(pl.Float64))
    if money.is_empty():
        return no_data(title, "no data: no two weeks with as many days of calls to compare")
    if not (money["before"][0] or money["after"][0]):
        return no_data(title, "no data: nothing was spent in either week")
    steps = money.filter(pl.col("amount") != 0).sort("amount", "driver", descending=[True, False])
    with style():
        figure = new_figure(10.4, 3.1)
        axes = figure.add_subplot()
        floor = _floor(money["before"][0], steps["amount"])
        fall(
            axes,
            Bar("before", money["before"][0], MUTED, is_whole=True),
            *(
                Bar(name, amount, CRITICAL if amount > 0 else SAVED)
                for name, amount in steps.select("driver", "amount").iter_rows()
            ),
            Bar("after", money["after"][0], MUTED, is_whole=True),
            floor=floor,
            currency=currency,
        )
        note = f"bars begin at {parts.amount(floor, currency)}" if floor else ""
        parts.title(axes, title, "; ".join(filter(None, (subtitle, note))))
    return figure


class Bar(NamedTuple):
    """One bar of a waterfall: a whole stands on the ground, a change where the one before ended."""

    name: str
    amount: float
    """A change may be negative."""
    colour: str
    is_whole: bool = False


def fall(axes: Axes, *bars: Bar, floor: float = 0.0, currency: str = "USD") -> None:
    """Draw ``bars`` from left to right, each named and with its amount above it.

    With a ``floor`` the axis begins there: say so beside the chart.
    """
    level = 0.0
    for place, bar in enumerate(bars):
        base = 0.0 if bar.is_whole else level
        axes.bar(place, bar.amount, _WIDTH, bottom=base, color=bar.colour)
        sign = "" if bar.is_whole or not bar.amount else "+" if bar.amount > 0 else "-"
        axes.annotate(
            f"{sign}{parts.amount(abs(bar.amount), currency)}",
            (place, max(base, base + bar.amount)),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            color=INK,
        )
        if not bar.is_whole:
            between = [place - 1 + _WIDTH / 2, place - _WIDTH / 2]
            axes.plot(between, [level, level], color=MUTED, linewidth=0.7)
        level = base + bar.amount
    axes.set_xticks(range(len(bars)), [label(bar.name).replace("_", "\n") for bar in bars])
    axes.tick_params(axis="x", labelcolor=INK)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    # Not by margins: a step of nearly nothing at the top would hold the edge down.
    bottom, top = axes.dataLim.intervaly
    axes.set_ylim(floor or min(bottom, 0) * 1.1, max(top, 0) + 0.18 * (max(top, 0) - floor))


def _floor(before: float, amounts: pl.Series) -> float:
    """Where bars begin: at zero, or just below what changes when that is a small part of spend."""
    levels = [before, *(before + amounts.cum_sum())]
    low, high = min(levels), max(levels)
    return low - (high - low) / 2 if 0 < high - low < _SMALL * low else 0.0

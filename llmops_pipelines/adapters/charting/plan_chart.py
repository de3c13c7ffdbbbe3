"""All savings as one: from today's spend step by step to the plan's, beside the sum of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import (
    INK,
    MUTED,
    PALETTE,
    new_figure,
    no_data,
    style,
)
from llmops_pipelines.adapters.charting.waterfall import Bar, fall
from llmops_pipelines.savings import DAYS_A_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS: Final = {
    "cache": PALETTE[0],
    "route": PALETTE[1],
    "compress": PALETTE[2],
    "batch": PALETTE[3],
}
_ENDS: Final = {"estimate": "", "low": "_low", "high": "_high"}


def savings_waterfall(plan: pl.DataFrame, *, title: str) -> Figure:
    """Draw one feature's plan, or that of all: US dollars of a year.

    Args:
        plan: ``SAVINGS_PLAN`` of one feature, all of its steps.
        title: Whose plan it is.
    """
    rows = {row["step"]: row for row in plan.iter_rows(named=True)}
    whole = rows.get("plan")
    if whole is None or whole["paid_per_call"] is None or whole["calls_per_day"] is None:
        return no_data(title, "no data: no sampled call has a known cost")
    a_year = whole["calls_per_day"] * DAYS_A_YEAR
    today, saved = a_year * whole["paid_per_call"], a_year * whole["saved"]
    with style():
        figure = new_figure(9.4, 3.1)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1.15))
        fall(
            left,
            Bar("spend today", today, MUTED, is_whole=True),
            *(
                Bar(step, -a_year * rows[step]["saved"], colour)
                for step, colour in _COLOURS.items()
            ),
            Bar("with the plan", today - saved, MUTED, is_whole=True),
        )
        _stacks(right, rows, a_year)
        highest = max(today, a_year * whole["saved_alone"])
        left.set_ylim(0, 1.15 * highest)
        told = parts.estimate(
            {end: whole[f"saved_a_year{tail}"] for end, tail in _ENDS.items()}, "usd"
        )
        parts.title(left, title, f"a year: {told} saved; right: the same, and each step alone")
    return figure


def _stacks(axes: Axes, rows: dict[str, dict[str, Any]], a_year: float) -> None:
    """What the steps save one behind the other, and what they would as if each were alone."""
    for place, figure in enumerate(("saved", "saved_alone")):
        level = 0.0
        for step, colour in _COLOURS.items():
            amount = a_year * rows[step][figure]
            axes.bar(place, amount, 0.6, bottom=level, color=colour)
            level += amount
        axes.annotate(
            parts.written(level, "usd"),
            (place, level),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            color=INK,
        )
    axes.set_xticks([0, 1], ["as one", "sum of parts"])
    axes.tick_params(axis="x", labelcolor=INK)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(-0.6, 1.6)

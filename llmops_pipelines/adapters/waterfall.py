"""A change of spend as a waterfall: from before, step by step, to after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from llmops_pipelines.adapters import chart_parts as parts
from llmops_pipelines.adapters.figures import (
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
    from matplotlib.figure import Figure

SAVED: Final = PALETTE[2]


def waterfall(drivers: pl.DataFrame, *, title: str, subtitle: str = "") -> Figure:
    """Draw one scope of ``COST_DRIVERS``, the drivers that raised spend first.

    Args:
        drivers: ``driver``, ``amount``, ``before`` and ``after`` of one feature, or of all.
        title: What changed.
        subtitle: How to read it.
    """
    money = drivers.with_columns(pl.col("amount", "before", "after").cast(pl.Float64))
    if money.is_empty():
        return no_data(title, "no data: no whole week before this one to compare with")
    if not (money["before"][0] or money["after"][0]):
        return no_data(title, "no data: nothing was spent in either week")
    steps = money.filter(pl.col("amount") != 0).sort("amount", "driver", descending=[True, False])
    names = ["before", *steps["driver"], "after"]
    amounts = [money["before"][0], *steps["amount"], money["after"][0]]
    level = 0.0
    with style():
        figure = new_figure(7.6, 2.9)
        axes = figure.add_subplot()
        for place, (name, amount) in enumerate(zip(names, amounts, strict=True)):
            whole = name in {"before", "after"}
            base = 0.0 if whole else level
            colour = MUTED if whole else CRITICAL if amount > 0 else SAVED
            axes.bar(place, amount, 0.66, bottom=base, color=colour)
            sign = "" if whole else "+" if amount > 0 else "-"
            axes.annotate(
                f"{sign}{parts.written(abs(amount), 'usd')}",
                (place, max(base, base + amount)),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                color=INK,
            )
            if not whole:
                axes.plot([place - 1, place], [level, level], color=MUTED, linewidth=0.7)
            level = base + amount
        axes.set_xticks(range(len(names)), [label(name).replace("_", "\n") for name in names])
        axes.tick_params(axis="x", labelcolor=INK)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        # Not by margins: a step of nearly nothing at the top would hold the edge down.
        bottom, top = axes.dataLim.intervaly
        axes.set_ylim(min(bottom, 0) * 1.1, max(top, 0) * 1.18)
        parts.title(axes, title, subtitle)
    return figure

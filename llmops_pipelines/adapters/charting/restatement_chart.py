"""What was restated: spend before and after, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import (
    ACCENT,
    INK,
    MUTED,
    label,
    new_figure,
    no_data,
    style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_ROWS: Final = 15


def before_and_after(groups: pl.DataFrame, *, title: str, subtitle: str = "") -> Figure:
    """Draw two bars per model and feature, the largest difference first.

    Args:
        groups: ``model``, ``feature``, ``cost_before`` and ``cost_after``; null is written as
            unpriced, not as zero. Rows of one model and feature are summed.
        title: What was restated.
        subtitle: Why.
    """
    summed = (
        groups.group_by("model", "feature")
        .agg(
            pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
            for name in ("cost_before", "cost_after")
        )
        .with_columns(pl.col("cost_before", "cost_after").cast(pl.Float64))
        .with_columns(
            change=(pl.col("cost_after").fill_null(0) - pl.col("cost_before").fill_null(0))
        )
        .sort(pl.col("change").abs(), "model", "feature", descending=[True, False, False])
    )
    if summed.is_empty():
        return no_data(title, "nothing was restated")
    shown = summed.head(_MOST_ROWS)
    with style():
        figure = new_figure(7.6, 1.0 + 0.42 * shown.height)
        axes = figure.add_subplot()
        for place, row in enumerate(shown.iter_rows(named=True)):
            for shift, name, colour in (
                (-0.19, "cost_before", MUTED),
                (0.19, "cost_after", ACCENT),
            ):
                value = row[name]
                axes.barh(place + shift, value or 0, 0.34, color=colour)
                text = "unpriced" if value is None else parts.written(value, "usd")
                axes.annotate(
                    text + (_change(row["change"], row["cost_before"]) if shift > 0 else ""),
                    (value or 0, place + shift),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8,
                    color=MUTED if shift < 0 else INK,
                )
        names = [f"{row['model']} · {row['feature']}" for row in shown.iter_rows(named=True)]
        axes.set_yticks(range(shown.height), [label(name) for name in names])
        axes.set_ylim(shown.height - 0.4, -0.6)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.3)
        left_out = summed.height - shown.height
        told = [
            "grey: before; blue: after",
            subtitle,
            f"{left_out} more not shown" if left_out else "",
        ]
        parts.title(axes, title, "; ".join(filter(None, told)))
    return figure


def _change(change: float, before: float | None) -> str:
    sign = "+" if change > 0 else "-"
    share = f", {sign}{abs(change) / before:.1%}" if before else ""
    return f"  {sign}{parts.written(abs(change), 'usd')}{share}"

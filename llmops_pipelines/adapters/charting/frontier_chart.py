"""The frontier of routing: what a router keeps of the quality for what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import (
    ACCENT,
    INK,
    MUTED,
    PALETTE,
    PAPER,
    new_figure,
    no_data,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = (10.4, 4.3)

LINES: dict[str, tuple[str, Any, str]] = {
    "oracle": (PALETTE[2], (0, (1, 1.5)), "oracle, knows the outcomes"),
    "classifier": (ACCENT, "solid", "classifier"),
    "value": (PALETTE[3], "solid", "classifier, by need per dollar"),
    "length": (PALETTE[1], "solid", "length heuristic"),
    "random": (MUTED, (0, (4, 3)), "at random"),
}
"""Colour, dashes and name of each router."""


def routing_frontier(
    points: pl.DataFrame,
    *,
    router: str = "classifier",
    max_loss: float,
    recommended: int | None,
    title: str = "Routing: quality kept for money saved",
    questions: int | None = None,
) -> Figure:
    """Draw quality against the saving for each router, the classifier with its joint interval.

    Where no cost is known, the saving is the share of calls that leave the large model.

    Args:
        points: ``FRONTIER`` with a column ``router``, a key of ``LINES``; ``quality`` at step 0 is
            the large model's.
        router: The one that is recommended, with its intervals.
        max_loss: Part of that quality that may be lost; drawn as a line.
        recommended: Its step that is recommended; None for none.
        title: What the chart is called.
        questions: How many paired questions it rests on.
    """
    own = points.filter(pl.col("router") == router).sort("step")
    if own.is_empty():
        return no_data(title, "no data: no questions answered by two models")
    large = own["quality"][0]
    priced = own["saved_share"].null_count() == 0
    across = pl.col("saved_share") if priced else 1 - pl.col("strong_share")
    placed = points.with_columns(across=across).sort("router", "step")
    with style():
        figure = new_figure(*_SIZE)
        axes = figure.add_subplot()
        for name, (colour, dashes, _) in LINES.items():
            line = placed.filter(pl.col("router") == name)
            width = 2.0 if name == router else 1.4
            axes.plot(
                line["across"], line["quality"], color=colour, linestyle=dashes, linewidth=width
            )
        main = placed.filter(pl.col("router") == router).drop_nulls("loss_low")
        axes.fill_between(
            main["across"],
            large * (1 - main["loss_high"]),
            large * (1 - main["loss_low"]),
            color=LINES[router][0],
            alpha=0.15,
            linewidth=0,
        )
        floor = large * (1 - max_loss)
        parts.named_line(
            axes,
            floor,
            f"{parts.written(max_loss, 'share')} of the large model's quality lost",
            rise=-9,
        )
        if recommended is not None:
            _mark(axes, main, recommended, large, priced=priced)
        axes.yaxis.grid(visible=True)
        axes.xaxis.set_major_formatter(lambda value, _: parts.written(value, "share"))
        axes.yaxis.set_major_formatter(lambda value, _: parts.written(value, "score"))
        axes.locator_params(axis="y", nbins=6)
        axes.set_xlabel(
            "saved of what the large model alone would cost"
            if priced
            else "calls that leave the large model (costs unknown)"
        )
        axes.set_ylabel("mean score")
        _legend(axes, points["router"].unique().to_list())
        parts.title(axes, title, _subtitle(recommended, questions))
    return figure


def _mark(axes: Axes, placed: pl.DataFrame, step: int, large: float, *, priced: bool) -> None:
    """The recommended point with the two intervals that hold at once."""
    point: dict[str, Any] = placed.filter(pl.col("step") == step).row(0, named=True)
    x, y = point["across"], point["quality"]
    if point["loss_low"] is not None:
        axes.plot([x, x], [large * (1 - point[f"loss_{e}"]) for e in ("high", "low")],
                  color=INK, linewidth=1.4)  # fmt: skip
    if priced and point["saved_share_low"] is not None:
        axes.plot([point["saved_share_low"], point["saved_share_high"]], [y, y],
                  color=INK, linewidth=1.4)  # fmt: skip
    axes.plot(x, y, "o", color=INK, markersize=7, markeredgecolor=PAPER)
    saved = parts.written(x, "share")
    axes.annotate(
        f"recommended: {saved} {'saved' if priced else 'of calls to the small model'}, "
        f"loss at most {parts.written(point['loss_at_most'], 'share')}",
        (x, y),
        xytext=(9, 9),
        textcoords="offset points",
        fontsize=8.5,
        fontweight="bold",
        color=INK,
    )


def _legend(axes: Axes, drawn: list[str]) -> None:
    from matplotlib.artist import Artist
    from matplotlib.lines import Line2D

    handles: list[Artist | tuple[Artist, ...]] = [
        Line2D([], [], color=colour, linestyle=dashes, linewidth=1.8, label=name)
        for router, (colour, dashes, name) in LINES.items()
        if router in drawn
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        frameon=False,
        fontsize=8.5,
    )


def _subtitle(recommended: int | None, questions: int | None) -> str:
    told = "classifier out of fold; band and cross: joint 95 % intervals of loss and saving"
    if questions is not None:
        told += f"; n {questions:,}"
    return told if recommended is not None else f"{told}; none can be recommended"

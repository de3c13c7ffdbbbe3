"""Tokens saved against the score that is left, one line per way to send less."""

from __future__ import annotations

from itertools import cycle
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

_SIZE = (10.4, 4.6)

LINES: dict[str, tuple[str, str]] = {
    "extractive": (ACCENT, "sentences like the question"),
    "contexts_by_likeness": (PALETTE[1], "contexts like the question"),
    "contexts_by_rank": (PALETTE[2], "best-ranked contexts"),
    "recent_history": (PALETTE[3], "recent history, older summarised"),
    "unused_contexts": (MUTED, "only what was used (a bound)"),
}
"""Colour and name of each technique; others are drawn in grey under their own names."""

_DASHES: tuple[Any, ...] = ((0, (4, 2)), (0, (1, 1.5)), "dashdot")
"""Lines of the others, in turn."""


def compression_tradeoff(
    points: pl.DataFrame, *, max_loss: float, title: str = "Shorter prompts: tokens against support"
) -> Figure:
    """Draw the part of the score that is lost against the tokens saved, with 95 % intervals.

    Args:
        points: ``COMPRESSION_POINTS`` with ``is_recommended``; settings without a score or that
            change nothing are not drawn.
        max_loss: Part of the score that may be lost; drawn as a line.
        title: What the chart is called.
    """
    drawn = points.drop_nulls("loss").filter(pl.col("shortened") > 0)
    if drawn.is_empty():
        return no_data(title, "no data: no scored answer to a prompt that could be shortened")
    with style():
        figure = new_figure(*_SIZE)
        axes = figure.add_subplot()
        others = cycle(_DASHES)
        for line in drawn.sort("technique", "step").partition_by("technique", maintain_order=True):
            known = line["technique"][0] in LINES
            _line(axes, line["technique"][0], line, "solid" if known else next(others))
        parts.named_line(axes, max_loss, f"{parts.written(max_loss, 'share')} may be lost")
        most = max(drawn["tokens_saved_share"])
        recommended = drawn.filter("is_recommended").sort("tokens_saved_share")
        for number, point in enumerate(recommended.iter_rows(named=True), start=1):
            _mark(axes, point, told=number == recommended.height, most=most)
        axes.yaxis.grid(visible=True)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: parts.written(value, "share"))
        axes.set_xlim(left=0)
        axes.margins(y=0.12)
        axes.set_xlabel("prompt tokens saved")
        axes.set_ylabel("part of the mean score lost")
        axes.legend(loc="upper left", frameon=False, fontsize=8.5)
        parts.title(
            axes,
            title,
            f"logged answers scored by what is left, not answered anew; bars: 95 % intervals; "
            f"n {max(drawn['calls']):,}",
        )
    return figure


def _line(axes: Axes, technique: str, line: pl.DataFrame, dashes: Any) -> None:
    colour, name = LINES.get(technique, (MUTED, technique.replace("_", " ")))
    across, loss = line["tokens_saved_share"], line["loss"]
    axes.plot(
        across,
        loss,
        marker="o",
        linestyle=dashes,
        color=colour,
        markersize=3.5,
        linewidth=1.6,
        label=name,
    )
    bounded = line.drop_nulls(["loss_low", "loss_high"])
    axes.vlines(
        bounded["tokens_saved_share"],
        bounded["loss_low"],
        bounded["loss_high"],
        color=colour,
        alpha=0.35,
        linewidth=1.2,
    )


def _mark(axes: Axes, point: dict[str, Any], *, told: bool, most: float) -> None:
    """A recommended point; the one that saves most says so, others would be written over it.

    Its words lie to the side where the chart, which ends at ``most``, has room.
    """
    x, y = point["tokens_saved_share"], point["loss"]
    axes.plot(x, y, "o", color=INK, markersize=8, markeredgecolor=PAPER, zorder=5)
    if not told:
        return
    axes.annotate(
        f"recommended: {parts.written(x, 'share')} saved, loss at most "
        f"{parts.written(point['loss_at_most'], 'share')}",
        (x, y),
        xytext=(-7 if x > most / 2 else 7, -13),
        textcoords="offset points",
        ha="right" if x > most / 2 else "left",
        fontsize=8.5,
        fontweight="bold",
        color=INK,
    )

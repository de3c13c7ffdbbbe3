"""The grid of day by judge: what is done, partly done, missing or failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import (
    ACCENT,
    CRITICAL,
    GRID,
    INK,
    MUTED,
    PAPER,
    WARNING,
    label,
    new_figure,
    no_data,
    style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 10.4
_MOST_DAYS = 42
_MOST_JUDGES = 24
_WRITTEN_DAYS = 14
"""Up to so many days a cell has room for its count."""

STATES = {
    "done": ACCENT,
    "partial": WARNING,
    "pending": "#7fa8d4",
    "failed": CRITICAL,
    "missing": GRID,
}


def coverage_grid(coverage: pl.DataFrame, *, title: str = "Judged days") -> Figure:
    """Draw a cell per judge and day in the colour of its state; an empty one has nothing to judge.

    Args:
        coverage: ``JUDGE_COVERAGE``; the last six weeks of it are drawn.
        title: What the chart is called.
    """
    if coverage.is_empty():
        return no_data(title, "no data: no endpoint has judged anything yet")
    days = parts.every_day(coverage["day"].to_list())[-_MOST_DAYS:]
    recent = coverage.filter(pl.col("day") >= days[0])
    judges = (
        recent.sort("day")
        .unique(["spec_id", "repetition"], keep="first", maintain_order=True)
        .sort("metric", "day", "spec_id", "repetition")
        .select("spec_id", "repetition", "metric", "model")
        .rows()
    )
    shown = judges[:_MOST_JUDGES]
    rows = {judge[:2]: place for place, judge in enumerate(shown)}
    with style():
        figure = new_figure(_WIDTH, 1.15 + 0.3 * len(shown))
        axes = figure.add_subplot()
        for cell in recent.sort("day", "spec_id").iter_rows(named=True):
            draw = (cell["spec_id"], cell["repetition"])
            if draw not in rows:
                continue
            column, row = days.index(cell["day"]), rows[draw]
            axes.barh(row, 0.9, 0.8, left=column - 0.45, color=STATES[cell["state"]], linewidth=0)
            if len(days) <= _WRITTEN_DAYS:
                axes.text(
                    column,
                    row,
                    f"{cell['judged']:,}/{cell['expected']:,}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color=INK if cell["state"] == "missing" else PAPER,
                )
        axes.set_xlim(-0.6, len(days) - 0.4)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        names = [
            f"{label(metric, 22)} · {label(model, 22)} · {spec[:6]}"
            + (f" · again ({repetition})" if repetition else "")
            for spec, repetition, metric, model in shown
        ]
        axes.set_yticks(range(len(shown)), names)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.spines["bottom"].set_visible(False)
        parts.day_axis(axes, days)
        for place, (state, colour) in enumerate(STATES.items()):
            for text, shift, ink in (("■", 0, colour), (state, 12, MUTED)):
                axes.annotate(
                    text,
                    (0, 0),
                    xycoords="axes fraction",
                    xytext=(62 * place + shift, -30),
                    textcoords="offset points",
                    color=ink,
                    fontsize=8.5,
                    annotation_clip=False,
                )
        left_out = len(judges) - len(shown)
        parts.title(
            axes,
            title,
            "calls judged of calls sampled, by judge and day"
            + (f"; {left_out} more not shown" if left_out else ""),
        )
    return figure

"""The threshold sweep of a cache: how much it answers, what that saves, and how often it errs."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.chart_parts import Scale
from llmops_pipelines.adapters.charting.figures import (
    ACCENT,
    CRITICAL,
    INK,
    MUTED,
    new_figure,
    no_data,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = (10.4, 3.4)
_STARTS = (0.0, 0.15, 0.35, 0.55, 0.7)
_WORDS = 0.28
"""Width of the words on the line, as a part of the panel's."""


def cache_sweep(
    rungs: pl.DataFrame, *, allowed: float, recommended: str | None, title: str = "Semantic cache"
) -> Figure:
    """Draw hit rate, saving and wrong hits by rung, the strictest at the left.

    Args:
        rungs: One feature's rungs in that order (``savings.CacheReplay.rungs``).
        allowed: Share of hits that may be wrong; drawn as a line.
        recommended: The rung to mark; None for none.
        title: What the chart is called.
    """
    if rungs.is_empty() or not rungs["requests"].sum():
        return no_data(title, "no data: no request that a cache may answer")
    names = rungs["rung"].to_list()
    with style():
        figure = new_figure(*_SIZE)
        left, middle, right = (figure.add_subplot(1, 3, place) for place in (1, 2, 3))
        _line(left, rungs, "hit_rate", "share")
        _line(middle, rungs, "saved", "usd")
        _wrong(right, rungs, allowed)
        for axes in (left, middle, right):
            axes.set_xticks(range(len(names)), names, rotation=60)
            axes.yaxis.grid(visible=True)
            if recommended is not None:
                axes.axvline(names.index(recommended), color=INK, linewidth=0.9, zorder=1)
        requests = int(rungs["requests"][0])
        parts.title(left, title, _subtitle(rungs, recommended, requests), over="hit rate")
        parts.title(middle, " ", " ", over="saved, US dollars")
        parts.title(right, " ", " ", over="wrong hits: seen, and at most (95 %)")
    return figure


def _line(axes: Axes, rungs: pl.DataFrame, name: str, scale: Scale) -> None:
    """A figure over the rungs with its interval as a band."""
    places = list(range(rungs.height))
    middle, low, high = (
        rungs[f"{name}{end}"].cast(pl.Float64).fill_null(float("nan")).to_list()
        for end in ("", "_low", "_high")
    )
    if rungs[name].null_count() == rungs.height:
        axes.text(0.5, 0.5, "unknown: no cost", transform=axes.transAxes, ha="center", color=MUTED)
        axes.set_yticks([])
        return
    axes.fill_between(places, low, high, color=ACCENT, alpha=0.18, linewidth=0)
    axes.plot(places, middle, "o-", color=ACCENT, linewidth=1.6, markersize=3.5)
    axes.set_ylim(bottom=min([0.0, *rungs[f"{name}_low"].drop_nulls().to_list()]))
    # Small bills: ticks of less than a cent would all read $0.00.
    small = scale == "usd" and max(abs(end) for end in axes.get_ylim()) < 0.1
    axes.yaxis.set_major_formatter(
        lambda value, _: f"${value:.3g}" if small else parts.written(value, scale)
    )
    axes.locator_params(axis="y", nbins=5)


def _wrong(axes: Axes, rungs: pl.DataFrame, allowed: float) -> None:
    places = list(range(rungs.height))
    seen, bound = (
        rungs[name].fill_null(float("nan")).to_list() for name in ("wrong_rate", "wrong_at_most")
    )
    axes.plot(places, bound, "o-", color=CRITICAL, linewidth=1.6, markersize=3.5)
    axes.plot(places, seen, "o--", color=MUTED, linewidth=1.2, markersize=3)
    told = f"allowed {parts.written(allowed, 'share')}"
    top = 1.15 * max([*rungs["wrong_at_most"].drop_nulls().to_list(), 2 * allowed])
    parts.named_line(axes, allowed, told, at=_free(bound, allowed, top))
    axes.set_ylim(0, top)
    axes.yaxis.set_major_formatter(lambda value, _: parts.written(value, "share"))
    axes.locator_params(axis="y", nbins=5)


def _free(bound: list[float], allowed: float, top: float) -> float:
    """Where the words above the line begin, of the width, so that the curve runs least through."""
    last = len(bound) - 1

    def crowding(start: float) -> int:
        meant = range(floor(start * last), min(ceil((start + _WORDS) * last), last) + 1)
        return sum(-0.02 * top < bound[place] - allowed < 0.13 * top for place in meant)

    return min(_STARTS, key=crowding)


def _subtitle(rungs: pl.DataFrame, recommended: str | None, requests: int) -> str:
    told = (
        f"by least likeness of a question to the cached one; bands: 95 % intervals; n {requests:,}"
    )
    if recommended is None:
        return f"{told}; none can be recommended"
    point: dict[str, Any] = rungs.filter(rung=recommended).row(0, named=True)
    return (
        f"{told}; recommended: {recommended}, {parts.written(point['hit_rate'], 'share')} of "
        f"requests answered, at most {parts.written(point['wrong_at_most'], 'share')} "
        "of them wrongly"
    )

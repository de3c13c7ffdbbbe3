"""Judged metrics over days: a line per judge, and the bridge where one follows another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import (
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

_WIDTH = 10.4
_PANELS_A_ROW = 2
_MOST_PANELS = 8
_ROW = 0.085
"""Height of a row of text, as a share of a panel's."""

Series = tuple[str, str]
"""A judge's spec id, and the snapshot that answered."""


class _Bridge(NamedTuple):
    """Two series on the same items, the way time goes."""

    before: float
    after: float
    estimate: float
    low: float | None
    high: float | None
    n: int


def judged_trends(
    quality: pl.DataFrame, bridges: pl.DataFrame, *, title: str = "Judged quality over days"
) -> Figure:
    """Draw a panel per metric and feature: a line per judge and snapshot, bridged where it changes.

    A line never goes on under another judge: where the next one begins, a dotted line marks the
    break, and two squares show both judges' means on the items that both scored, with the paired
    difference and its 95 % interval. Without an item in common it says so.

    Args:
        quality: ``QUALITY`` with ``day``; embedded scorers and single prompt versions are left out.
        bridges: ``JUDGE_BRIDGES``.
        title: What the chart is called.
    """
    rows = quality.filter(
        pl.col("prompt_version") == "*",
        pl.col("estimate").is_not_null(),
        ~pl.col("judge").str.starts_with("embedded"),
    )
    if rows.is_empty():
        return no_data(title, "no data: no endpoint has judged anything in these days")
    panels = _panels(rows)
    shown = panels[:_MOST_PANELS]
    days = parts.every_day(rows["day"].to_list())
    columns = min(_PANELS_A_ROW, len(shown))
    lines = -(-len(shown) // columns)
    with style():
        figure = new_figure(_WIDTH, 0.95 + 1.95 * lines)
        grid: Any = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        axes_of = list(grid.flat)
        for axes in axes_of[len(shown) :]:
            axes.set_visible(False)
        names = [f"{label(metric)} · {label(feature)}" for metric, feature in shown]
        for axes, (metric, feature), name in zip(axes_of, shown, names, strict=False):
            own = rows.filter(metric=metric, feature=feature)
            between = bridges.filter(metric=metric, feature=feature)
            _panel(axes, own, between, days)
            axes.set_title(name, fontsize=9, color=INK)
            parts.day_axis(axes, days, most=5)
        first = axes_of[0]
        first.set_ylim(-0.04, _top(rows))
        first.set_yticks([0, 0.25, 0.5, 0.75, 1])
        first.yaxis.set_major_formatter(lambda value, _: parts.written(value, "score"))
        first.set_xlim(-0.85, len(days) - 0.4 + len(days) * 0.12)
        left_out = len(panels) - len(shown)
        parts.title(
            first,
            title,
            "line: estimate; band: 95 % interval; squares: both judges on the n items of both"
            + (f"; {left_out} more not shown" if left_out else ""),
            over=names[0],
        )
    return figure


def _panels(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Metrics and features, those that several judges or snapshots measured first."""
    counted = rows.group_by("metric", "feature").agg(
        several=pl.struct("judge_spec", "snapshot").n_unique() > 1
    )
    ordered = counted.sort("several", "metric", "feature", descending=[True, False, False])
    return [(metric, feature) for metric, feature, _ in ordered.iter_rows()]


def _top(rows: pl.DataFrame) -> float:
    """Where the axis of scores ends: above 1 is room for who is who and what changed."""
    series = rows.group_by("metric", "feature").agg(pl.struct("judge_spec", "snapshot").n_unique())
    most = min(int(series["judge_spec"].max()), 4)  # type: ignore[arg-type]
    text = 0.03 + _ROW * ((most + 1) // 2 + most - 1)
    return (1.02 + 0.04 * text) / (1 - text)


def _panel(axes: Axes, rows: pl.DataFrame, bridges: pl.DataFrame, days: list[Any]) -> None:
    begun = rows.group_by("judge_spec", "snapshot").agg(
        first=pl.col("day").min(), last=pl.col("day").max(), judge=pl.col("judge").first()
    )
    later = bridges.group_by(judge_spec="to_spec", snapshot="to_snapshot").agg(later=pl.len())
    # Where a past was judged by both, the one that ended sooner is the one of before; where both go
    # on, the one that bridges begin at.
    series = (
        begun.join(later, on=["judge_spec", "snapshot"], how="left")
        .sort("last", pl.col("later").fill_null(0), "first", "judge_spec", "snapshot")
        .to_dicts()
    )
    for place, one in enumerate(series):
        own = rows.filter(judge_spec=one["judge_spec"], snapshot=one["snapshot"]).sort("day")
        colour = PALETTE[place % len(PALETTE)]
        at = [days.index(day) for day in own["day"]]
        _line(axes, at, own, colour)
        if one["last"] < rows["day"].max():
            continue  # what it was at its end stands with the bridge
        axes.annotate(
            parts.written(own["estimate"][-1], "score"),
            (at[-1], own["estimate"][-1]),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
            annotation_clip=False,
        )
    _key(axes, series)
    for place, (old, new) in enumerate(pairwise(series)):
        colours = PALETTE[place % len(PALETTE)], PALETTE[(place + 1) % len(PALETTE)]
        starts = days.index(new["first"]) if new["first"] > old["first"] else None
        bridge = _between(bridges, old, new)
        _change(axes, starts, bridge, colours, (len(series) + 1) // 2 + place)
    axes.yaxis.grid(visible=True)


def _line(axes: Axes, at: list[int], own: pl.DataFrame, colour: str) -> None:
    """Estimate and band; a day that was not judged is a gap."""
    known = dict(zip(at, own.select("estimate", "low", "high").iter_rows(), strict=True))
    places = range(at[0], at[-1] + 1)
    rows = [known.get(place, (None, None, None)) for place in places]
    gap = float("nan")
    middle, low, high = (
        [gap if value is None else value for value in column] for column in zip(*rows, strict=True)
    )
    axes.fill_between(places, low, high, color=colour, alpha=0.16, linewidth=0)
    axes.plot(places, middle, "-o", color=colour, linewidth=1.5, markersize=3)


def _change(
    axes: Axes,
    starts: int | None,
    bridge: _Bridge | None,
    colours: tuple[str, str],
    row: int,
) -> None:
    """What is known of the change from one series to the next; drawn where the next begins."""
    if starts is not None:
        place = [starts - 0.5] * 2
        axes.plot(place, [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    at = -0.4 if starts is None else starts - 0.5
    if bridge is None:
        text = "no item in common"
    else:
        ends = [at - 0.22, at + 0.22]
        axes.plot(ends, [bridge.before, bridge.after], color=INK, linewidth=1, zorder=4)
        if bridge.low is not None and bridge.high is not None:
            reach = [max(0, bridge.before + bridge.low), min(1, bridge.before + bridge.high)]
            axes.plot([ends[1]] * 2, reach, color=INK, linewidth=1, zorder=4)
        for end, height, colour in zip(ends, (bridge.before, bridge.after), colours, strict=True):
            axes.plot(end, height, "s", color=colour, markeredgecolor=INK, markersize=5, zorder=5)
        levels = [parts.written(mean, "score") for mean in (bridge.before, bridge.after)]
        text = f"{' → '.join(levels)}: {bridge.estimate:+.2f}"
        if bridge.low is not None and bridge.high is not None:
            text += f" ({bridge.low:+.2f} to {bridge.high:+.2f})"
        text += f", n {bridge.n:,}"
    axes.annotate(
        text,
        (0.01, 0.97 - _ROW * row),
        xycoords="axes fraction",
        va="top",
        fontsize=7.5,
        color=INK,
    )


def _key(axes: Axes, series: list[dict[str, Any]]) -> None:
    """Who drew which line, side by side at the top of the panel."""
    for place, one in enumerate(series):
        name = f"■ {_named(one, series)}"
        axes.annotate(
            name,
            (0.01 + 0.5 * (place % 2), 0.97 - _ROW * (place // 2)),
            xycoords="axes fraction",
            va="top",
            fontsize=7.5,
            color=PALETTE[place % len(PALETTE)],
        )


def _named(one: Mapping[str, Any], series: list[dict[str, Any]]) -> str:
    """The judge's kind and model, and what tells it from the others of the panel."""
    name = label(one["judge"], 24)
    same = [other for other in series if other["judge"] == one["judge"]]
    if len({other["judge_spec"] for other in same}) > 1:
        name += f" {one['judge_spec'][:6]}"
    if len({other["snapshot"] for other in same}) > 1:
        name = f"{label(one['snapshot'] or 'untold', 30)}"
    return name


def _between(
    bridges: pl.DataFrame, old: Mapping[str, Any], new: Mapping[str, Any]
) -> _Bridge | None:
    """The bridge from ``old`` to ``new``, turned round where it is kept the other way."""
    for one, other, sign in ((old, new, 1), (new, old, -1)):
        for row in _found(bridges, one, other):
            if row["estimate"] is None:
                return None
            ends = [None if row[name] is None else sign * row[name] for name in ("low", "high")]
            low, high = ends if sign == 1 else ends[::-1]
            before, after = (row["from_mean"], row["to_mean"])[::sign]
            return _Bridge(before, after, sign * row["estimate"], low, high, row["n"])
    return None


def _found(
    bridges: pl.DataFrame, one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    return bridges.filter(
        from_spec=one["judge_spec"],
        from_snapshot=one["snapshot"],
        to_spec=other["judge_spec"],
        to_snapshot=other["snapshot"],
    ).iter_rows(named=True)

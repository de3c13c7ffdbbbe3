"""Parts that several charts share: titles, day axes, panels, labels at the ends of lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import floor, log10
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from llmops_pipelines.adapters.charting.figures import ACCENT, CRITICAL, INK, MUTED, PAPER, WARNING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scale = Literal["share", "score", "usd", "number"]
"""How figures are written: 4.2 %, 0.91, $12.40, 1,512."""


def written(value: float, scale: Scale) -> str:
    """A figure as an axis or a label shows it."""
    match scale:
        case "share":
            return f"{100 * value:.0f} %" if abs(value) >= 0.0995 else f"{100 * value:.2g} %"
        case "score":
            return f"{value:.2f}"
        case "usd":
            return amount(value)
        case _:
            return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"


def amount(value: float, currency: str = "USD") -> str:
    """Money to the cent, whole from a thousand on, two digits of what is less than ten cents."""
    size = abs(value)
    if size >= 999.995:
        return _money(value, 0, currency)
    digits = 2 if size >= 0.0995 or size < 1e-9 else min(9, 1 - floor(log10(size)))
    return _money(value, digits, currency)


def named(currency: str) -> str:
    """A currency in words, where it is that of the prices."""
    return "US dollars" if currency == "USD" else currency


def _money(value: float, digits: int, currency: str) -> str:
    sign = "-" if value < 0 else ""
    written = f"{abs(value):,.{digits}f}"
    return f"{sign}${written}" if currency == "USD" else f"{sign}{written} {currency}"


def seconds(value: float) -> str:
    """A duration in seconds, as short as it can be told."""
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.3g} s"


def estimate(row: Mapping[str, Any], scale: Scale) -> str:
    """An estimate with its interval in brackets."""
    text = written(row["estimate"], scale)
    if row["low"] is None or row["high"] is None:
        return text
    return f"{text} ({written(row['low'], scale)} to {written(row['high'], scale)})"


def every_day(days: Sequence[date]) -> list[date]:
    """All days from the first to the last, those without data included."""
    first, last = min(days), max(days)
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def by_day(daily: pl.DataFrame, features: Sequence[str], days: Sequence[date]) -> list[float]:
    """The cost of some features on each day; a day without any is 0."""
    sums = dict(
        daily.filter(pl.col("feature").is_in(list(features)))
        .sort("day", "feature")
        .group_by("day")
        .agg(pl.col("cost").sum())
        .iter_rows()
    )
    return [sums.get(day, 0.0) for day in days]


def money_axis(axes: Axes, currency: str = "USD") -> None:
    """Lines across at round amounts, all written with the same number of decimals."""
    axes.yaxis.grid(visible=True)
    axes.locator_params(axis="y", nbins=5, steps=[1, 2, 2.5, 5, 10])
    ticks = axes.get_yticks()
    step = float(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
    digits = next(
        (digits for digits in range(2, 10) if abs(round(step, digits) / step - 1) < 1e-6), 10
    )
    digits = 0 if step >= 1000 else digits
    axes.yaxis.set_major_formatter(lambda value, _: _money(value, digits, currency))


def bar_width(days: Sequence[date], widest: float = 0.74) -> float:
    """How much of a day's place its bar takes: a few days make no walls."""
    return widest * min(1.0, len(days) / 6)


def day_axis(axes: Axes, days: Sequence[date], *, most: int = 15) -> None:
    """Name the days below the axis: the last one always, as many others as fit."""
    step = -(-len(days) // most)
    places = list(range(len(days) - 1, -1, -step))[::-1]
    axes.set_xticks(places, [f"{days[place].day} {days[place]:%b}" for place in places])


def places_without_prices(costs: pl.DataFrame, days: Sequence[date]) -> list[int]:
    """Where on the axis the days lie on which calls had no price; none if ``costs`` do not tell."""
    if "unpriced_calls" not in costs.columns:
        return []
    unpriced = set(costs.filter(pl.col("unpriced_calls") > 0)["day"])
    return [place for place, day in enumerate(days) if day in unpriced]


def mark_unknown(axes: Axes, places: Sequence[int]) -> None:
    """Mark days whose figure is too low, by their places: below the axis, above the dates."""
    if not places:
        return
    axes.tick_params(axis="x", pad=11)
    for place in places:
        axes.annotate(
            "▲",
            (place, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -2),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=7,
            color=WARNING,
            annotation_clip=False,
        )


def title(axes: Axes, text: str, subtitle: str = "", *, over: str = "") -> None:
    """A chart's name in bold, how to read it, and ``over`` as the name of the panel."""
    lines = [
        (over, INK, "normal", 9.0),
        (subtitle, MUTED, "normal", 8.5),
        (text, INK, "bold", 10.0),
    ]
    written_lines = [line for line in lines if line[0]]
    # The title makes room; the lines are placed by hand, flush with the figure's edge.
    axes.set_title("\n" * (len(written_lines) - 1) + " ", fontsize=10)
    for index, (line, colour, weight, size) in enumerate(written_lines):
        note = axes.annotate(
            line,
            (0 if line == over else 0.006, 1),
            xytext=(0, 6 + 14 * index),
            xycoords=("axes fraction" if line == over else "figure fraction", "axes fraction"),
            textcoords="offset points",
            fontweight=weight,
            fontsize=size,
            color=colour,
            annotation_clip=False,
        )
        note.set_in_layout(False)


def name_ends(axes: Axes, x: float, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write (height, text, colour) labels to the right of ``x``, moved apart where they touch."""
    bottom, top = axes.get_ylim()
    gap = (top - bottom) * 0.085
    heights = [height for height, _, _ in ends]
    for index in range(1, len(heights)):
        heights[index] = max(heights[index], heights[index - 1] + gap)
    over = max(0.0, heights[-1] - (top - gap / 2))
    for index in range(len(heights) - 1, -1, -1):
        ceiling = heights[index + 1] - gap if index + 1 < len(heights) else heights[index] - over
        heights[index] = min(heights[index], ceiling)
    for (_, text, colour), height in zip(ends, heights, strict=True):
        axes.annotate(
            "■",
            (x, height),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
        axes.annotate(
            text,
            (x, height),
            xytext=(19, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            annotation_clip=False,
        )


def panel(
    axes: Axes,
    rows: pl.DataFrame,
    days: Sequence[date],
    *,
    scale: Scale,
    critical: float | None,
    worse: Literal["above", "below"],
) -> None:
    """One feature's estimate and band over ``days``, days beyond the critical line marked."""
    by_date = {row["day"]: row for row in rows.sort("day").iter_rows(named=True)}
    nothing = {"estimate": None, "low": None, "high": None}
    line = [by_date.get(day, nothing) for day in days]
    places = range(len(days))
    gap = float("nan")
    middle, low, high = (
        [gap if row[name] is None else row[name] for row in line]
        for name in ("estimate", "low", "high")
    )
    axes.fill_between(places, low, high, color=ACCENT, alpha=0.18, linewidth=0)
    axes.plot(places, middle, color=ACCENT, linewidth=1.5)
    beyond = [
        critical is not None and (row > critical if worse == "above" else row < critical)
        for row in (low if worse == "above" else high)
    ]
    marked = [place for place in places if beyond[place]]
    axes.plot(marked, [middle[place] for place in marked], "o", color=CRITICAL, markersize=4)
    last = max(place for place in places if line[place]["estimate"] is not None)
    colour = CRITICAL if beyond[last] else ACCENT
    axes.plot(last, middle[last], "o", color=colour, markersize=4.5)
    axes.annotate(
        written(middle[last], scale),
        (last, middle[last]),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=INK,
        annotation_clip=False,
        # No line of a limit strikes the figure through.
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.4},
    )
    axes.yaxis.grid(visible=True)


def limits(
    rows: pl.DataFrame,
    bounds: tuple[float | None, float | None],
    lines: Sequence[float | None],
) -> tuple[float, float]:
    """Ends of a vertical axis that holds every band and every line, a little air around them."""
    values = [
        value for name in ("estimate", "low", "high") for value in rows[name].drop_nulls().to_list()
    ]
    values += [line for line in lines if line is not None]
    air = (max(values) - min(values)) * 0.12 or 0.05
    low, high = bounds
    return (
        min(values) - air if low is None else low,
        max(values) + air if high is None else high,
    )


def named_lines(axes: Axes, lines: Sequence[tuple[str, float | None]], scale: Scale) -> None:
    """Draw the lines of a rule across a panel."""
    colours = {"warning": WARNING, "critical": CRITICAL}
    places = {"warning": 0.0, "critical": 0.25}  # side by side: the lines may be close
    for name, value in lines:
        if value is not None:
            told = f"{name} {written(value, scale)}"
            named_line(axes, value, told, colour=colours[name], at=places[name])


def named_line(
    axes: Axes, value: float, told: str, *, colour: str = CRITICAL, at: float = 0.0, rise: int = 2
) -> None:
    """Draw a dashed line across a panel at ``value`` and say what it is.

    ``at`` is where the words begin, as a fraction of the width; ``rise`` how many points they stand
    above the line.
    """
    axes.axhline(value, color=colour, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        told,
        (at, value),
        xycoords=("axes fraction", "data"),
        xytext=(2, rise),
        textcoords="offset points",
        fontsize=7.5,
        color=colour,
        # Above the dashed line of another limit nearby, below the figures.
        zorder=1.5,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.4},
    )

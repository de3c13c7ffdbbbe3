"""The charts: spend by day, a metric over days, intervals side by side, latencies, plain bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.chart_parts import Scale
from llmops_pipelines.adapters.charting.figures import (
    ACCENT,
    INK,
    MUTED,
    PALETTE,
    PAPER,
    label,
    new_figure,
    no_data,
    png_markdown,
    style,
    svg,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "bars",
    "daily_spend",
    "intervals",
    "latency_percentiles",
    "metric_over_days",
    "png_markdown",
    "svg",
]

_WIDTH = 10.4
_PANELS_A_ROW = 3
_MOST_PANELS = 9
_MOST_ROWS = 24
_MOST_LABELLED_DAYS = 18
"""Above so many bars a figure over one of them covers the next."""


def daily_spend(
    costs: pl.DataFrame, *, title: str = "Spend per day", top: int = 6, currency: str = "USD"
) -> Figure:
    """Stack each day's spend by feature, dearest at the bottom, the rest as `other`.

    Args:
        costs: ``day``, ``feature`` and ``cost``; several rows a feature are summed. A null cost is
            no bar, and a day of nothing else unknown; days with ``unpriced_calls``, where these are
            told, are marked.
        title: What the chart is called.
        top: Features shown by name.
        currency: Of ``cost``.
    """
    daily = (
        costs.drop_nulls(["day", "cost"])
        .group_by("day", "feature")
        .agg(pl.col("cost").sum())
        .with_columns(pl.col("cost").cast(pl.Float64))
    )
    if daily.is_empty():
        return no_data(title, "no data: no call of these days has a price")
    totals = daily.group_by("feature").agg(pl.col("cost").sum())
    ranked = totals.sort(["cost", "feature"], descending=[True, False])["feature"].to_list()
    named, rest = ranked[:top], ranked[top:]
    days = parts.every_day(costs["day"].drop_nulls().to_list())
    series = [(name, parts.by_day(daily, [name], days)) for name in named]
    if rest:
        series.append((f"{len(rest)} other", parts.by_day(daily, rest, days)))
    is_known = days[-1] in set(daily["day"])

    def told(value: float) -> str:
        return parts.amount(value, currency) if is_known else "unknown"

    with style():
        figure = new_figure(_WIDTH, 3.1)
        axes = figure.add_subplot()
        base = [0.0] * len(days)
        ends: list[tuple[float, str, str]] = []
        for index, (name, values) in enumerate(series):
            colour = PALETTE[-1] if index == len(named) else PALETTE[index % (len(PALETTE) - 1)]
            axes.bar(
                range(len(days)),
                values,
                parts.bar_width(days),
                bottom=base,
                color=colour,
                linewidth=0,
            )
            text = f"{label(name)} {told(values[-1])}"
            ends.append((base[-1] + values[-1] / 2, text, colour))
            base = [low + value for low, value in zip(base, values, strict=True)]
        if len(days) <= _MOST_LABELLED_DAYS:
            axes.text(
                len(days) - 1,
                base[-1],
                told(base[-1]),
                ha="center",
                va="bottom",
                fontweight="bold",
            )
        axes.set_xlim(-0.6, len(days) - 0.4)
        axes.set_ylim(0, max(base) * 1.12 or 1)
        parts.money_axis(axes, currency)
        parts.day_axis(axes, days)
        marked = parts.places_without_prices(costs, days)
        parts.mark_unknown(axes, marked)
        parts.name_ends(axes, len(days) - 0.45, ends)
        total = f", {told(base[-1])} in all" if len(series) > 1 else ""
        note = "; ▲ calls without a price are missing" if marked else ""
        parts.title(
            axes, title, f"{parts.named(currency)} by feature; labels are the last day{total}{note}"
        )
    return figure


def metric_over_days(
    rows: pl.DataFrame,
    *,
    title: str,
    subtitle: str = "line: estimate; band: 95 % interval; n of the last day",
    scale: Scale = "share",
    warning: float | None = None,
    critical: float | None = None,
    worse: Literal["above", "below"] = "above",
    bounds: tuple[float | None, float | None] = (0.0, None),
) -> Figure:
    """Draw one small panel a feature, all on one scale: estimate, interval, lines of alerts.

    Args:
        rows: ``day``, ``feature``, ``estimate``, ``low``, ``high``, ``n``; a day without an
            estimate is a gap.
        title: What is measured.
        subtitle: How to read it.
        scale: How figures are written.
        warning: Where a warning begins.
        critical: Where a critical alert begins; a day whose whole interval lies beyond is marked.
        worse: On which side of the lines trouble lies.
        bounds: Ends of the vertical axis; None follows the data.
    """
    known = rows.drop_nulls(["day", "estimate"])
    if known.is_empty():
        return no_data(title)
    features = sorted(known["feature"].unique().to_list())
    shown = features[:_MOST_PANELS]
    days = parts.every_day(known["day"].to_list())
    columns = min(_PANELS_A_ROW, len(shown))
    lines = -(-len(shown) // columns)
    with style():
        figure = new_figure(_WIDTH, 0.75 + 1.45 * lines)
        grid: Any = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        panels = list(grid.flat)
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        names = []
        for axes, feature in zip(panels, shown, strict=False):
            ours = known.filter(pl.col("feature") == feature).sort("day")
            names.append(f"{_scope(feature)} · n {ours['n'][-1]:,}")
            parts.panel(
                axes,
                ours,
                days,
                scale=scale,
                critical=critical,
                worse=worse,
            )
            axes.set_title(names[-1], fontsize=9, color=INK)
            parts.named_lines(axes, (("warning", warning), ("critical", critical)), scale)
        low, high = parts.limits(known, bounds, (warning, critical))
        panels[0].set_ylim(low, high)
        panels[0].set_xlim(-0.4, len(days) - 0.6 + len(days) * 0.15)
        panels[0].yaxis.set_major_formatter(lambda value, _: parts.written(value, scale))
        panels[0].locator_params(axis="y", nbins=4)
        for axes in panels[: len(shown)]:
            parts.day_axis(axes, days, most=3)
        more = f"; {len(features) - len(shown)} more features" if features != shown else ""
        parts.title(panels[0], title, subtitle + more, over=names[0])
    return figure


def intervals(
    rows: pl.DataFrame, *, title: str, subtitle: str = "", scale: Scale = "score"
) -> Figure:
    """Draw one estimate with its interval a row, in the order given, with n beside it.

    Args:
        rows: ``label``, ``estimate``, ``low``, ``high``, ``n`` and, if there is one, ``missing``.
        title: What is compared.
        subtitle: How to read it.
        scale: How figures are written.
    """
    if rows.is_empty() or rows["estimate"].null_count() == rows.height:
        return no_data(title)
    shown = rows.head(_MOST_ROWS).with_columns(
        missing=pl.col("missing") if "missing" in rows.columns else pl.lit(0)
    )
    with style():
        figure = new_figure(_WIDTH, 0.95 + 0.29 * shown.height)
        axes = figure.add_subplot()
        for place, row in enumerate(shown.iter_rows(named=True)):
            if row["estimate"] is None:
                text = "not measured"
            else:
                if row["low"] is not None and row["high"] is not None:
                    axes.plot([row["low"], row["high"]], [place] * 2, color=ACCENT, linewidth=2.2)
                axes.plot(row["estimate"], place, "o", color=ACCENT, markersize=6)
                text = parts.estimate(row, scale)
            text += f", n {row['n']:,}" + (
                f", {row['missing']:,} missing" if row["missing"] else ""
            )
            axes.annotate(
                text,
                (1.01, place),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8.5,
                color=INK if row["estimate"] is not None else MUTED,
            )
        axes.set_ylim(shown.height - 0.4, -0.6)
        axes.set_yticks(range(shown.height), [label(name) for name in shown["label"]])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.xaxis.grid(visible=True)
        axes.margins(x=0.06)
        axes.locator_params(axis="x", nbins=8, steps=[1, 2, 5, 10])
        axes.xaxis.set_major_formatter(lambda value, _: parts.written(value, scale))
        left_out = rows.height - shown.height
        parts.title(axes, title, subtitle + (f"; {left_out} more not shown" if left_out else ""))
    return figure


def latency_percentiles(
    rows: pl.DataFrame,
    *,
    title: str = "Latency",
    subtitle: str = "median, P95 and P99 of the day's calls",
) -> Figure:
    """Draw median, P95 and P99 of each row on one logarithmic scale of seconds.

    Args:
        rows: ``label``, ``p50``, ``p95``, ``p99`` in milliseconds, and ``n``.
        title: Of what.
        subtitle: How to read it.
    """
    from matplotlib.ticker import LogLocator

    percentiles = ("p50", "p95", "p99")
    known = rows.filter(pl.any_horizontal(pl.col(name) > 0 for name in percentiles))
    if known.is_empty():
        return no_data(title)
    shown = known.head(_MOST_ROWS)
    with style():
        figure = new_figure(_WIDTH, 0.95 + 0.36 * shown.height)
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for place, row in enumerate(shown.iter_rows(named=True)):
            seconds = [(name, row[name] / 1000) for name in percentiles if (row[name] or 0) > 0]
            reach = [value for _, value in seconds]
            axes.plot(
                [min(reach), max(reach)], [place] * 2, color=ACCENT, alpha=0.35, linewidth=2.2
            )
            sides = _sides(dict(seconds))
            for (name, value), fill in zip(seconds, (PAPER, "#7fa8d4", ACCENT), strict=False):
                axes.plot(value, place, "o", color=ACCENT, markersize=6, markerfacecolor=fill)
                axes.annotate(
                    f"{name.upper()} {parts.seconds(value)}",
                    (value, place),
                    xytext=(0, 5.5),
                    textcoords="offset points",
                    ha=sides[name],
                    fontsize=7.5,
                    color=MUTED,
                )
            axes.annotate(
                f"n {row['n']:,}",
                (1.01, place),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8.5,
            )
        axes.set_ylim(shown.height - 0.5, -0.75)
        axes.set_yticks(range(shown.height), [_scope(name) for name in shown["label"]])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.xaxis.grid(visible=True)
        axes.margins(x=0.1)
        axes.xaxis.set_major_formatter(lambda value, _: parts.seconds(value))
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.tick_params(which="minor", length=0)
        parts.title(axes, title, subtitle)
    return figure


def _sides(reach: Mapping[str, float]) -> dict[str, Literal["left", "center", "right"]]:
    """Where the labels of percentiles stand: outwards, the middle one on its roomier side."""
    low, middle, high = (reach.get(name, 0.0) for name in ("p50", "p95", "p99"))
    crowded = min(low, middle, high) > 0 and middle * middle > low * high
    return {"p50": "right", "p95": "right" if crowded else "center", "p99": "left"}


def _scope(feature: str) -> str:
    return "all features" if feature == "*" else label(feature)


def bars(rows: pl.DataFrame, *, title: str, subtitle: str = "", scale: Scale = "number") -> Figure:
    """Draw one horizontal bar a row, longest first: what an asset shows of itself in the UI.

    Args:
        rows: ``label`` and ``value``; a null value is written as unknown, not as zero.
        title: What is counted.
        subtitle: How to read it.
        scale: How figures are written.
    """
    known = rows.with_columns(pl.col("value").cast(pl.Float64))
    if known.is_empty():
        return no_data(title)
    ordered = known.sort(["value", "label"], descending=[True, False], nulls_last=True)
    shown = ordered.head(_MOST_ROWS)
    with style():
        figure = new_figure(7.6, 0.85 + 0.27 * shown.height)
        axes = figure.add_subplot()
        values = shown["value"].to_list()
        axes.barh(range(shown.height), [value or 0 for value in values], 0.62, color=ACCENT)
        for place, value in enumerate(values):
            axes.annotate(
                "unknown" if value is None else parts.written(value, scale),
                (max(value or 0, 0), place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color=MUTED if value is None else INK,
            )
        axes.set_ylim(shown.height - 0.4, -0.6)
        axes.set_yticks(range(shown.height), [label(name) for name in shown["label"]])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.14)
        left_out = ordered.height - shown.height
        parts.title(axes, title, subtitle + (f"; {left_out} more not shown" if left_out else ""))
    return figure

"""Where spend is heading: the fan of days to come, and what will be left of the month's budget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import (
    ACCENT,
    CRITICAL,
    MUTED,
    new_figure,
    no_data,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE: Final = (10.4, 3.1)
_BANDS: Final = (("low_95", "high_95", 0.14), ("low_80", "high_80", 0.28))
_PAST_DAYS: Final = 28
_HOW: Final = {
    "mean": "mean of few days",
    "mixed": "mean, level and weekdays",
    "weekday_level": "level and weekdays",
}
_MARK: Final = "; ▲ not fully known"


def forecast_fan(
    past: pl.DataFrame, forecast: pl.DataFrame, *, title: str, currency: str = "USD"
) -> Figure:
    """Draw the last weeks' spend as bars and what is foretold as a fan of two intervals.

    Args:
        past: ``day``, ``spent``, null where not known, and ``at_least``, what is known then.
        forecast: ``COST_FORECAST`` of one scope.
        title: What is foretold.
        currency: Of all amounts.
    """
    if past.is_empty():
        return no_data(title, "no data: nothing was logged")
    shown = past.sort("day").tail(_PAST_DAYS)
    ahead = _foretold(forecast)
    days = parts.every_day([*shown["day"], *ahead["target"]])
    place = {day: at for at, day in enumerate(days)}
    with style():
        figure = new_figure(*_SIZE)
        axes = figure.add_subplot()
        heights = shown["spent"].fill_null(shown["at_least"])
        axes.bar(
            [place[day] for day in shown["day"]],
            heights,
            parts.bar_width(days),
            color=ACCENT,
            linewidth=0,
        )
        places = [place[day] for day in ahead["target"]]
        if places:
            _fan(axes, places, ahead, "")
            ends = [
                (ahead[name][-1], f"{said} {parts.amount(ahead[name][-1], currency)}", colour)
                for name, said, colour in (
                    ("expected", "median", ACCENT),
                    ("high_80", "80 %: up to", "#9dbadb"),
                    ("high_95", "95 %: up to", "#d3e0ef"),
                )
            ]
        axes.set_xlim(-0.6, len(days) - 0.4)
        axes.set_ylim(0, max([*heights, *ahead["high_95"]]) * 1.08 or 1)
        parts.money_axis(axes, currency)
        parts.day_axis(axes, days)
        unknown = shown.filter(pl.col("spent").is_null())["day"]
        parts.mark_unknown(axes, [place[day] for day in unknown])
        if places:
            parts.name_ends(axes, len(days) - 0.45, ends)
        parts.title(axes, title, _told(forecast, currency, unknown=unknown.len()))
    return figure


def burn_down(
    past: pl.DataFrame,
    forecast: pl.DataFrame,
    *,
    budget: float | None,
    month_end: date,
    title: str,
    currency: str = "USD",
) -> Figure:
    """Draw what is left of the month's budget day by day, and the fan of what will be.

    Without a budget, what the month has cost so far and will have cost is drawn instead.

    Args:
        past: As for ``forecast_fan``; days of other months are left out.
        forecast: ``COST_FORECAST`` of one scope.
        budget: Allowed in the month.
        month_end: Last day of the month.
        title: Whose budget it is.
        currency: Of all amounts.
    """
    first = month_end.replace(day=1)
    days = parts.every_day([first, month_end])
    spent = past.sort("day").filter(pl.col("day").is_between(first, month_end))
    if spent.is_empty():
        return no_data(title, "no data: nothing was logged in this month")
    so_far = spent["at_least"].cum_sum().to_list()
    ahead = _foretold(forecast).filter(pl.col("target") <= month_end)
    ends = [f"month_{end}" for end in ("expected", "low_80", "high_80", "low_95", "high_95")]
    if budget is not None:
        so_far = [budget - value for value in so_far]
        ahead = ahead.with_columns((budget - pl.col(end)).alias(end) for end in ends)
    place = {day: at for at, day in enumerate(days)}
    with style():
        figure = new_figure(*_SIZE)
        axes = figure.add_subplot()
        at = [place[day] for day in spent["day"]]
        axes.plot(at, so_far, color=ACCENT, linewidth=2)
        axes.plot(at[-1], so_far[-1], "o", color=ACCENT, markersize=5)
        edges = [0.0, *so_far, *(value for end in ends for value in ahead[end])]
        if not ahead.is_empty():
            joined = pl.concat(
                [
                    pl.DataFrame(
                        {"target": [spent["day"][-1]]} | {end: [so_far[-1]] for end in ends}
                    ),
                    ahead.select("target", *ends),
                ]
            )
            _fan(axes, [place[day] for day in joined["target"]], joined, "month_")
        if budget is not None:
            axes.plot(
                [-1, len(days) - 1], [budget, 0], color=MUTED, linewidth=1, linestyle=(0, (4, 3))
            )
            axes.axhline(0, color=CRITICAL, linewidth=0.9)
            edges.append(budget)
        air = (max(edges) - min(edges)) * 0.08 or 1
        axes.set_xlim(-1, len(days) - 0.7)
        axes.set_ylim(min(edges) - (air if min(edges) < 0 else 0), max(edges) + air)
        parts.money_axis(axes, currency)
        parts.day_axis(axes, days)
        unknown = [place[day] for day in spent.filter(pl.col("spent").is_null())["day"]]
        parts.mark_unknown(axes, unknown)
        labels = _ends(so_far[-1], ahead, currency, over_budget=budget is not None)
        parts.name_ends(axes, len(days) - 0.7, labels)
        told = _burn_told(budget, forecast, currency) + (_MARK if unknown else "")
        parts.title(axes, title, told)
    return figure


def _foretold(forecast: pl.DataFrame) -> pl.DataFrame:
    """The days that have a forecast, in order."""
    return forecast.drop_nulls("expected").sort("target")


def _fan(axes: Axes, places: Sequence[int], ahead: pl.DataFrame, prefix: str) -> None:
    for low, high, alpha in _BANDS:
        axes.fill_between(
            places,
            ahead[prefix + low],
            ahead[prefix + high],
            color=ACCENT,
            alpha=alpha,
            linewidth=0,
        )
    axes.plot(places, ahead[f"{prefix}expected"], color=ACCENT, linewidth=1.6)


def _ends(
    now: float, ahead: pl.DataFrame, currency: str, *, over_budget: bool
) -> list[tuple[float, str, str]]:
    """Labels of the month's end, the lowest first."""

    def said(value: float) -> str:
        text = parts.amount(abs(value), currency)
        return text if not over_budget else f"{text} left" if value >= 0 else f"{text} over"

    if ahead.is_empty():
        return [(now, said(now), ACCENT)]
    end: dict[str, Any] = ahead.row(-1, named=True)
    labels = [
        (end["month_expected"], f"median {said(end['month_expected'])}", ACCENT),
        (end["month_low_80"], f"80 %: {said(end['month_low_80'])}", "#9dbadb"),
        (end["month_high_80"], f"80 %: {said(end['month_high_80'])}", "#9dbadb"),
    ]
    return sorted(labels)


def _told(forecast: pl.DataFrame, currency: str, *, unknown: int) -> str:
    named = parts.named(currency)
    if forecast.is_empty():
        return f"{named}; no forecast"
    row = forecast.row(0, named=True)
    if row["reason"] is not None:
        return f"{named}; no forecast: {row['reason']}"
    how = _HOW[row["method"]]
    told = (
        f"bars: {named} a day; line: median; bands: 80 and 95 % intervals; labels: the last day; "
        f"{how} of {row['history_days']} known days"
    )
    if row["unpriced_calls"]:
        told += f", without {row['unpriced_calls']:,} calls of models that have no price"
    return told + (_MARK if unknown else "")


def _burn_told(budget: float | None, forecast: pl.DataFrame, currency: str) -> str:
    bands = "; bands: 80 and 95 % intervals" if not _foretold(forecast).is_empty() else ""
    if budget is None:
        return f"spent since the month began, no budget of the month is set{bands}"
    return f"left of {parts.amount(budget, currency)}{bands}; dashed: spent evenly"

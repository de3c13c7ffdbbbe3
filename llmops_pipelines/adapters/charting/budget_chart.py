"""The chart of budgets: how much of each is spent, of the day, the month and the last days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import (
    ACCENT,
    CRITICAL,
    INK,
    MUTED,
    WARNING,
    label,
    new_figure,
    no_data,
    style,
)

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from matplotlib.figure import Figure

_MOST_ROWS: Final = 24
_COLOURS: Final = {"over": CRITICAL, "forecast_over": WARNING, "within": ACCENT}
_WIDEST: Final = 2.0
"""Shares beyond it end there: a budget of one cent would hide all others."""


def budget_bars(rows: pl.DataFrame, day: date, *, title: str = "Budgets") -> Figure:
    """Draw one bar a budget, the most used one first: what is spent of it, and what is to come.

    Args:
        rows: ``BUDGET_STATUS``; rows without a budget are left out.
        day: The last day of every period, where the business is.
        title: What the chart is called.
    """
    known = rows.filter(pl.any_horizontal(pl.col("budget", "budget_report").is_not_null()))
    if known.is_empty():
        return no_data(title, "no data: budgets.yaml sets no budget")
    by, falling = ["share", "kind", "scope", "period"], [True, False, False, False]
    shown = known.sort(by, descending=falling, nulls_last=True).head(_MOST_ROWS)
    slots = max(shown.height, 3)  # fewer would be bars too thick
    with style():
        figure = new_figure(10.4, 1.4 + 0.32 * slots)
        axes = figure.add_subplot()
        for place, row in enumerate(shown.iter_rows(named=True)):
            share = min(row["share"] or 0.0, _WIDEST)
            axes.barh(place, share, 0.62, color=_COLOURS.get(row["status"], MUTED))
            ends = [share]
            if row["forecast"] is not None and row["budget"] is not None:
                budget = float(row["budget"])
                low, expected, high = (
                    min(row[name] / budget, _WIDEST)
                    for name in ("forecast_low", "forecast", "forecast_high")
                )
                axes.plot([low, high], [place, place], color=INK, linewidth=1.2)
                axes.plot([expected], [place], "o", color=INK, markersize=4)
                ends.append(high)
            axes.annotate(
                _told(row), (max(ends), place), xytext=(6, 0), textcoords="offset points",
                va="center", fontsize=8.5, color=MUTED if row["share"] is None else INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )  # fmt: skip
        axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_ylim(slots - 0.4, -0.6)
        axes.set_yticks(range(shown.height), [_name(row) for row in shown.iter_rows(named=True)])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.xaxis.grid(visible=True)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1, 1.5, _WIDEST])
        axes.set_xlim(0, max(1.0, axes.dataLim.x1) * 1.3)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        more = known.height - shown.height
        left_out = f"; {more} more not shown" if more else ""
        beside = "dot and line: the month's end, expected and with its 80 % interval"
        parts.title(axes, title, f"spent up to {day.day} {day:%b %Y}; {beside}{left_out}")
    return figure


def _name(row: dict[str, Any]) -> str:
    period = f"last {row['period_days']} days" if row["period"] == "rolling" else row["period"]
    whose = "" if row["kind"] == "total" else f"{row['kind']} "
    return f"{label(whose + row['scope'])}, {period}"


def _told(row: dict[str, Any]) -> str:
    currency, end = row["currency"], "" if row["currency"] is None else "_report"
    allowed = _written(row[f"budget{end}"], currency)
    if row["spent"] is None:
        why = "no call has a price" if row["unpriced_calls"] else "nothing was logged"
        return f"unknown of {allowed}: {why}"
    if row[f"spent{end}"] is None:
        return f"{_written(row['spent'], None)} of {allowed}: no rate"
    spent = f"{_written(row[f'spent{end}'], currency)} of {allowed}"
    return f"{spent}, at least" if row["unpriced_calls"] else spent


def _written(amount: Decimal, currency: str | None) -> str:
    return parts.written(float(amount), "usd") if currency is None else f"{amount:,.2f} {currency}"

"""The night in plain words, and the few figures at the top of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from llmops_pipelines.reporting.alerts import Alert, Alerts
from llmops_pipelines.reporting.night import NightlyData, daily
from llmops_pipelines.reporting.spend import Spend
from llmops_pipelines.reporting.wording import (
    NOT_KNOWN,
    count,
    long_day,
    number_word,
    spoken_list,
    visible,
)

_TREND_DAYS = 14


@dataclass(frozen=True)
class Tile:
    """One figure with its fortnight behind it."""

    name: str
    figure: str
    note: str
    line: str
    """Points of a polyline in a box of 100 x 28; empty with fewer than two days."""
    end: tuple[float, float]
    state: str


def headline_of(night: NightlyData, spend: Spend, alerts: Alerts, rejected: int) -> list[str]:
    """Say what the night was about: calls and money, alerts, and lines that were lost."""
    if not spend.calls:
        opening = f"No calls were logged for {spend.whose_day or long_day(night.day)}."
    elif spend.total is None:
        opening = f"{_whose(spend)}{_calls(spend.calls)}, and none of them has a known price."
    else:
        beside = f" ({spend.total_beside})" if spend.total_beside else ""
        opening = f"{_whose(spend)}{_calls(spend.calls)} cost {spend.total_text}{beside}"
        left_out = spend.unpriced_calls
        opening += f", {count(left_out)} unpriced ones not included." if left_out else "."
    return [opening, _alerts(alerts), *([_lost(rejected)] if rejected else [])]


def tiles_of(night: NightlyData, spend: Spend, alerts: Alerts, rejected: int) -> tuple[Tile, ...]:
    """Calls, spend, failures, rejected lines and open alerts, each with its fortnight."""
    costs, day = night.whole_days, night.spend_day
    whose = f"{day.day} {day:%B}, {visible(night.money.zone, 80)}" if night.money else ""
    worst = alerts.open[0].state if alerts.open else "ok"
    return (
        _tile(
            day,
            "Calls",
            count(spend.calls),
            whose,
            daily(costs, day, pl.col("calls").sum()),
        ),
        _tile(
            day,
            "Spend",
            spend.total_text,
            "; ".join(filter(None, (spend.total_beside, _change(spend.total_change)))),
            night.known_spend(),
        ),
        _tile(
            day,
            "Failed calls",
            count(spend.failed),
            f"of {count(spend.calls)}" if spend.calls else "",
            daily(costs, day, pl.col("errors").sum()),
        ),
        _tile(
            night.day,
            "Rejected lines",
            count(rejected),
            "",
            daily(night.rejected_lines, night.day, pl.col("lines").sum()) if rejected else [],
        ),
        _tile(
            night.day,
            "Open alerts",
            count(len(alerts.open)),
            spoken_list([f"{number} {state}" for state, number in _states(alerts.open)]),
            [],
            state=worst,
        ),
    )


def _whose(spend: Spend) -> str:
    if not spend.whose_day:
        return ""
    if spend.missing_hours:
        return f"{spend.whose_day} without {spend.missing_hours}, which are missing: "
    return f"{spend.whose_day}: "


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{count(number)} calls"


def _lost(rejected: int) -> str:
    return f"{count(rejected)} log line{'' if rejected == 1 else 's'} could not be read."


def _states(alerts: Sequence[Alert]) -> list[tuple[str, int]]:
    states = Counter(alert.word for alert in alerts)
    return [
        (state, states[state])
        for state in ("critical", "warning", "no data", "cleared")
        if states[state]
    ]


def _alerts(alerts: Alerts) -> str:
    standing = [alert for alert in alerts.open if not alert.was]
    if not alerts.changed:
        sentence = "No alert changed" if alerts.evaluated else "No alert rule was evaluated"
    else:
        kinds = spoken_list([f"{number_word(n)} {state}" for state, n in _states(alerts.changed)])
        noun = "alert" if len(alerts.changed) == 1 else "alerts"
        sentence = f"{number_word(len(alerts.changed)).capitalize()} {noun} changed ({kinds})"
    if standing:
        sentence += (
            f", {number_word(len(standing))} more remain{'s' if len(standing) == 1 else ''} open"
        )
    return f"{sentence}."


def _change(change: str) -> str:
    return "" if change == NOT_KNOWN else f"{change} against a usual day"


def _tile(
    day: date,
    name: str,
    figure: str,
    note: str,
    values: Sequence[tuple[date, float]],
    *,
    state: str = "",
) -> Tile:
    """A tile whose line spans the fortnight up to ``day``; days without data are left out."""
    first = day - timedelta(days=_TREND_DAYS - 1)
    known = [(at, value) for at, value in values if at >= first]
    points: list[tuple[float, float]] = []
    if len(known) > 1 and known[-1][0] == day:
        top = max(value for _, value in known) or 1.0
        points = [
            (
                round(2 + 96 * (at - first).days / (_TREND_DAYS - 1), 1),
                round(25 - 22 * value / top, 1),
            )
            for at, value in known
        ]
    return Tile(
        name=name,
        figure=figure,
        note=note,
        line=" ".join(f"{x},{y}" for x, y in points),
        end=points[-1] if points else (0.0, 0.0),
        state=state,
    )

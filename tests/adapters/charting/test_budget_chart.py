"""The chart of budgets."""

from datetime import date
from decimal import Decimal

import polars as pl
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from llmops_pipelines.adapters.charting.budget_chart import budget_bars
from llmops_pipelines.adapters.charting.figures import ACCENT, CRITICAL
from llmops_pipelines.tables import BUDGET_STATUS

DAY = date(2026, 11, 26)


def standing(scope, spent, budget, period="day", **changes):
    share = None if spent is None or budget is None else spent / budget
    known = {"over": (share or 0) > 1, "within": share is not None}
    status = next((name for name, holds in known.items() if holds), "no_data")
    return dict.fromkeys(BUDGET_STATUS.schema.names()) | {
        "kind": "feature", "scope": scope, "period": period, "period_days": 1, "share": share,
        "budget": budget and Decimal(budget), "spent": None if spent is None else Decimal(spent),
        "unpriced_calls": 0, "status": status,
    } | changes  # fmt: skip


def drawn(*rows):
    return budget_bars(pl.DataFrame(rows, schema=BUDGET_STATUS.schema), DAY)


def told(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def names(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_a_bar_a_budget_of_every_period_the_most_used_one_first():
    figure = drawn(
        standing("chat", 1, 4),
        standing("chat", 30, 20, "rolling", period_days=7),
        standing("total", 50, 100, "month", kind="total", period_days=26, unpriced_calls=3),
        standing("mails", None, 5, unpriced_calls=7),
        standing("notes", None, 5),
        standing("none", 2, None),
    )
    assert names(figure) == [
        "feature chat, last 7 days", "total, month", "feature chat, day", "feature mails, day",
        "feature notes, day",
    ]  # fmt: skip
    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == [1.5, 0.5, 0.25, 0.0, 0.0]
    assert [bar.get_facecolor()[:3] == to_rgb(CRITICAL) for bar in bars] == [True, *[False] * 4]
    assert bars[1].get_facecolor()[:3] == to_rgb(ACCENT)
    shown = told(figure)
    assert "$50.00 of $100.00, at least" in shown
    assert "unknown of $5.00: no call has a price" in shown
    assert "unknown of $5.00: nothing was logged" in shown


def test_the_months_end_stands_beside_its_budget():
    ahead = {"forecast": 80.0, "forecast_low": 60.0, "forecast_high": 90.0}
    figure = drawn(standing("chat", 50, 100, "month", **ahead))
    spans = [list(line.get_xdata()) for line in figure.axes[0].lines]
    assert spans == [[0.6, 0.9], [0.8], [1, 1]]


def test_a_budget_of_next_to_nothing_does_not_hide_the_others():
    figure = drawn(standing("chat", 5_000, 1), standing("mails", 1, 2))
    assert [bar.get_width() for bar in figure.axes[0].patches] == [2.0, 0.5]
    assert "$5,000 of $1.00" in told(figure)


def test_a_budget_in_another_currency_is_told_in_it_with_or_without_a_rate():
    euros = {"currency": "EUR", "budget_report": Decimal(80), "spent_report": Decimal(20)}
    figure = drawn(
        standing("chat", 25, 100, **euros | {"share": 0.25}),
        standing("mails", 7, None, "month", forecast=9.0, **euros | {"spent_report": None}),
    )
    assert {"20.00 EUR of 80.00 EUR", "$7.00 of 80.00 EUR: no rate"} <= set(told(figure))
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.25, 0.0]


def test_without_a_budget_it_says_so():
    assert any(
        "budgets.yaml sets no budget" in text for text in told(drawn(standing("a", 1, None)))
    )

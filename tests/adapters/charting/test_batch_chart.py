"""The chart of batches."""

from datetime import date
from decimal import Decimal

import polars as pl
from matplotlib.text import Text

from llmops_pipelines.adapters.charting.batch_chart import batch_bars
from llmops_pipelines.tables import BATCH_SAVINGS

_PAID = {"digest": "marked", "mails": "detected", "chat": "interactive"}


def rows():
    base = dict.fromkeys(BATCH_SAVINGS.schema.names()) | {
        "first_day": date(2026, 11, 1), "last_day": date(2026, 11, 3), "days": 3, "calls": 10,
    }  # fmt: skip
    told = [
        base | {
            "feature": feature, "kind": kind, "paid": Decimal(4 - n),
            "at_batch_price": Decimal(4 - n) / 2,
        } | ({} if kind == "interactive" else {
            "saved_a_year": 200.0 - n, "saved_a_year_low": 150.0, "saved_a_year_high": 250.0,
        })
        for n, (feature, kind) in enumerate(_PAID.items())
    ]  # fmt: skip
    told[1]["state"] = "cannot_tell"
    whole = told[0] | {"feature": "* marked"}
    return pl.DataFrame([whole, *told], schema=BATCH_SAVINGS.schema)


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_a_bar_a_feature_and_nothing_claimed_where_somebody_waits():
    figure = batch_bars(rows())
    shown = texts(figure)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["digest", "mails", "chat"]
    assert "$200.00 ($150.00 to $250.00)" in shown
    assert "$199.00 ($150.00 to $250.00), not proven" in shown
    assert "nothing claimed" in shown
    assert "* marked" not in shown, "sums are no bars"
    widths = sorted({bar.get_width() for bar in figure.axes[0].patches})
    assert widths == [1.0, 1.5, 2.0]


def test_without_a_batch_price_there_is_no_bar():
    none = rows().with_columns(paid=pl.lit(None, pl.Decimal(38, 12)))
    assert any("no data" in text for text in texts(batch_bars(none)))

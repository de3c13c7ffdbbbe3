"""Spend before and after, as bars with their figures."""

from decimal import Decimal

import polars as pl

from llmops_pipelines.adapters.charting.restatement_chart import before_and_after


def groups(*rows):
    schema = ("model", "feature", "cost_before", "cost_after")
    return pl.DataFrame(
        rows,
        schema=dict(zip(schema, [pl.String] * 2 + [pl.Decimal(38, 12)] * 2, strict=True)),
        orient="row",
    )


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_both_figures_and_the_difference_are_written_and_unpriced_is_not_zero():
    rows = groups(("gpt", "chat", Decimal(100), Decimal(80)), ("acme", "chat", None, Decimal(3)))
    figure = before_and_after(rows, title="restated", subtitle="an invoice")
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == ["gpt · chat", "acme · chat"]
    written = texts(figure)
    assert {"$100.00", "$80.00  -$20.00, -20.0%", "unpriced", "$3.00  +$3.00"} <= set(written)
    assert "grey: before; blue: after; an invoice" in written


def test_teams_of_a_model_and_feature_are_one_row():
    rows = groups(("gpt", "chat", Decimal(1), Decimal(2)), ("gpt", "chat", Decimal(3), Decimal(4)))
    assert "$6.00  +$2.00, +50.0%" in texts(before_and_after(rows, title="restated"))


def test_nothing_restated_is_said():
    assert "nothing was restated" in str(texts(before_and_after(groups(), title="restated")))

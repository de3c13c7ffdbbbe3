"""The picture of routing."""

import polars as pl
import pytest

from llmops_pipelines.adapters.charting.charts import svg
from llmops_pipelines.adapters.charting.frontier_chart import LINES, routing_frontier
from llmops_pipelines.savings.routing.frontier import FRONTIER


def points(*, priced: bool = True) -> pl.DataFrame:
    rows = [
        {
            "router": router, "step": step, "strong_share": 1 - step / 4,
            "quality": 0.8 - step / 50, "loss": step / 40, "loss_low": step / 50,
            "loss_high": step / 30,
            "loss_at_most": step / 31, "saved_share": step / 5, "saved_share_low": step / 6,
            "saved_share_high": step / 4,
        }
        for router in LINES
        for step in range(5)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema={"router": pl.String} | FRONTIER)
    money = ("saved_share", "saved_share_low", "saved_share_high")
    return frame if priced else frame.with_columns(pl.lit(None, pl.Float64).alias(m) for m in money)


@pytest.mark.parametrize("priced", [True, False])
def test_the_recommended_point_says_what_it_saves_and_loses(priced):
    drawn = svg(routing_frontier(points(priced=priced), max_loss=0.05, recommended=1, questions=99))
    assert "n 99" in drawn
    saved = "20 % saved" if priced else "25 % of calls to the small model"
    assert f"recommended: {saved}, loss at most 3.2 %" in drawn
    assert ("costs unknown" in drawn) is not priced
    for _, _, name in LINES.values():
        assert name in drawn


def test_without_a_recommendation_none_is_drawn():
    drawn = svg(routing_frontier(points(), max_loss=0.05, recommended=None))
    assert "none can be recommended" in drawn
    assert "recommended:" not in drawn
    assert "no data" in svg(routing_frontier(points().clear(), max_loss=0.05, recommended=None))

"""The picture of shorter prompts."""

import polars as pl

from llmops_pipelines.adapters.charting.charts import svg
from llmops_pipelines.adapters.charting.compression_chart import LINES, compression_tradeoff
from llmops_pipelines.tables import COMPRESSION_SAVINGS


def rows():
    told = [
        {
            "technique": technique, "step": step, "setting": 1.0, "calls": 77, "shortened": 5,
            "tokens_saved_share": step / 10, "loss": step / 50, "loss_low": step / 60,
            "loss_high": step / 40, "loss_at_most": step / 42,
            "is_recommended": technique == "extractive" and step == 2,
        }
        for technique in (*LINES, "llmlingua")
        for step in (1, 2, 3)
    ]  # fmt: skip
    return pl.DataFrame(told, schema=COMPRESSION_SAVINGS.schema)


def test_every_way_is_named_and_the_recommended_point_says_what_it_saves_and_loses():
    drawn = svg(compression_tradeoff(rows(), max_loss=0.05))
    for _, name in LINES.values():
        assert name in drawn
    assert "llmlingua" in drawn
    assert "20 % saved, loss at most 4.8 %" in drawn
    assert "n 77" in drawn


def test_without_a_score_nothing_is_drawn():
    assert "no data" in svg(compression_tradeoff(rows().clear(), max_loss=0.05))

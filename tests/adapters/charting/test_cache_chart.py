"""The threshold sweep of a cache."""

from itertools import pairwise

import polars as pl
import pytest

from llmops_pipelines.adapters.charting.cache_chart import cache_sweep
from llmops_pipelines.adapters.charting.charts import svg
from llmops_pipelines.tables.cache import RUNG


def rungs(**changes):
    rows = [
        dict.fromkeys(RUNG)
        | {"rung": name, "requests": 1_200, "hits": 100, "hit_rate": rate, "hit_rate_low": rate / 2,
           "hit_rate_high": 2 * rate, "saved": 1, "saved_low": 0.5, "saved_high": 1.5,
           "wrong_rate": 0.0, "wrong_at_most": 0.01}
        | changes
        for name, rate in (("exact", 0.1), ("0.9", 0.25))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=RUNG)


def test_the_recommended_rung_says_what_it_answers_and_how_wrongly():
    drawn = svg(cache_sweep(rungs(), allowed=0.02, recommended="0.9", title="Cache: $chat$"))
    assert "recommended: 0.9, 25 % of requests answered, at most 1 % of them wrongly" in drawn
    assert "n 1,200" in drawn
    assert "allowed 2 %" in drawn
    assert "Cache: $chat$" in drawn


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"saved": None, "saved_low": None, "saved_high": None}, "unknown: no cost"),
        ({"wrong_rate": None, "wrong_at_most": None}, "none can be recommended"),
        ({"saved_low": None, "saved_high": None}, "saved, US dollars"),
        ({"requests": 0, "hits": 0, "hit_rate": None}, "no data"),
    ],
)
def test_what_is_unknown_is_said(changes, said):
    assert said in svg(cache_sweep(rungs(**changes), allowed=0.02, recommended=None))


@pytest.mark.parametrize(
    "bounds", [[0.02, 0.02, 0.02, 0.15, 0.4], [0.3, 0.2, 0.1, 0.021, 0.02], [0.3]]
)
def test_the_words_on_the_allowed_line_are_off_the_curve(bounds):
    drawn = pl.concat(
        rungs(wrong_at_most=bound).head(1).with_columns(rung=pl.lit(f"0.{9 - place}"))
        for place, bound in enumerate(bounds)
    )
    figure = cache_sweep(drawn, allowed=0.02, recommended=None)
    figure.draw_without_rendering()
    panel = figure.axes[2]
    (words,) = [text for text in panel.texts if "allowed" in text.get_text()]
    box = words.get_window_extent()
    corners = panel.transData.transform(panel.lines[0].get_xydata())
    along = [
        start + (end - start) * step / 50 for start, end in pairwise(corners) for step in range(51)
    ]
    assert not any(box.contains(*point) for point in along)

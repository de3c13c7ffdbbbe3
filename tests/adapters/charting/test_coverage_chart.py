"""The picture of judges and days."""

import base64
import io
from datetime import date, timedelta

import numpy as np
import polars as pl
from PIL import Image, ImageColor

from llmops_pipelines.adapters.charting.charts import png_markdown, svg
from llmops_pipelines.adapters.charting.coverage_chart import STATES, coverage_grid
from llmops_pipelines.tables import JUDGE_COVERAGE


def grid(days: int) -> pl.DataFrame:
    rows = [
        {
            "day": date(2026, 11, 1) + timedelta(days=n), "spec_id": f"{n % 2:016}",
            "metric": "<b>tone", "model": "gpt-5", "state": list(STATES)[n % 5], "expected": 1234,
            "judged": 56, "scored": 56, "failed": 0, "over_budget": 0, "missing": 1178,
            "repetition": n % 3 == 2, "pending": 0,
        }
        for n in range(days)
    ]  # fmt: skip
    return JUDGE_COVERAGE.require(pl.DataFrame(rows, schema=JUDGE_COVERAGE.schema))


def test_a_cell_has_the_colour_of_its_state_and_its_counts_where_there_is_room():
    drawn = svg(coverage_grid(grid(8)))
    assert drawn.count("56/1,234") == 8
    assert "&lt;b&gt;tone · gpt-5 · 000000" in drawn
    assert "000000 · again (1)" in drawn
    for colour in STATES.values():
        assert colour in drawn
    assert "56/1,234" not in svg(coverage_grid(grid(20)))


def test_states_that_stand_in_a_few_cells_keep_their_colours_in_dagster():
    most_done = grid(40).with_columns(
        state=pl.when(pl.int_range(pl.len()) < 38).then(pl.lit("done")).otherwise("state")
    )
    encoded = png_markdown(coverage_grid(most_done)).partition("base64,")[2].rstrip(")")
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        drawn = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    for name, colour in STATES.items():
        away = np.abs(drawn - ImageColor.getrgb(colour)).max(axis=1)
        assert away.min() <= 6, name


def test_nothing_judged_is_said():
    assert "no endpoint has judged anything yet" in svg(coverage_grid(grid(0)))

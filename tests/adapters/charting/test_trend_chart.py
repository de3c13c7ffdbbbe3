"""Lines of judged metrics, and what stands between them where a judge follows another."""

from datetime import date, timedelta
from math import isnan

import polars as pl
import pytest

from llmops_pipelines.adapters.charting.figures import svg
from llmops_pipelines.adapters.charting.trend_chart import judged_trends
from llmops_pipelines.tables import JUDGE_BRIDGES, QUALITY
from tests.reporting.worlds import rows

FIRST = date(2026, 6, 1)
OLD, NEW = ("a" * 16, "gpt-4.1-june"), ("b" * 16, "gpt-5")


def line(series: tuple[str, str], days: range, level: float, **changes) -> list[dict]:
    spec, snapshot = series
    about = {
        "feature": "chat", "metric": "groundedness", "prompt_version": "*", "judge_spec": spec,
        "judge": f"rubric {spec[:2]}", "snapshot": snapshot, "estimate": level, "low": level - 0.05,
        "high": level + 0.05, "n": 40,
    }  # fmt: skip
    return [{**about, "day": FIRST + timedelta(days=n), **changes} for n in days]


def bridge(one=OLD, other=NEW, **changes) -> pl.DataFrame:
    row = {
        "metric": "groundedness", "feature": "chat", "from_spec": one[0], "from_snapshot": one[1],
        "to_spec": other[0], "to_snapshot": other[1], "estimate": -0.11, "low": -0.16,
        "high": -0.06, "n": 1240, "from_mean": 0.91, "to_mean": 0.8,
    }  # fmt: skip
    return rows(JUDGE_BRIDGES, {**row, **changes})


def figure(*lines: list[dict], bridges: pl.DataFrame | None = None):
    quality = rows(QUALITY, *(row for one in lines for row in one), dated=True)
    return judged_trends(quality, JUDGE_BRIDGES.empty() if bridges is None else bridges)


def drawn(figure, panel: int = 0) -> tuple[list[str], list[list[float]]]:
    """Texts of a panel, and the days of its lines of estimates."""
    axes = figure.axes[panel]
    lines = [list(one.get_xdata()) for one in axes.lines if one.get_marker() == "o"]
    return [text.get_text() for text in axes.texts], lines


def test_no_line_goes_on_under_another_judge_and_the_bridge_tells_levels_and_difference():
    chart = figure(line(OLD, range(5), 0.92), line(NEW, range(5, 9), 0.8), bridges=bridge())
    texts, lines = drawn(chart)
    assert lines == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]
    assert "0.91 → 0.80: -0.11 (-0.16 to -0.06), n 1,240" in texts
    assert {"■ rubric aa", "■ rubric bb"} <= set(texts)
    squares = [one for one in chart.axes[0].lines if one.get_marker() == "s"]
    assert [one.get_ydata()[0] for one in squares] == [0.91, 0.8]
    (broken,) = [one for one in chart.axes[0].lines if len(set(one.get_xdata())) == 1
                 and one.get_xdata()[0] == 4.5]  # fmt: skip
    assert broken.get_linestyle() != "-"


def test_a_bridge_kept_the_other_way_is_turned_round():
    back = bridge(NEW, OLD, estimate=0.11, low=0.06, high=0.16, from_mean=0.8, to_mean=0.91)
    texts, _ = drawn(figure(line(OLD, range(5), 0.92), line(NEW, range(9), 0.8), bridges=back))
    assert "0.91 → 0.80: -0.11 (-0.16 to -0.06), n 1,240" in texts


@pytest.mark.parametrize(
    ("bridges", "said"),
    [
        (None, "no item in common"),
        (bridge(other=("b" * 16, "another")), "no item in common"),
        (bridge(low=None, high=None, n=1), "0.91 → 0.80: -0.11, n 1"),
    ],
)
def test_what_is_not_known_of_a_change_is_said(bridges, said):
    found = figure(line(OLD, range(5), 0.92), line(NEW, range(5, 9), 0.8), bridges=bridges)
    assert said in drawn(found)[0]


def test_two_snapshots_of_one_judge_are_two_lines_by_their_names():
    later = (OLD[0], "gpt-4.1-july")
    texts, lines = drawn(figure(line(OLD, range(3), 0.9), line(later, range(3, 6), 0.7)))
    assert {"■ gpt-4.1-june", "■ gpt-4.1-july"} <= set(texts)
    assert len(lines) == 2


def test_embedded_scorers_and_single_versions_have_no_line_and_a_missing_day_is_a_gap():
    other = {"judge": "embedded support", "metric": "relevance"}
    chart = figure(
        line(OLD, range(2), 0.9), line(OLD, range(4, 6), 0.9), line(OLD, range(3), 0.1, **other),
        line(OLD, range(3), 0.1, prompt_version="2"),
    )  # fmt: skip
    (axes,) = (one for one in chart.axes if one.get_visible())
    (estimates,) = [one.get_ydata() for one in axes.lines]
    assert [isnan(value) for value in estimates] == [False, False, True, True, False, False]
    assert "no endpoint has judged anything" in svg(figure(line(OLD, range(2), 0.5, **other)))

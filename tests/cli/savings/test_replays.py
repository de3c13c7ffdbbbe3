import pytest
import typer

from llmops_pipelines.cli.options import between_0_and_1
from llmops_pipelines.cli.savings.replays import bounded, chart_file, percent, usd


@pytest.mark.parametrize("name", ["a.svg", "b.PNG"])
def test_a_chart_is_what_its_name_says(tmp_path, name):
    assert chart_file(tmp_path / name) == tmp_path / name
    assert chart_file(None) is None


def test_another_kind_of_picture_is_refused_before_the_replay(tmp_path):
    with pytest.raises(typer.BadParameter, match=r"neither \.svg nor \.png"):
        chart_file(tmp_path / "a.pdf")


def test_a_figure_is_never_told_without_the_interval_it_has():
    row = {"saved": -0.5, "saved_low": -1.25, "saved_high": 0.0}
    assert bounded(row, "saved", usd) == "-$0.50 (-1.25 to 0.00)"
    assert bounded(row, "saved", percent) == "-50.0 % (-125.0 to 0.0)"
    assert bounded(row | {"saved": None}, "saved", usd) == "unknown"
    assert bounded(row | {"saved_low": None}, "saved", usd) == "-$0.50"


def test_nothing_is_told_as_less_than_nothing():
    assert (usd(-0.0001), percent(-0.00001)) == ("$0.00", "0.0 %")


@pytest.mark.parametrize(
    ("value", "said"),
    [(5, "5 is not between 0 and 1; write 5 % as 0.05"), (0, "0 is not"), (-1, "1")],
)
def test_a_percentage_in_place_of_a_share_is_told_as_one(value, said):
    with pytest.raises(typer.BadParameter, match=said):
        between_0_and_1(value, "--max-loss")

"""One line for a person on call."""

import pytest

from llmops_pipelines.incidents import evaluate
from llmops_pipelines.incidents.wording import percent
from tests.incidents.factories import DAY, figure, measured, rule, rules, share


def line(given, row) -> str:
    return evaluate(rules(given), measured(row), DAY)["summary"][0]


def test_a_breach_says_who_how_much_how_sure_and_which_line():
    assert line(rule(), share("error_rate", 64, 812, scope="call_summary")) == (
        "error_rate: call_summary 7.9 % [6.2, 9.9] of 812 calls, above the critical line 5 %"
    )


@pytest.mark.parametrize(
    ("x", "n", "expected"),
    [
        (40, 1000, "4 % [3, 5.4] of 1,000 calls, above the warning line 2 %"),
        (1, 400, "0.25 % [0.04, 1.4] of 400 calls, not above the warning line 2 %"),
        (3, 100, "3 % [1, 8.5] of 100 calls, above the warning line 2 %, but not for certain"),
    ],
)
def test_a_line_is_crossed_not_crossed_or_not_for_certain(x, n, expected):
    assert line(rule(), share("error_rate", x, n)) == f"error_rate: search {expected}"


@pytest.mark.parametrize(
    ("metric", "warning", "ends", "expected"),
    [
        ("csat", 4.2, (3.9, 3.7, 4.1), "3.90 stars [3.70, 4.10] of 100 ratings|4.20 stars"),
        (
            "context_utilisation",
            0.6,
            (0.52, 0.5, 0.54),
            "52 % [50, 54] of 100 answers with contexts|60 %",
        ),
        ("support", 0.6, (0.52, 0.5, 0.54), "0.520 [0.500, 0.540] of 100 answers|0.600"),
        (
            "ttft_p95",
            2000,
            (1234.6, 1100, 1301.2),
            "1,235 ms [1,100, 1,301] of 100 streamed calls|2,000 ms",
        ),
        (
            "output_tokens_per_s_p50",
            20,
            (12, 11, 13),
            "12 tokens/s [11, 13] of 100 calls|20 tokens/s",
        ),
    ],
)
def test_each_figure_and_line_is_shown_in_its_unit(metric, warning, ends, expected):
    floor = rule("mine", metric=metric, direction="below", warning=warning, critical=None)
    shown, limit = expected.split("|")
    assert line(floor, figure(metric, *ends)) == (
        f"mine: search {shown}, below the warning line {limit}"
    )


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0, "0"), (0.05, "5"), (0.079, "7.9"), (0.0025, "0.25"), (1.2, "120"), (12.345, "1,234.5"),
     (-0.02, "-2"), (1, "100"), (0.1004, "10"), (-0.00001, "0"), (1e-9, "0")],
)  # fmt: skip
def test_percent_is_short(fraction, text):
    assert percent(fraction) == text


def test_a_feature_name_from_the_logs_cannot_break_the_line():
    summary = line(rule(), share("error_rate", 64, 812, scope="a\nb\t<!channel> " + "x" * 500))
    assert "\n" not in summary
    assert summary.startswith("error_rate: a b <!channel> xxx")
    assert summary.endswith("… 7.9 % [6.2, 9.9] of 812 calls, above the critical line 5 %")

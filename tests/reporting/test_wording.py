from datetime import date
from decimal import Decimal

import pytest

from llmops_pipelines.reporting.wording import (
    figure_of,
    long_day,
    milliseconds,
    number_word,
    percent,
    plain,
    score,
    spoken_list,
    usd,
    visible,
)

UNKNOWN = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (None, UNKNOWN),
        ("0", "$0.00"),
        ("0.00000123", "under $0.0001"),
        ("0.0042", "$0.0042"),
        ("0.34", "$0.34"),
        ("12.405", "$12.40"),
        ("1234.5", "$1,234.50"),
        ("45678.9", "$45,679"),
        ("-3.5", "-$3.50"),
    ],
)
def test_dollars_have_as_many_decimals_as_they_are_worth(amount, words):
    assert usd(None if amount is None else Decimal(amount)) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, UNKNOWN),
        (0.0, "0 %"),
        (0.00045, "0.045 %"),
        (0.0072, "0.72 %"),
        (0.081, "8.1 %"),
        (0.513, "51.3 %"),
        (1.0, "100 %"),
        (1.28, "128 %"),
        (15.0, "1,500 %"),
    ],
)
def test_a_share_is_told_in_percent(share, words):
    assert percent(share) == words


def test_a_figure_is_told_in_the_unit_of_its_metric():
    assert figure_of("error_rate", 0.02) == "2 %"
    assert figure_of("context_utilisation", 0.6) == "60.0 %"
    assert figure_of("latency_p99", 8000.0) == "8 s"
    assert figure_of("ttft_p95", 800.0) == "800 ms"
    assert figure_of("csat", 4.2) == "4.2"


def test_unknown_figures_are_a_dash():
    assert {score(None), milliseconds(None), plain(None), visible(None)} == {UNKNOWN}


def test_other_figures_have_three_digits():
    assert (plain(61.27), plain(1512.4), score(0.805)) == ("61.3", "1,512", "0.81")


def test_what_cannot_be_seen_is_named():
    assert visible("a\x00b\u202ec\u200dd\ue000") == "a[U+0000]b[U+202E]c[U+200D]d[U+E000]"


def test_line_ends_and_tabs_become_blanks():
    assert visible("a\r\nb\tc") == "a  b c"


def test_ordinary_text_of_any_script_stays_as_it_is():
    text = "naïve 日本語 עברית 🙂 <b>&amp;"
    assert visible(text) == text


def test_long_text_is_cut_even_when_it_is_all_invisible():
    assert visible("x" * 50, 10) == "x" * 10 + "…"
    assert len(visible("\u200b" * 10_000)) <= 401


def test_lists_are_spoken():
    assert [spoken_list(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_small_numbers_are_words_and_days_have_names():
    assert (number_word(0), number_word(3), number_word(1_512)) == ("no", "three", "1,512")
    assert long_day(date(2026, 11, 10)) == "Tuesday 10 November 2026"

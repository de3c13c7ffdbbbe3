"""Days are found however they are written."""

import pytest

from llmops_pipelines.judging.heuristics.dates import dates_in


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("on 2026-03-05 at noon", {(2026, 3, 5)}),
        ("on the 5th of March, 2026", {(2026, 3, 5)}),
        ("on Sept. 12", {(None, 9, 12)}),
        ("on 12 December", {(None, 12, 12)}),
        ("on 05.03.2026.", {(2026, 3, 5)}),
        ("on 5/3/2026", {(2026, 3, 5), (2026, 5, 3)}),
        ("on 25/3/2026", {(2026, 3, 25)}),
        ("version 1.2.2026.1 of 2026", set()),
        ("you may 5 times march 3", set()),
        ("2026-13-01 and 45 March", set()),
        ("Marching 5", set()),
    ],
)
def test_a_date_is_read_in_every_usual_form(text, days):
    assert {day for date in dates_in(text) for day in date.days} == days


def test_a_flood_of_digits_is_read_at_once():
    assert list(dates_in("1" * 100_000 + "/1" * 50_000)) == []

"""Numbers and names that nobody mentioned before."""

import pytest

from llmops_pipelines.judging.unmatched import SHOWN, unmatched
from llmops_pipelines.judging.words import words


def found(answer, known=""):
    return unmatched(answer.split("|"), [set(), set(words(known))])


@pytest.mark.parametrize(
    ("answer", "known", "expected"),
    [
        ("It costs 49 euros.", "It costs 45 euros.", ["49"]),
        ("It costs 1,250 euros.", "The price is 1250.", []),
        ("Growth was 12.5 %.", "Growth was 3 %.", ["12.5 %"]),
        ("Ask Maria Lopez in Madrid.", "Ask in Madrid.", ["Maria Lopez"]),
        ("Refunds go to Berlin.", "", ["Berlin"]),
        ("Refunds take days.", "", []),
        ("NASA launched it.", "", ["NASA"]),
        ("Возврат занимает пять дней в Москве.", "", ["Москве"]),
        ("返金は五日です。", "", []),
        ("The A B C are letters.", "", []),
        ("1. Open the app|2. Press start", "", []),
        ("We met at the Bank of England.", "a bank in england", []),
    ],
)
def test_numbers_and_names_absent_from_question_and_contexts_are_named(answer, known, expected):
    assert found(answer, known) == expected


def test_each_is_named_once_in_order():
    assert found("Pay 7 in Rome, then 9 in Rome, then 7.") == ["7", "Rome", "9"]


def test_a_flood_is_cut():
    assert len(found("Codes: " + " ".join(str(n) for n in range(100, 400)))) == SHOWN

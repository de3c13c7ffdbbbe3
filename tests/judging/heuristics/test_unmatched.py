"""Numbers and names that nobody mentioned before."""

import pytest

from llmops_pipelines.judging.heuristics.support import Passage
from llmops_pipelines.judging.heuristics.unmatched import SHOWN, unmatched
from llmops_pipelines.judging.heuristics.words import words


def found(answer, known=""):
    return unmatched(answer.split("|"), [set(), set(words(known))], lambda: Passage(known).days)


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
        ("It ends on 5 March 2026.", "It ends on 2026-03-05.", []),
        ("It ends on March 5th.", "It ends on 5 Mar. 2026 at 5.", []),
        ("It ends on 05/03/2026.", "It ends on March 5, 2026.", []),
        ("It ends on 03/05/2026.", "It ends on March 5, 2026.", []),
        ("It ends on 05.03.2026.", "It ends on May 3, 2026.", ["05.03.2026"]),
        ("It ends on 6 March 2026.", "From 5 March 2026, 6 days.", ["6 March 2026"]),
        ("It ends on 5 March 2026.", "It ends on 5 March 2025.", ["5 March 2026"]),
        ("Pay by 2026-13-40.", "", ["2026", "13", "40"]),
        ("Ask Ann on 5 May or Bob.", "5 May", ["Ann", "Bob"]),
    ],
)
def test_numbers_and_names_absent_from_question_and_contexts_are_named(answer, known, expected):
    assert found(answer, known) == expected


def test_each_is_named_once_in_order():
    assert found("Pay 7 in Rome, then 9 in Rome, then 7.") == ["7", "Rome", "9"]


def test_a_flood_is_cut():
    assert len(found("Codes: " + " ".join(str(n) for n in range(100, 400)))) == SHOWN

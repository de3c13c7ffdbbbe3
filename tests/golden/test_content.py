import json

import polars as pl

from llmops_pipelines.golden import case_id, release, to_jsonl, version_of
from tests.golden.worlds import NO_CASES, case, embed, offered


def test_case_white_space_and_width_do_not_make_another_case():
    assert case_id("How  do I\tRESET it\uff1f", ["A b"]) == case_id(" how do i reset it?", ["a  B"])


def test_the_order_of_passages_does_not_make_another_case():
    assert case_id("q", ["one", "two"]) == case_id("q", ["two", "one"])


def test_other_passages_make_another_case():
    assert len({case_id("q", []), case_id("q", ["a"]), case_id("q", ["a", "a"])}) == 3


def test_a_case_id_is_16_hex_digits():
    assert len(case_id("q", [])) == 16
    assert int(case_id("q", []), 16) >= 0


def test_a_line_holds_what_ragas_reads():
    cases = release(offered(case("Where?", contexts=["Here."])), NO_CASES, embed).cases
    (line,) = to_jsonl(cases).splitlines()
    assert json.loads(line) == {
        "id": case_id("Where?", ["Here."]),
        "feature": "chat",
        "why": "low_score",
        "user_input": "Where?",
        "retrieved_contexts": ["Here."],
        "response": "An answer.",
        "reference": None,
        "metadata": {
            "call_id": "call of Where?",
            "day": "2026-11-01",
            "score": 0.2,
            "since_version": version_of(cases),
        },
    }


def test_hostile_text_stays_on_its_line():
    text = 'a\nb\u2028c\x85d"\x00\u202e<script>'
    cases = release(offered(case(text, answer=text)), NO_CASES, embed).cases
    (line,) = to_jsonl(cases).splitlines()
    assert json.loads(line)["user_input"] == text


def test_the_file_does_not_depend_on_the_order_of_rows():
    cases = release(offered(case("red"), case("blue"), case("green")), NO_CASES, embed).cases
    assert to_jsonl(cases.reverse()) == to_jsonl(cases)
    assert version_of(cases.reverse()) == version_of(cases)


def test_no_cases_are_an_empty_file():
    assert to_jsonl(NO_CASES) == ""
    assert version_of(NO_CASES) is None


def test_a_version_depends_on_every_case():
    cases = release(offered(case("red"), case("blue")), NO_CASES, embed).cases
    assert version_of(cases.filter(pl.col("question") == "red")) != version_of(cases)

"""Scores weighed by what a judge nearly said."""

from __future__ import annotations

from math import log

import pytest

from llmops_pipelines.judging import Reply, Ruling, WeighedToken, rubric_spec
from llmops_pipelines.judging.judges.weighing import expected_score, value_start, weighed
from tests.judging.worlds import rubric

STARS = rubric(
    scale="one_to_five",
    output={"type": "object", "properties": {"polite": {"type": "integer"},
                                             "reason": {"type": "string"}}},
)  # fmt: skip
KINDS = rubric(
    scale="categorical",
    categories={"full": 1.0, "partial": 0.5, "none": None},
    output={"type": "object", "properties": {"polite": {"enum": ["full", "partial", "none"]},
                                             "reason": {"type": "string"}}},
)  # fmt: skip


def tokens(*parts: str | dict[str, float]) -> tuple[WeighedToken, ...]:
    """Tokens; a dict is one with rivals, the first of which was written."""
    return tuple(
        WeighedToken(part, ((part, 0.0),))
        if isinstance(part, str)
        else WeighedToken(next(iter(part)), tuple((t, log(p)) for t, p in part.items()))
        for part in parts
    )


def score(of, *parts) -> float | None:
    told = tokens(*parts)
    return expected_score("".join(token.text for token in told), told, of)


@pytest.mark.parametrize(
    ("of", "parts", "expected"),
    [
        (rubric(), ['{"polite"', ":", {" true": 0.75, " false": 0.25}, "}"], 0.75),
        (rubric(), ['{"polite":', {"false": 0.9, "true": 0.1}, ',"reason":""}'], 0.1),
        # What is no verdict, and null, carry no weight.
        (rubric(), ['{"polite":', {"true": 0.6, "null": 0.2, "false": 0.2}, "}"], 0.75),
        (STARS, ['{"polite": ', {"4": 0.5, "5": 0.25, "x": 0.25}, "}"], 5 / 6),
        (KINDS, ['{"polite":', ' "', {"partial": 0.5, "full": 0.5}, '"}'], 0.75),
        (KINDS, ['{"polite":', {' "par': 0.5, ' "f': 0.5}, "tial", '"}'], 0.75),
        # A verdict quoted inside another property is none.
        (rubric(), ['{"reason":"\\"polite\\": ', {"true": 0.9, "false": 0.1}, '","polite":',
                    {"false": 1.0}, "}"], 0.0),
    ],
)  # fmt: skip
def test_the_score_is_the_mean_over_the_verdicts_that_nearly_stood_there(of, parts, expected):
    assert score(of, *parts) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "parts",
    [
        ['{"reason":""}'],
        ['{"polite":', {"maybe": 1.0}, "}"],
        ['{"polite"'],
        ["no JSON"],
        ['{"reason":"x"', {',"polite":true': 1.0}, "}"],
    ],
)
def test_without_a_verdict_among_the_tokens_there_is_no_score(parts):
    assert score(rubric(), *parts) is None


@pytest.mark.parametrize("broken", [("\\xf0\\x9f\\x99", "\\x82"), ("\ufffd", "\ufffd"), ("", "")])
def test_a_sign_that_two_tokens_share_hides_no_verdict(broken):
    """Servers write half a sign as they like: by its bytes, as a replacement, or not at all."""
    doubtful = {" true": 0.6, " false": 0.4}
    before = tokens('{"reason":"fine ', *broken, '","polite":', doubtful, "}")
    assert expected_score('{"reason":"fine 🙂","polite": true}', before, rubric()) == 0.6
    after = tokens('{"polite":', doubtful, ',"reason":"fine ', *broken, '"}')
    assert expected_score('{"polite": true,"reason":"fine 🙂"}', after, rubric()) == 0.6


def test_tokens_of_another_text_are_not_believed():
    of_another = tokens('{"grounded":', {"true": 1.0}, ',"polite":', {"true": 1.0}, "}}")
    assert expected_score('{"polite":false}', of_another, rubric()) is None


def test_tokens_that_do_not_cover_the_text_are_not_believed():
    assert expected_score('{"polite":true}', tokens('{"pol'), rubric()) is None


@pytest.mark.parametrize(
    ("text", "start"),
    [('{"a":1,"b": "x"}', 13), ('```json\n{"b":2}\n```', 13), ('{"a":{"b":1}}', None), ("", None),
     ('{"a":[1,2], "b" : null}', 18), ("{" * 9999, None)],
)  # fmt: skip
def test_only_the_outermost_object_has_the_value(text, start):
    assert value_start(text, "b") == start


def test_a_reply_without_probabilities_is_unreadable_and_other_rulings_stay():
    reply = Reply("ok", text='{"polite":true,"reason":"r"}')
    ruling = Ruling("scored", 1.0, "r")
    assert weighed(ruling, reply, rubric()).outcome == "unreadable"
    silent = Ruling("not_applicable", None, "nothing said")
    assert weighed(silent, reply, rubric()) is silent


def test_weighing_is_part_of_a_judges_identity():
    plain = rubric_spec("politeness", rubric(), model="judge-1")
    weighing = rubric_spec("politeness", rubric(), model="judge-1", logprobs=True)
    assert (plain.weighs, weighing.weighs) == (False, True)
    assert plain.spec_id != weighing.spec_id
    assert "logprobs" not in plain.text

"""Every call with text, scored without a model."""

import polars as pl
import pytest

from llmops_pipelines.judging import heuristic_scores
from llmops_pipelines.judging.heuristics.heuristics import Passages
from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.tables import CALL_TEXTS, HEURISTIC_SCORES, LLM_CALLS
from tests.judging.worlds import JUDGED, call, text

CONTEXT = "Refunds take five business days. They go to the card."
SCHEMA = {"type": "object", "required": ["total"]}


def scored(texts, calls=None, features=JUDGED):
    frame = heuristic_scores(call() if calls is None else calls, texts, features)
    return frame.row(0, named=True)


def test_a_supported_answer_is_scored_in_all_columns():
    assert scored(text(answer="Refunds take five business days.", contexts=[CONTEXT])) == {
        "call_id": "c-1",
        "feature": "assistant",
        "model": None,
        "prompt_version": None,
        "support": 1.0,
        "unscored_reason": None,
        "refused": False,
        "format_valid": None,
        "format_error": None,
        "context_utilisation": 1.0,
        "unmatched": [],
    }


@pytest.mark.parametrize(
    ("answer", "contexts", "reason"),
    [
        (None, [CONTEXT], "no_answer"),
        ("  ", [CONTEXT], "no_answer"),
        ("Refunds take five days.", [], "no_contexts"),
        ("Refunds take five days.", ["", " "], "no_contexts"),
        ("I'm sorry, but I can't help with that.", [CONTEXT], "refusal"),
        ("You're welcome! Anything else?", [CONTEXT], "no_claims"),
    ],
)
def test_what_cannot_be_scored_says_why(answer, contexts, reason):
    row = scored(text(answer=answer, contexts=contexts))
    assert (row["support"], row["unscored_reason"]) == (None, reason)


def test_a_feature_that_nobody_may_judge_has_no_support_but_keeps_its_health():
    features = Features(features={"assistant": Feature(judging="none")})
    row = scored(text(answer="I cannot help.", contexts=[CONTEXT]), features=features)
    assert (row["support"], row["unscored_reason"], row["refused"]) == (None, "judging_off", True)


def test_refused_is_null_without_an_answer():
    assert scored(text(answer=None))["refused"] is None


def test_greeting_and_offer_do_not_lower_support():
    bare = scored(text(answer="Refunds take five business days.", contexts=[CONTEXT]))
    polite = scored(
        text(answer="Hi Anna! Refunds take five business days. Anything else?", contexts=[CONTEXT])
    )
    assert bare["support"] == polite["support"]


def test_unmatched_evidence_knows_question_and_contexts():
    row = scored(
        text(
            answer="In Lyon refunds take 9 days, not 5 weeks as in Rome.",
            question="What about Lyon?",
            contexts=["Refunds take 5 days."],
        )
    )
    assert row["unmatched"] == ["9", "Rome"]


def test_the_calls_own_schema_goes_before_the_features():
    features = Features(features={"assistant": Feature(output_schema={"required": ["vendor"]})})
    own = scored(text(answer='{"total": 1}', response_schema=SCHEMA), features=features)
    of_feature = scored(text(answer='{"total": 1}'), features=features)
    assert (own["format_valid"], own["format_error"]) == (True, None)
    assert (of_feature["format_valid"], of_feature["format_error"]) == (False, "$ lacks vendor")


@pytest.mark.parametrize(
    ("requested", "answer", "valid"),
    [
        ("json_object", "{}", True),
        ("json_object", "no", False),
        ("json_schema", "[]", False),
        ("text", "no", None),
        (None, "no", None),
        ("json_object", None, None),
        ("json_object", "", False),
    ],
)
def test_format_is_judged_only_where_one_was_asked_and_there_is_an_answer(requested, answer, valid):
    row = scored(text(answer=answer), calls=call(format_requested=requested))
    assert row["format_valid"] is valid


@pytest.mark.parametrize("word", ["length", "max_tokens", "max_output_tokens", "MAX_TOKENS"])
def test_a_reply_cut_at_the_token_limit_is_called_truncated(word):
    calls = call(format_requested="json_object", finish_reason=word)
    assert scored(text(answer='{"a": [1,'), calls=calls)["format_error"].startswith("truncated")


def test_a_check_without_end_leaves_validity_unknown_and_says_so():
    schema = {"pattern": "^(?=(a+)+$).*"}
    row = scored(text(answer='"' + "a" * 60 + '!"', response_schema=schema))
    assert row["format_valid"] is None
    assert row["format_error"].startswith("not checked: the pattern")


def test_dates_are_known_from_question_and_contexts_however_they_are_written():
    answer, contexts = "It ran from 5 March to 7 March 2026.", ["It began on 2026-03-05."]
    row = scored(text(answer=answer, contexts=contexts, question="Is 7/3/2026 the end?"))
    assert row["unmatched"] == []


def test_an_unusable_schema_leaves_validity_unknown_and_says_so():
    row = scored(text(answer="{}", response_schema='{"type": "sentence"}'))
    assert row["format_valid"] is None
    assert row["format_error"].startswith("the schema is not a JSON schema")


def test_a_score_does_not_depend_on_the_calls_beside_it():
    texts = [text(f"c-{n}", f"Refunds take {n} business days.", [CONTEXT]) for n in range(20)]
    calls = pl.concat([call(f"c-{n}") for n in range(20)])
    together = heuristic_scores(calls, pl.concat(texts), JUDGED)
    alone = pl.concat([heuristic_scores(calls[n], texts[n], JUDGED) for n in range(20)])
    assert together.equals(alone.sort("call_id"))


def test_lazy_frames_and_calls_without_text_are_taken():
    calls = pl.concat([call("c-1"), call("c-2")])
    frame = heuristic_scores(calls.lazy(), text("c-2").lazy(), JUDGED)
    assert frame["call_id"].to_list() == ["c-2"]


def test_a_quiet_day_is_an_empty_frame():
    assert heuristic_scores(LLM_CALLS.empty(), CALL_TEXTS.empty(), JUDGED).equals(
        HEURISTIC_SCORES.empty()
    )


def test_hostile_and_huge_texts_are_scored():
    answers = ["\x00\u202e" * 50, "{{ 7 * 7 }}", "a" * 300_000, "<" * 9_000, "9" * 20_000]
    texts = pl.concat([text(f"c-{n}", a, [CONTEXT, a]) for n, a in enumerate(answers)])
    calls = pl.concat([call(f"c-{n}") for n in range(len(answers))])
    assert heuristic_scores(calls, texts, JUDGED).height == len(answers)


def test_passages_are_forgotten_when_there_are_too_many_and_taken_apart_anew():
    take_apart = Passages(chars=10)
    first = take_apart("a b c")
    assert take_apart("a b c") is first
    take_apart("d e f g h")
    assert take_apart("a b c") is not first
    assert take_apart("x" * 100).words == ["x" * 100]

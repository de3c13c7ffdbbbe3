"""Items and their digests."""

import polars as pl

from llmops_pipelines.judging import ITEM_SCHEMA, items, missing_field, rubric_spec, with_digests
from llmops_pipelines.tables import SAMPLED_TRACES
from tests.judging.worlds import item, item_frame, rubric, spec, text


def sample(*call_ids, feature="assistant"):
    rows = [
        {
            "trace_id": f"t-{c}", "call_id": c, "feature": feature, "model": None,
            "prompt_name": None, "prompt_version": None, "session_id": None, "stratum": "s",
            "stratum_size": 1, "probability": 1.0, "has_text": True,
        }
        for c in call_ids
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SAMPLED_TRACES.schema)


def digest(frame, judge=None):
    return with_digests(frame, judge or spec())["item_digest"][0]


def test_sampled_calls_are_joined_to_their_texts():
    frame = items(
        sample("c-2", "c-1"), pl.concat([text("c-1", contexts=["a", " ", "b"]), text("c-2")])
    )
    assert frame.schema == ITEM_SCHEMA
    assert frame.row(0, named=True) == {
        "call_id": "c-1",
        "trace_id": "t-c-1",
        "feature": "assistant",
        "question": "How long do refunds take?",
        "answer": "Refunds take five days.",
        "contexts": ["a", "b"],
        "reference": None,
        "alternative": None,
    }
    assert frame["contexts"].to_list() == [["a", "b"], []]


def test_a_reference_is_shown_to_a_judge_that_sees_it_and_missed_by_one_that_requires_it():
    judge = rubric_spec(
        "correct",
        rubric(
            sees=["answer", "reference"],
            requires=["reference"],
            prompt="<a>{{ answer }}</a><r>{{ reference }}</r>",
        ),
        model="judge-1",
    )
    assert missing_field(item(), judge) == "no_reference"
    assert item(reference="Five days.").shown(judge.sees) == {
        "answer": "Five days, please.",
        "reference": "Five days.",
    }
    assert digest(item_frame("a", reference="x"), judge) != digest(item_frame("a"), judge)


def test_calls_without_texts_are_no_items():
    assert items(sample("c-1", "c-2"), text("c-2"))["call_id"].to_list() == ["c-2"]


def test_an_empty_sample_makes_no_items():
    assert items(sample(), text()).schema == ITEM_SCHEMA


def test_the_digest_covers_exactly_what_the_judge_sees():
    seen, unseen = item_frame("a"), item_frame("a", question="other", contexts=["other"])
    assert digest(seen) == digest(unseen)
    assert digest(seen) != digest(item_frame("b"))
    wide = rubric_spec(
        "wide",
        rubric(sees=["answer", "question"], prompt="<a>{{ answer }}</a><q>{{ question }}</q>"),
        model="judge-1",
    )
    assert digest(seen, wide) != digest(unseen, wide)


def test_moving_text_between_fields_changes_the_digest():
    both = rubric_spec(
        "both",
        rubric(sees=["answer", "contexts"],
               prompt="<a>{{ answer }}</a>{% for c in contexts %}<c>{{ c }}</c>{% endfor %}"),
        model="judge-1",
    )  # fmt: skip
    digests = {digest(item_frame("a", contexts=c), both) for c in (["b", "c"], ["bc"], ["b c"], [])}
    assert len(digests) == 4


def test_a_required_field_that_is_blank_is_named():
    judge = spec()
    assert missing_field(item(" \n"), judge) == "no_answer"
    assert missing_field(item("x"), judge) is None

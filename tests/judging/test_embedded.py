"""Verdicts without an endpoint."""

import numpy as np
import polars as pl

from llmops_pipelines.judging import embedded_verdicts, heuristic_scores, read_spec, verdicts_of
from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.tables import JUDGE_LEDGER, JUDGE_SPECS
from tests.judging.worlds import JUDGED, NOON, call, item_frame, text


def letters(texts):
    """Unit vectors of letter counts, and a record of what was asked."""
    letters.asked = texts
    counts = np.array([[t.lower().count(c) for c in map(chr, range(97, 123))] for t in texts])
    norms = np.linalg.norm(counts, axis=1, keepdims=True)
    return (counts / np.where(norms == 0, 1, norms)).astype(np.float32)


def verdicts(frame, features=JUDGED):
    rows = frame.iter_rows(named=True)
    texts = [text(r["call_id"], r["answer"], r["contexts"], r["question"]) for r in rows]
    calls = pl.concat([call(c) for c in frame["call_id"]])
    scores = heuristic_scores(calls, pl.concat(texts), features)
    return embedded_verdicts(frame, scores, letters, weights="letters 1", now=NOON)


def one(found, metric):
    return found.filter(metric=metric).row(0, named=True)


CONTEXTS = ["Parcels ship on Monday. Refunds take five days.", "Cards are charged at once."]
SUPPORTED = item_frame("Refunds take five days.", contexts=CONTEXTS)


def test_support_comes_from_the_heuristics_with_the_sentence_that_supports_it():
    specs, found = verdicts(SUPPORTED)
    row = one(found, "support")
    assert (row["outcome"], row["score"]) == ("scored", 1.0)
    assert row["evidence"] == "Refunds take five days."
    assert JUDGE_SPECS.require(specs)["kind"].to_list() == ["embedded", "embedded"]


def test_relevance_is_the_cosine_of_question_and_answer():
    frame = item_frame("abc", question="abc")
    assert one(verdicts(frame)[1], "relevance")["score"] == 1.0
    frame = item_frame("abc", question="xyz")
    assert one(verdicts(frame)[1], "relevance")["score"] == 0.0


def test_nothing_is_paid():
    found = verdicts(SUPPORTED)[1]
    assert found["attempts"].to_list() == [0, 0]
    assert found["cost"].to_list() == [0, 0]
    assert JUDGE_LEDGER.require(found).height == 2


def test_refusals_and_missing_fields_are_not_applicable_with_a_reason():
    found = verdicts(item_frame("I cannot help with that.", contexts=CONTEXTS))[1]
    assert found["outcome"].to_list() == ["not_applicable"] * 2
    assert set(found["reason"]) == {"refusal"}
    found = verdicts(item_frame("Five days.", contexts=[], question=None))[1]
    assert one(found, "support")["reason"] == "no_contexts"
    assert one(found, "relevance")["reason"] == "no_question"


def test_a_feature_that_nobody_may_judge_gets_no_verdict():
    off = Features(features={"assistant": Feature(judging="none")})
    assert verdicts(SUPPORTED, off)[1].is_empty()


def test_each_text_is_embedded_once():
    verdicts(item_frame("Same.", "Same.", "Other.", contexts=["Same.", "Other."]))
    assert len(letters.asked) == len(set(letters.asked)) == 3


def test_calls_with_equal_content_share_one_verdict():
    frame = item_frame("Same words.", "Same words.")
    specs, found = verdicts(frame)
    assert found.height == 2
    joined = verdicts_of(frame, found, [read_spec(s) for s in specs["spec"]])
    assert sorted(joined["call_id"].to_list()) == ["c-000", "c-000", "c-001", "c-001"]


def test_no_items_make_no_verdicts_and_nothing_is_embedded():
    letters.asked = None
    frame = SUPPORTED.clear()
    scores = heuristic_scores(call(), text(), JUDGED)
    specs, found = embedded_verdicts(frame, scores, letters, weights="letters 1", now=NOON)
    assert (specs.height, found.height, letters.asked) == (2, 0, None)


def test_a_context_of_one_huge_line_is_taken():
    found = verdicts(item_frame("Refunds take five days.", contexts=["refund " * 100_000]))[1]
    assert one(found, "support")["outcome"] == "scored"
    assert len(one(found, "support")["evidence"]) == 500

"""Verdicts by an entailment model that is a function."""

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.judging import entailment_specs, entailment_verdicts
from llmops_pipelines.tables import JUDGE_LEDGER
from tests.judging.worlds import NOON, item_frame

SPECS = entailment_specs(model="tiny", weights="0" * 16)
NOTHING = JUDGE_LEDGER.empty()


class Overlap:
    """Entailed as far as the claim's words stand in the passage; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, pairs):
        self.asked.append(list(pairs))
        shares = [np.mean([w in given for w in claim.strip(".").split()]) for given, claim in pairs]
        return np.array(shares, dtype=np.float32)


def verdicts(frame, ledger=NOTHING, model=None):
    parts = entailment_verdicts(
        frame, SPECS, model or Overlap(), ledger, now=lambda: NOON, library_versions={"torch": "2"}
    )
    return pl.concat([NOTHING, *parts])


def one(found, metric):
    return found.filter(metric=metric).row(0, named=True)


def test_the_mean_and_the_least_of_the_claims_are_told_with_the_weakest():
    found = verdicts(item_frame("Refunds take five days. Lounges cost nothing."))
    mean, least = one(found, "entailment"), one(found, "entailment_min")
    assert (mean["outcome"], mean["score"], least["score"]) == ("scored", 0.5, 0.0)
    assert mean["evidence"] == least["evidence"] == "Lounges cost nothing."
    assert least["reason"] == "least entailed of 2 claims"
    assert (mean["attempts"], mean["cost"]) == (0, 0)
    assert JUDGE_LEDGER.require(found).height == 2


def test_the_passage_that_entails_a_claim_most_speaks_for_it():
    frame = item_frame("Refunds take five days.", contexts=["Cards.", "Refunds take five days."])
    assert one(verdicts(frame), "entailment_min")["score"] == 1.0


@pytest.mark.parametrize(
    ("answer", "contexts", "reason"),
    [
        ("", ["Refunds."], "no_answer"),
        ("Five days.", [], "no_contexts"),
        ("Five days.", ["..."], "no_contexts"),
        ("I cannot help with that.", ["Refunds."], "refusal"),
        ("Thanks! How can I help?", ["Refunds."], "no_claims"),
    ],
)
def test_what_claims_nothing_is_not_applicable_and_not_computed(answer, contexts, reason):
    model = Overlap()
    found = verdicts(item_frame(answer, contexts=contexts), model=model)
    assert found["outcome"].to_list() == ["not_applicable"] * 2
    assert set(found["reason"]) == {reason}
    assert found["score"].null_count() == 2
    assert model.asked == []


def test_more_claims_than_are_read_are_left_unscored_rather_than_judged_in_part():
    answer = " ".join(f"Rule {n} holds." for n in range(61))
    assert one(verdicts(item_frame(answer)), "entailment")["reason"].startswith("too_long: ")


def test_what_the_ledger_holds_is_not_computed_again():
    frame, model = item_frame("Refunds take five days.", "Cards are charged."), Overlap()
    first = verdicts(frame.head(1), model=model)
    again = verdicts(frame, ledger=first, model=model)
    assert [claim for asked in model.asked for _, claim in asked] == [
        "Refunds take five days.",
        "Cards are charged.",
    ]
    assert again["call_id"].unique().to_list() == ["c-001"]


def test_a_metric_that_a_crash_left_out_is_made_up_for_alone():
    frame = item_frame("Refunds take five days.")
    half = verdicts(frame).filter(metric="entailment")
    assert verdicts(frame, ledger=half)["metric"].to_list() == ["entailment_min"]


def test_equal_pairs_are_asked_once_and_results_come_in_parts():
    frame, model = item_frame(*(f"Same. Other {n}." for n in range(20))), Overlap()
    parts = list(
        entailment_verdicts(frame, SPECS, model, NOTHING, now=lambda: NOON, library_versions={})
    )
    assert [part.height for part in parts] == [32, 8]
    assert all(len(asked) == len(set(asked)) for asked in model.asked)


def test_long_contexts_are_cut_between_sentences_and_only_the_nearest_passages_are_read():
    filler = [f"Clause {n} speaks of things like {'paper ' * 20}." for n in range(60)]
    context = " ".join([*filler, "Refunds take five days.", *filler])
    model = Overlap()
    found = verdicts(item_frame("Refunds take five days.", contexts=[context]), model=model)
    assert one(found, "entailment")["score"] == 1.0
    assert len(model.asked[0]) == 4
    assert all(len(given) <= 1000 for given, _ in model.asked[0])


def test_a_context_of_one_huge_line_is_taken():
    assert one(verdicts(item_frame("Five.", contexts=["refund " * 50_000])), "entailment")


def test_other_weights_are_another_judge():
    mean, least = SPECS
    other, _ = entailment_specs(model="tiny", weights="1" * 16)
    assert len({mean.spec_id, least.spec_id, other.spec_id}) == 3

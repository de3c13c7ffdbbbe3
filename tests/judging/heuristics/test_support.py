"""The embedded support score."""

import tracemalloc

import pytest

from llmops_pipelines.judging.heuristics.claims import claim_sentences
from llmops_pipelines.judging.heuristics.support import (
    SPREADS,
    Passage,
    support_parts,
    support_score,
)

REFUNDS = Passage("Refunds take five business days. They go back to the card that was charged.")
SHIPPING = Passage("Parcels leave the warehouse on the next working day.")


def score(answer, *passages):
    return support_score(claim_sentences(answer), passages)


def test_an_answer_copied_out_of_its_context_scores_one():
    assert score("Refunds take five business days.", REFUNDS) == 1.0


def test_an_answer_without_a_word_in_common_scores_zero():
    assert score("Quantum tunnels glow purple.", REFUNDS) == 0.0


def test_a_paraphrase_lies_between_invention_and_copy():
    invented = score("Our premium members enjoy unlimited lounge access.", REFUNDS)
    paraphrase = score("The refund goes to the charged card in five days.", REFUNDS)
    assert invented < 0.2 < paraphrase < 1.0


def test_one_invented_sentence_lowers_the_score_of_a_supported_answer():
    supported = score("Refunds take five business days.", REFUNDS)
    mixed = score("Refunds take five business days. Lounge access is free.", REFUNDS)
    assert mixed < supported - 0.2


def test_a_swapped_fact_is_not_seen_which_is_why_it_is_never_called_truth():
    assert score("Refunds take nine business days.", REFUNDS) > 0.5


def test_parts_follow_their_definitions():
    parts = support_parts(["five days take"], [Passage("Take five days")])
    assert parts["rouge_l_precision"] == pytest.approx(2 / 3)
    assert parts["rouge_2_precision"] == pytest.approx(1 / 2)
    assert parts["weighted_coverage"] == 1.0
    assert parts["sentence_support_mean"] == parts["sentence_support_min"] == 1.0


def test_sentence_support_needs_one_sentence_that_holds_it_all():
    together = support_parts(["red car"], [Passage("A red car.")])
    apart = support_parts(["red car"], [Passage("A red bus. A blue car.")])
    assert together["sentence_support_min"] == 1.0
    assert apart["sentence_support_min"] == pytest.approx(0.5)
    assert apart["weighted_coverage"] == 1.0


def test_an_answer_of_one_word_is_scored_by_whether_the_word_is_there():
    assert score("Warehouse", SHIPPING) == 1.0
    assert score("Paris", SHIPPING) == 0.0


def test_the_order_of_other_contexts_does_not_lower_a_supported_answer():
    answer = "Refunds take five business days."
    assert score(answer, SHIPPING, REFUNDS) == score(answer, REFUNDS, SHIPPING) == 1.0


@pytest.mark.parametrize("passages", [[], [Passage("")], [Passage("...")]])
def test_without_a_word_to_rest_on_there_is_no_score(passages):
    assert support_score(["Refunds take five days."], passages) is None


def test_without_a_claim_there_is_no_score():
    assert support_score([], [REFUNDS]) is None


def test_the_score_is_the_spread_weighted_mean_of_its_parts():
    parts = support_parts(["The refund goes to a card."], [REFUNDS])
    weighted = sum(parts[name] / SPREADS[name] for name in SPREADS)
    expected = weighted / sum(1 / spread for spread in SPREADS.values())
    assert support_score(["The refund goes to a card."], [REFUNDS]) == pytest.approx(
        expected, abs=1e-4
    )


def test_other_scripts_are_scored_too():
    assert score("返金は五日です。", Passage("返金は五日です。")) == 1.0


def test_huge_texts_are_scored():
    context = Passage(" ".join(f"word{n % 997} fact." for n in range(20_000)))
    assert 0 <= score("word5 fact. " * 500, context) <= 1


def test_a_hostile_pair_of_long_texts_takes_bounded_memory():
    words = [a + b + c for a in "abcdefghijklmnopqrst" for b in "aeiouy" for c in "bcdfghjkl"]
    answer = [f"{word}." for word in words]
    passages = [Passage(" ".join(f"{word}." for word in words)) for _ in range(30)]
    tracemalloc.start()
    assert support_score(answer, passages) > 0.9
    assert tracemalloc.get_traced_memory()[1] < 150e6
    tracemalloc.stop()

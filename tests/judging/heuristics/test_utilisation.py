"""How many contexts an answer draws on."""

from llmops_pipelines.judging.heuristics.support import Passage
from llmops_pipelines.judging.heuristics.utilisation import context_utilisation, used_contexts
from llmops_pipelines.judging.heuristics.words import words

REFUNDS = Passage("Refunds take five business days and go to the original card.")
SHIPPING = Passage("Parcels leave the warehouse on the next working morning.")


def share(answer, *passages, question=""):
    return context_utilisation(words(answer), words(question), passages)


def test_the_share_of_contexts_that_left_their_words_in_the_answer():
    answer = "A refund takes five business days to your original card."
    assert share(answer, REFUNDS, SHIPPING) == 0.5
    assert share(answer, REFUNDS) == 1.0
    assert share("I like trains.", REFUNDS, SHIPPING) == 0.0


def test_words_of_the_question_are_no_sign_of_use():
    question = "When do parcels leave the warehouse on a working morning?"
    assert (
        share("Parcels leave the warehouse each working morning.", SHIPPING, question=question) == 0
    )


def test_words_that_contexts_share_do_not_make_all_of_them_used():
    gold = Passage("The gold plan includes lounge access and priority boarding support.")
    blue = Passage("The blue plan includes lounge discounts and seat selection support.")
    assert share("Gold includes access and priority boarding.", gold, blue) == 0.5


def test_a_passage_retrieved_twice_counts_as_used_twice():
    assert share("Five business days to the original card.", REFUNDS, REFUNDS) == 1.0


def test_a_short_context_needs_few_words():
    assert share("The code is hunter.", Passage("hunter")) == 1.0


def test_without_contexts_that_hold_words_there_is_no_share():
    assert share("Anything.") is None
    assert share("Anything.", Passage("the of and")) is None


def test_it_is_told_which_contexts_were_used_and_of_which_nothing_can_be_told():
    answer = words("A refund takes five business days to your original card.")
    assert used_contexts(answer, [], [SHIPPING, Passage("The and of."), REFUNDS]) == [
        False, None, True,
    ]  # fmt: skip

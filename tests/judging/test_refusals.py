"""Refusals are told from answers."""

import pytest

from llmops_pipelines.judging.refusals import declines


@pytest.mark.parametrize(
    "refusal",
    [
        "I'm sorry, but I can't assist with that.",
        "I\u2019m sorry, but I can\u2019t assist with that.",
        "I can\u02bct help with this request.",
        "Sorry, I cannot share other customers' data.",
        "I am unable to provide medical advice.",
        "I won't write that.",
        "As an AI language model, I do not have opinions on this.",
        "I must respectfully decline.",
        "I don't have access to your account.",
        "It is not appropriate to joke about this.",
        "This goes against our content policy.",
        "It's important to remember that violence is never acceptable.",
        "   \n\n  I cannot answer this.",
        "I CANNOT DO THAT",
    ],
)
def test_refusals_are_recognised(refusal):
    assert declines(refusal)


@pytest.mark.parametrize(
    "answer",
    [
        "Refunds take five days.",
        "I'm sorry to hear that your parcel is late. It will arrive on Monday.",
        "I can help with that: open Settings and choose Cancel.",
        "I can't wait to see it! The launch is on Friday.",
        "It's important to note that the offer ends on Friday.",
        "You can't be charged twice.",
        "I cannot draw charts. However, here are the figures as a table.",
        "Open the app, " + "then wait, " * 30 + "I cannot stress it enough.",
        "",
    ],
)
def test_answers_are_left_alone(answer):
    assert not declines(answer)


def test_only_the_opening_counts():
    assert not declines("The fee is four euros a month. " * 6 + "I cannot say more.")

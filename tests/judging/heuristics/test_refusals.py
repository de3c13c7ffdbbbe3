"""Refusals are told from answers."""

# ruff: noqa: RUF001 - letters of other languages are meant

import pytest

from llmops_pipelines.judging.heuristics.refusals import declines


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
        "**I cant help with that.**",
        "That's not something I can help with.",
        "My apologies, but that is beyond what I'm allowed to do.",
        "I'd rather not answer that.",
        "I shouldn't provide that information.",
        "I'm prohibited from sharing that.",
        "I can only answer questions about our products.",
        "I'm going to have to pass on this one.",
        "We are unable to share details about other customers.",
        "Our policy prohibits sharing this.",
        "Providing this information would violate our content policy.",
        "I understand you're frustrated, but I can't provide that.",
        "I am just a language model and have no birthday.",
        "If you or someone you know is struggling, please call a crisis line.",
        "Unable to comply.",
        "Nope, can't do that.",
        '"I cannot help with that."',
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Mi dispiace, ma non posso aiutarti.",
        "Desculpe, mas não posso ajudar com isso.",
        "Het spijt me, maar daar kan ik je niet mee helpen.",
        "Извините, но я не могу помочь с этим.",
        "很抱歉，我无法提供帮助。",
        "申し訳ありませんが、そのご要望にはお応えできません。",
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
        "I can't believe how good this is! Mix flour and water.",
        "I couldn't agree more. Exercise helps.",
        "I won't lie, this is tricky: open the terminal first.",
        "I will not only fix the bug, I will add a test.",
        "I can't say for sure, but it is most likely the battery.",
        "I can't recommend this book enough.",
        "I'm sorry, I misunderstood. The total is 45 euros.",
        "He said \"I'm sorry, I can't help you\" and hung up.",
        "The bot replied: 'I can't assist with that.' It follows its policy.",
        '"I cannot help" is how the letter begins.',
        "In the poem, the speaker says I cannot go on.",
        "Sure! Here's a reply you can send: I'm sorry, but I can't attend.",
        "Subject: Your invitation\n\nDear Tom,\nI'm sorry, but I can't attend.",
        "We cannot divide by zero, so the function returns None.",
        "Users cannot log in because the server is down.",
        "You do not have access to this folder; ask for the editor role.",
        "Kann ich die Karte sperren? Ja, in der App unter Einstellungen.",
        "I cannot draw charts. However, here are the figures as a table.",
        "Open the app, " + "then wait, " * 30 + "I cannot stress it enough.",
        "",
    ],
)
def test_answers_are_left_alone(answer):
    assert not declines(answer)


def test_only_the_opening_counts():
    assert not declines("The fee is four euros a month. " * 6 + "I cannot say more.")

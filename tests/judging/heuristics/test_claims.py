"""Small talk is told from claims."""

import pytest

from llmops_pipelines.judging.heuristics.claims import claim_sentences


@pytest.mark.parametrize(
    "small_talk",
    [
        "Hello!",
        "Hi Anna,",
        "Thanks for reaching out!",
        "You're welcome.",
        "You\u2019re very welcome!",
        "Sure, happy to help!",
        "Great question!",
        "Let me know if I can help with anything else.",
        "Have a wonderful day!",
        "Yes.",
        "No, it is not.",
        "I don't know.",
        "That's great!",
        "How can I help you today?",
        "Oh my goodness!",
        "It makes sense!",
        "Congratulations!",
        "Best regards",
        "Sounds great, talk soon!",
        "Anytime!",
        "I'd be happy to help you with that.",
        "Haha, that's funny.",
        "That's a really good point!",
        "I'm doing well, thank you.",
        "Sure, I can help with that!",
        "I'm here to help.",
        "One moment please.",
        "I completely understand your frustration.",
        "I apologize for the inconvenience.",
        "I'm so sorry for the trouble.",
        "Let me check that for you.",
        "That must be hard.",
        "Hi there, nice to meet you.",
        "",
        "\U0001f600",
    ],
)
def test_small_talk_claims_nothing(small_talk):
    assert claim_sentences(small_talk) == []


@pytest.mark.parametrize(
    "claim",
    [
        "Yes, you can cancel within a week.",
        "No refunds.",
        "No, that is not possible.",
        "Sure, the warranty covers water damage.",
        "Paris",
        "It was 1998?",
        "Thanks to the new policy the fee was dropped for all customers in Europe since spring.",
        "Oh, the fee is four euros.",
        "That makes the total four euros.",
        "Great Britain left the union.",
        "Thanks, your refund was issued on Monday.",
        "Hi Anna, your parcel has arrived.",
        "It is true that whales are mammals.",
        "Happy Days was filmed in Los Angeles.",
        "Sorry is a song by Justin Bieber.",
    ],
)
def test_a_claim_after_assent_or_in_one_word_stays(claim):
    assert claim_sentences(claim) == [claim]


def test_only_the_claims_of_a_letter_are_left():
    letter = "Hi Anna,\nthanks for writing. Your order ships tomorrow.\nKind regards"
    assert claim_sentences(letter) == ["Your order ships tomorrow."]

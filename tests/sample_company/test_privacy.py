"""The sample holds things to redact, and none of them belongs to anybody."""

from __future__ import annotations

import re

from llmops_pipelines.sample_company.drawing import apportion, count_of, stream
from llmops_pipelines.sample_company.private_details import TEST_CARDS, with_private_detail
from tests.sample_company.sample import question_of, readable

DOMAIN = re.compile(rb"@([\w.-]*\w)")
PHONE = re.compile(r"\+?1?[ -]?\(?\d{3}\)?[ -]\d{3}-\d{4}")


def user_texts(fortnight) -> list[str]:
    return [question_of(call) for call in fortnight.calls() if call["parent_id"] is None]


def test_every_address_is_of_a_reserved_domain(fortnight):
    lines = [line for lines in fortnight.files.values() for line in lines if b"@" in line]
    domains = {d for line in lines if readable(line) for d in DOMAIN.findall(line)}
    assert domains == {b"example.com", b"example.org", b"example.net"}


def test_every_phone_number_is_kept_for_fiction(fortnight):
    numbers = PHONE.findall("\n".join(user_texts(fortnight)))
    assert len(numbers) > 100
    assert all(re.search(r"555-01\d\d$", number) for number in numbers)


def test_every_key_is_made_up(fortnight):
    keys = re.findall(r"\bsk-[\w-]{20,}", "\n".join(user_texts(fortnight)))
    assert len(keys) > 20
    assert all(key.startswith("sk-test") for key in keys)


def test_every_card_is_a_published_test_number(fortnight):
    text = "\n".join(user_texts(fortnight))
    cards = re.findall(r"paid with card ([\d -]+\d)", text)
    assert len(cards) > 30
    assert set(cards) <= set(TEST_CARDS)


def test_a_few_per_cent_of_messages_hold_something_to_redact(fortnight):
    telling = re.compile(r"@example\.|555-01\d\d|paid with card|sk-test")
    texts = user_texts(fortnight)
    assert 0.02 < sum(bool(telling.search(text)) for text in texts) / len(texts) < 0.06


def test_answers_hold_nothing_to_redact(fortnight):
    for call in fortnight.answers():
        answer = call["response"]["choices"][0]["message"]["content"]
        assert "@" not in answer
        assert "sk-test" not in answer


def test_most_messages_stay_as_they_are():
    texts = [with_private_detail("Hello.", stream("p", n)) for n in range(400)]
    assert 365 < texts.count("Hello.") < 395


def test_parts_add_up_to_their_total():
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(0, [0.3, 0.7]) == [0, 0]
    assert sum(apportion(1499, [30, 18, 22, 12, 10, 8])) == 1499


def test_a_count_is_the_whole_number_below_or_above_its_share():
    counts = {count_of(530, 0.003, stream("c", n)) for n in range(200)}
    assert counts == {1, 2}
    assert count_of(2, 1.0, stream("c")) == 2

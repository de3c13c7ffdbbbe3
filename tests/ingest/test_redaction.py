"""Secrets and personal data leave every text; what only looks like them stays."""

import polars as pl
import pytest

from llmops_pipelines.ingest import redact, redact_texts

SECRETS = [
    "sk-proj-abcDEF1234567890abcdef1234",
    "sk-ant-api03-abcdefghijklmnopqrstuv",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuv",
    "glpat-abcdefghij0123456789",
    "xoxb-123456789012-abcdefghijkl",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ya29.a0AfH6SMBabcdefghijklmnop",
    "sk_live_abcdefghijklmnop",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEF",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_DEF-123",
    "Bearer abcdef0123456789abcdef",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\nabc\n-----END RSA PRIVATE KEY-----",
]
EMAILS = ["jo.doe+x@mail.example.co.uk", "müller@exämple.de", "a@b.io", "o'neil@example.com"]
CARDS = [
    "4111 1111 1111 1111",
    "5555-5555-5555-4444",
    "378282246310005",
    "3782 822463 10005",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
]
PHONES = [
    "+49 30 1234567",
    "+4915112345678",
    "+1 (415) 555-0132",
    "+14155550132",
    "(415) 555-0132",
    "415-555-0132",
    "1-415-555-0132",
    "0049 30 1234567",
    "030 1234567",
    "0151/12345678",
    "(030) 123 45 67",
    "01 23 45 67 89",
    "020 7946 0958",
]


def redacted(text):
    return redact_texts(pl.Series([text]))[0]


@pytest.mark.parametrize("secret", SECRETS)
def test_keys_and_tokens_leave(secret):
    found = redacted(f"I use {secret}, see?")
    assert "[SECRET]" in found
    assert secret[-8:] not in found


@pytest.mark.parametrize("email", EMAILS)
def test_email_addresses_leave(email):
    assert redacted(f"Write to {email}, please.") == "Write to [EMAIL], please."


@pytest.mark.parametrize("card", CARDS)
def test_card_numbers_leave(card):
    assert redacted(f"Charge {card} today.") == "Charge [CARD] today."


@pytest.mark.parametrize("phone", PHONES)
def test_phone_numbers_leave(phone):
    assert redacted(f"Call {phone} today.") == "Call [PHONE] today."


@pytest.mark.parametrize("before", ["Tel:", "tel: ", "", "\n", "is ("])
def test_phone_numbers_leave_wherever_they_stand(before):
    assert "1234567" not in redacted(f"{before}030 1234567")


@pytest.mark.parametrize(
    "text",
    [
        "order 12345678", "order number 4111111111111112", "order 000123456789", "#0123 456789",
        "ticket 0123456789", "PO-2026-11-0042", "invoice 2026-000123", "article 1234-5678",
        "2026-11-10", "20261110", "10.11.2026", "11/10/2026", "01-02-2026 1015", "01.02.2026 10:15",
        "2026-11-10T09:15:02.123Z", "2026-11-10 09:15:02+02:00", "12:30:45", "1794302102123",
        "1,234.56 EUR", "1.234.567,89", "$1,299.00", "100 000", "1 000 000", "1500 2000 2500",
        "550e8400-e29b-41d4-a716-446655440000", "192.168.1.100", "10.0.0.1:8080", "1600x1200",
        "ISBN 978-3-16-148410-0", "0.123456789", "3.1415926535", "v1.2.3", "id 4242424242424241",
        "task-force-with-a-very-long-name-indeed", "risk-based", "@decorator", "user@host",
        "the bearer of this letter", "3 + 4 = 7", "(1) 2 (3) 4", "2026-11-10 2026-11-11",
    ],
)  # fmt: skip
def test_look_alikes_stay(text):
    assert redacted(text) == text


def test_clean_texts_have_no_row():
    assert redact(pl.Series(["all quiet", "order 12345678", None])).is_empty()


def test_each_distinct_text_is_told_once_with_its_count():
    texts = pl.Series(["a@b.io or +49 30 1234567", "quiet", "a@b.io or +49 30 1234567"])
    assert redact(texts).rows() == [("a@b.io or +49 30 1234567", "[EMAIL] or [PHONE]", 2)]


def test_several_of_a_kind_are_all_replaced():
    text = "415-555-0132 415-555-0133, a@b.io b@c.io, 4111111111111111/5555555555554444"
    assert redacted(text) == "[PHONE] [PHONE], [EMAIL] [EMAIL], [CARD]/[CARD]"


def test_a_number_is_told_apart_from_the_card_beside_it():
    assert redacted("10 4111 1111 1111 1111, year 2026") == "10 [CARD], year 2026"


def test_an_international_number_is_a_phone_even_if_it_could_be_a_card():
    assert redacted("+4915112345678") == "[PHONE]"


def test_empty_input_is_no_trouble():
    assert redact_texts(pl.Series([], dtype=pl.String)).len() == 0
    assert redact_texts(pl.Series([None, ""], dtype=pl.String)).to_list() == [None, ""]

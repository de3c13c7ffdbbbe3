"""Secrets and personal data leave every text; what only looks like them stays."""

import re

import polars as pl
import pytest

from llmops_pipelines.ingest import Redaction, redact, redact_texts
from llmops_pipelines.ingest.secret_shapes import _SHAPES, SECRET
from llmops_pipelines.reference import IdPattern
from llmops_pipelines.tables import REDACTION_KINDS

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
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQdG\n-----END PGP PRIVATE KEY BLOCK-----",
    "pk-lf-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f",
    "GOCSPX-" + "a1" * 14,
    "gsk_" + "a1" * 22,
    "xai-" + "a1" * 30,
    "pplx-" + "a1" * 20,
    "r8_" + "a1" * 18,
    "tvly-dev-" + "a1" * 12,
    "nvapi-" + "a1_-" * 16,
    "csk-" + "a1" * 24,
    "jina_" + "a1" * 30,
    "AZURE_OPENAI_API_KEY='" + "0a" * 16,
    'api-key": "' + "aB3" * 12,
    "pcsk_" + "a1_" * 20,
    "lsv2_pt_" + "a1" * 16 + "_0a1b2c3d4e",
    "api_org_" + "aB" * 17,
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AccountKey=" + "a1" * 43 + "==",
    "SharedAccessKey=" + "a1" * 21 + "a=",
    "?sv=2022-11-02&sig=" + "a1" * 21 + "%3D",
    "abc8Q~" + "a1" * 17,
    "glrt-abcdefghij0123456789",
    "npm_" + "a1" * 18,
    "pypi-AgEIcHlwaS5vcmc" + "a1" * 20,
    "ATATT3" + "xF" * 30,
    "/api/webhooks/123456789012345678/" + "a1" * 30,
    "123456789:AAE" + "a1" * 16,
    "whsec_" + "a1" * 16,
    "SG." + "a1" * 11 + "." + "b2" * 21 + "b",
    "SK" + "0a" * 16,
    "key-" + "0a" * 16,
    "shpat_" + "0a" * 16,
    "dop_v1_" + "0a" * 32,
    "dapi" + "0a" * 16,
    "hvs." + "a1" * 14,
    "glsa_" + "a1" * 16 + "_0a1b2c3d",
    "NRAK-" + "A1" * 13 + "A",
    "PMAK-" + "0a" * 12 + "-" + "0a" * 17,
    "lin_api_" + "a1" * 20,
    "AGE-SECRET-KEY-1" + "Q0" * 29,
    "postgres://admin:hunter22@",
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
IBANS = [
    "DE89370400440532013000",
    "DE89 3704 0044 0532 0130 00",
    "GB29 NWBK 6016 1331 9268 19",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NL91ABNA0417164300",
    "NO93 8601 1117 947",
    "AT61 1904 3002 3457 3201",
]
ADDRESSES = [
    "93.184.216.34",
    "8.8.4.44",
    "203.0.114.250",
    "2606:4700:4700::1111",
    "2001:4860:4860:0:0:0:0:8888",
    "2a00:1450:4001:81b::200e",
    "192.168.1.100",
    "10.0.0.17",
    "203.0.113.7",
    "2001:db8::1",
]


def redacted(text, *patterns):
    return redact_texts(pl.Series([text]), Redaction(patterns))[0]


def counts(text, *patterns):
    """What was found, by kind, without zeros."""
    row = redact(pl.Series([text]), Redaction(patterns)).select(REDACTION_KINDS)
    return {kind: count for kind, count in row.row(0, named=True).items() if count}


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


@pytest.mark.parametrize("iban", IBANS)
def test_bank_accounts_leave(iban):
    assert redacted(f"Pay to {iban} today.") == "Pay to [IBAN] today."
    assert counts(f"({iban})") == {"iban": 1}


def test_words_in_capitals_after_a_bank_account_stay():
    assert redacted("AT61 1904 3002 3457 3201 SEND ME MONEY") == "[IBAN] SEND ME MONEY"


@pytest.mark.parametrize("address", ADDRESSES)
def test_network_addresses_leave(address):
    assert redacted(f"Seen from {address} today.") == "Seen from [IP] today."


def test_an_address_leaves_a_url_and_its_port_stays():
    assert redacted("http://93.184.216.34:8080/x") == "http://[IP]:8080/x"


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
        "550e8400-e29b-41d4-a716-446655440000", "1600x1200",
        "ISBN 978-3-16-148410-0", "0.123456789", "3.1415926535", "v1.2.3", "id 4242424242424241",
        "task-force-with-a-very-long-name-indeed", "risk-based", "@decorator", "user@host",
        "DE89370400440532013001", "XX89370400440532013000", "MODEL AB12 CDEF 3456 7890 1234",
        "1.2.3.4", "version 12.34.56.78", "v93.184.216.34", "Version: 93.184.216.34",
        "firmware 2.14.0.3", "Section 12.10.4.2",
        "Chrome/96.0.44.110", "127.0.0.1 or 255.255.255.0", "300.184.216.34", "93.184.216.34.5",
        "fe80::1ff:fe23:4567:890a", "::1", "std::vector", "dead::beef", "aa:bb:cc:dd:ee:ff",
        "2026::month", "the whsec_ of it", "disk-key-value", "SKU 123",
        "monkey-business", "https://example.com/a:b", "the bearer of this letter", "3 + 4 = 7",
        "(1) 2 (3) 4", "2026-11-10 2026-11-11", "api_key: str | None = None", "apiKey=YOUR_KEY_1",
        "api_key = settings.keys.of_production_1", "os.environ['API_KEY_2'] = read()",
    ],
)  # fmt: skip
def test_look_alikes_stay(text):
    assert redacted(text) == text


def test_clean_texts_have_no_row():
    assert redact(pl.Series(["all quiet", "order 12345678", None])).is_empty()


def test_each_distinct_text_is_told_once_with_its_count():
    texts = pl.Series(["a@b.io or +49 30 1234567", "quiet", "a@b.io or +49 30 1234567"])
    (row,) = redact(texts).to_dicts()
    assert row == {
        "text": "a@b.io or +49 30 1234567", "redacted": "[EMAIL] or [PHONE]", "redactions": 2,
        "secret": 0, "email": 1, "card": 0, "phone": 1, "iban": 0, "ip": 0, "national_id": 0,
        "name": 0,
    }  # fmt: skip


def test_each_kind_is_counted_apart():
    text = (
        "sk-proj-abcDEF1234567890abcdef1234 a@b.io b@c.io 4111111111111111 +49 30 1234567 "
        "DE89370400440532013000 93.184.216.34"
    )
    assert counts(text) == {
        "secret": 1, "email": 2, "card": 1, "phone": 1, "iban": 1, "ip": 1
    }  # fmt: skip


def test_no_shape_of_a_secret_is_listed_twice():
    literals = [literal for shape in _SHAPES for literal in shape.literals]
    assert sorted(set(literals)) == sorted(literals)
    assert len({shape.pattern for shape in _SHAPES}) == len(_SHAPES)


def test_every_shape_of_a_secret_has_an_example():
    examples = " ".join(SECRETS)
    unseen = [shape.literals for shape in _SHAPES if not any(x in examples for x in shape.literals)]
    assert unseen == []


def test_word_boundaries_are_ascii():
    assert re.findall(r"(?<!\(\?-u:)\\b", SECRET) == []


SSN = IdPattern(name="us_ssn", pattern=r"(?-u:\b)[0-9]{3}-[0-9]{2}-[0-9]{4}(?-u:\b)")
SIN = IdPattern(name="ca_sin", pattern=r"[0-9]{3}[ -][0-9]{3}[ -][0-9]{3}", checksum="luhn")
NIR = IdPattern(name="fr_nir", pattern=r"(?-u:\b)[12][0-9]{14}(?-u:\b)", checksum="mod97")


def test_national_ids_of_the_configured_forms_leave():
    assert redacted("SSN 123-45-6789, see?", SSN) == "SSN [NATIONAL_ID], see?"
    assert redacted("SSN 123-45-6789, see?") == "SSN 123-45-6789, see?"
    assert counts("123-45-6789 and 987-65-4321", SSN) == {"national_id": 2}


def test_national_ids_with_a_wrong_checksum_stay():
    assert redacted("130 692 544 130 692 545", SIN) == "[NATIONAL_ID] 130 692 545"
    assert redacted("255081416802538 or 255081416802539", NIR) == "[NATIONAL_ID] or 255081416802539"


def test_an_id_leaves_as_such_even_if_it_could_be_a_phone():
    ten = IdPattern(name="ten", pattern=r"(?-u:\b)0[0-9]{2} [0-9]{7}(?-u:\b)")
    assert counts("030 1234567", ten) == {"national_id": 1}


def test_names_are_asked_for_once_what_else_was_found_is_gone():
    seen = []

    def find(texts):
        seen.extend(texts)
        return [["Jo Doe"] if "Jo Doe" in text else [] for text in texts]

    texts = pl.Series(["Jo Doe, jo@doe.io", "Nobody"])
    assert redact_texts(texts, Redaction(find_names=find)).to_list() == [
        "[NAME], [EMAIL]",
        "Nobody",
    ]
    assert seen == ["Jo Doe, [EMAIL]", "Nobody"]


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

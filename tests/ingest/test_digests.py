import hashlib
import hmac

import polars as pl
import pytest

from llmops_pipelines.ingest.digests import keyed_hashes, text_digests

TEXTS = ["", "a", "grüße", "x" * 10_000, "a", None, "\x00", "line\nend"]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_digest_is_the_beginning_of_sha_256_and_null_stays_null():
    assert text_digests(pl.Series(TEXTS), 16).to_list() == [
        None if text is None else sha(text)[:16] for text in TEXTS
    ]


def test_bytes_that_are_no_text_have_digests_too():
    held = [b"\xff\xfe", b"", None]
    assert text_digests(pl.Series(held, dtype=pl.Binary), 32).to_list() == [
        None if data is None else hashlib.sha256(data).hexdigest()[:32] for data in held
    ]


@pytest.mark.parametrize("key", [b"", b"k", b"k" * 64, b"k" * 65, bytes(range(256))])
def test_a_keyed_hash_is_hmac_sha_256(key):
    expected = [
        None if text is None else hmac.new(key, text.encode(), "sha256").hexdigest()[:16]
        for text in TEXTS
    ]
    assert keyed_hashes(pl.Series(TEXTS), key, 16).to_list() == expected


def test_another_key_gives_other_hashes():
    one, other = (keyed_hashes(pl.Series(["anna"]), key, 16)[0] for key in (b"1", b"2"))
    assert one != other


@pytest.mark.parametrize("texts", [[], [None, None]])
def test_without_texts_there_is_nothing_to_digest(texts):
    series = pl.Series(texts, dtype=pl.String)
    assert text_digests(series, 16).to_list() == texts
    assert keyed_hashes(series, b"k", 16).to_list() == texts

"""Digests of texts: SHA-256 in hex, as long as asked; and the keyed hash that hides a user."""

from __future__ import annotations

import hmac

import polars as pl
from polars_hash import CryptographicHashingNameSpace


def text_digests(texts: pl.Series, digits: int) -> pl.Series:
    """SHA-256 of each text (or run of bytes), its first ``digits`` hex digits; null stays null."""
    return texts.to_frame().select(sha256(pl.first()).str.slice(0, digits)).to_series()


def sha256(texts: pl.Expr) -> pl.Expr:
    """Hex digits, all 64, of a column at once: a loop in Python would cost twice as much."""
    return CryptographicHashingNameSpace(texts).sha2_256()


def keyed_hashes(texts: pl.Series, key: bytes, digits: int) -> pl.Series:
    """HMAC-SHA256 of each text under ``key``, its first ``digits`` hex digits; null stays null."""
    try:
        named = key.decode()
    except UnicodeDecodeError:  # the column function takes a key only as text
        return _keyed_one_by_one(texts, key, digits)
    hashed = CryptographicHashingNameSpace(pl.first()).hmac_sha256(key=named)
    return texts.to_frame().select(hashed.str.slice(0, digits)).to_series()


def _keyed_one_by_one(texts: pl.Series, key: bytes, digits: int) -> pl.Series:
    return pl.Series(
        texts.name,
        [
            None if text is None else hmac.digest(key, text.encode(), "sha256").hex()[:digits]
            for text in texts
        ],
        dtype=pl.String,
    )

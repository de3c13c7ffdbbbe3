"""Digests of texts: SHA-256 in hex, as long as asked; and the keyed hash that hides a user."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from hashlib import sha256
from typing import Final

import polars as pl
from polars_hash import CryptographicHashingNameSpace

_BLOCK: Final = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def text_digests(texts: pl.Series, digits: int) -> pl.Series:
    """SHA-256 of each text (or run of bytes), its first ``digits`` hex digits; null stays null."""
    return texts.to_frame().select(_sha256(pl.first()).str.slice(0, digits)).to_series()


def continued_digests(
    begins: pl.Series, rests: pl.Series, digits: int, whole_digits: int
) -> tuple[pl.Series, pl.Series]:
    """SHA-256 of each of ``begins``, and of the whole that ``rests`` makes of it, in hex.

    A beginning that is null counts as empty text; where the rest is null, so is the whole's digest.
    """
    begin = pl.col("begin").fill_null("")
    parts, wholes = pl.DataFrame({"begin": begins, "rest": rests}).select(
        _sha256(begin).str.slice(0, digits).alias("part"),
        _sha256(pl.concat_str(begin, "rest")).str.slice(0, whole_digits).alias("whole"),
    )
    return parts, wholes


def _sha256(texts: pl.Expr) -> pl.Expr:
    """Hex digits, all 64, of a column at once: a loop in Python would cost twice as much."""
    return CryptographicHashingNameSpace(texts).sha2_256()


def keyed_hashes(texts: pl.Series, key: bytes, digits: int) -> pl.Series:
    """HMAC-SHA256 of each text under ``key``, its first ``digits`` hex digits; null stays null."""
    distinct = texts.drop_nulls().unique()
    hashes = [_keyed_hash(key, text)[:digits] for text in distinct.to_list()]
    return _replaced(texts, distinct, pl.Series(hashes, dtype=pl.String))


# Users come back in every part of a landing.
@lru_cache(maxsize=2**17)
def _keyed_hash(key: bytes, text: str) -> str:
    inner, outer = (block.copy() for block in _blocks(key))
    inner.update(text.encode())
    outer.update(inner.digest())
    return outer.hexdigest()


@lru_cache(maxsize=8)
def _blocks(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """HMAC's two beginnings (RFC 2104): the key's own blocks, hashed once and not per text."""
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


def _replaced(texts: pl.Series, distinct: pl.Series, by: pl.Series) -> pl.Series:
    if distinct.is_empty():
        return pl.Series(texts.name, [None], dtype=pl.String).new_from_index(0, texts.len())
    return texts.replace_strict(distinct, by, return_dtype=pl.String, default=None)

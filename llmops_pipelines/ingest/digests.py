"""Digests of texts: SHA-256 in hex, as long as asked; and the keyed hash that hides a user."""

from __future__ import annotations

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
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))
    distinct = texts.drop_nulls().unique()
    hashes = []
    for text in distinct.to_list():  # HMAC with the key's own blocks hashed once, not per text
        within, around = inner.copy(), outer.copy()
        within.update(text.encode())
        around.update(within.digest())
        hashes.append(around.hexdigest()[:digits])
    return _replaced(texts, distinct, pl.Series(hashes, dtype=pl.String))


def _replaced(texts: pl.Series, distinct: pl.Series, by: pl.Series) -> pl.Series:
    if distinct.is_empty():
        return pl.Series(texts.name, [None], dtype=pl.String).new_from_index(0, texts.len())
    return texts.replace_strict(distinct, by, return_dtype=pl.String, default=None)

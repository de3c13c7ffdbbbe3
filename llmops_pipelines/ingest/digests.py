"""Digests of texts: SHA-256 in hex, as long as asked; and the keyed hash that hides a user."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import polars as pl

_BLOCK: Final = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def text_digests(texts: pl.Series, digits: int) -> pl.Series:
    """SHA-256 of each text, its first ``digits`` hex digits; null stays null.

    Texts that repeat, such as prompts, are hashed once.
    """
    distinct = texts.drop_nulls().unique()
    digests = [sha256(text.encode()).hexdigest()[:digits] for text in distinct.to_list()]
    return _replaced(texts, distinct, pl.Series(digests, dtype=pl.String))


def continued_digests(
    begins: pl.Series, rests: pl.Series, digits: int, whole_digits: int
) -> tuple[pl.Series, pl.Series]:
    """SHA-256 of each of ``begins``, and of the whole that ``rests`` makes of it, in hex.

    A beginning that is null counts as empty text; where the rest is null, so is the whole's digest.
    """
    parts, wholes = list[str](), list[str | None]()
    for begin, rest in zip(begins.to_list(), rests.to_list(), strict=True):
        digest = sha256(begin.encode() if begin else b"")
        parts.append(digest.hexdigest()[:digits])
        if rest is None:
            wholes.append(None)
        else:
            digest.update(rest.encode())
            wholes.append(digest.hexdigest()[:whole_digits])
    return pl.Series(parts, dtype=pl.String), pl.Series(wholes, dtype=pl.String)


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

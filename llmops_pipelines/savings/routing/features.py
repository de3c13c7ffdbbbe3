"""What a question shows on its face: simple features that a router can compute in microseconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

Matrix = npt.NDArray[np.float64]

_READ_CHARS = 20_000
"""A longer text is judged by its beginning: what follows is material, rarely the question."""

_OPTION = r"(?m)^\s*(?:\(?[A-J][.):]|\(?[1-9][.)])\s"
_CODE = r"```|\bdef \w+\(|\bclass \w+|\bimport \w+|#include|\breturn\b|;\s*$|\bSELECT\b|=>|[{}]"
_FORMULA = r"\\[a-zA-Z]+|\$|\^|[∑∫√≤≥≠±\u00d7÷]|\b\d+\s*[-+*/=]\s*\d+"
_REASONING = r"(?i)\b(?:why|how|explain|prove|derive|compare|analy[sz]e|evaluate|step by step)\b"
_RECALL = r"(?i)\b(?:who|when|where|which|what)\b"
_NEGATION = r"(?i)\b(?:not|except|least|false|incorrect|never|none)\b"
_SENTENCE = r"[.!?](?:\s|$)"


def _features() -> dict[str, pl.Expr]:
    text = pl.col("text").str.slice(0, _READ_CHARS)
    length = text.str.len_chars().cast(pl.Float64)
    words = text.str.count_matches(r"\S+").cast(pl.Float64)

    def count(pattern: str) -> pl.Expr:
        return text.str.count_matches(pattern).cast(pl.Float64).log1p()

    def share(pattern: str) -> pl.Expr:
        return text.str.count_matches(pattern).cast(pl.Float64) / (length + 1)

    return {
        "log characters": length.log1p(),
        "log words": words.log1p(),
        "characters a word": (length / (words + 1)).clip(0, 20),
        "log sentences": count(_SENTENCE),
        "log lines": count("\n"),
        "log digits": count(r"\d"),
        "log numbers": count(r"\d+(?:[.,]\d+)?"),
        "log options": count(_OPTION),
        "log marks of code": count(_CODE),
        "log marks of formulas": count(_FORMULA),
        "log question marks": count(r"\?"),
        "log words of reasoning": count(_REASONING),
        "log words of recall": count(_RECALL),
        "log negations": count(_NEGATION),
        "share of capitals": share(r"\p{Lu}"),
        "share beyond ASCII": share(r"[^\x00-\x7F]"),
    }


FEATURES = tuple(_features())
"""Names of the simple features, in the order of the columns."""


def simple_features(texts: pl.Series | Sequence[str | None]) -> Matrix:
    """One row per text, one column per name of ``FEATURES``; an empty text is all zeros."""
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String).fill_null("")})
    return frame.select(**_features()).to_numpy().astype(np.float64)

"""What went wrong with a failed call, in eight classes that every provider's words fall into."""

from __future__ import annotations

from functools import reduce
from typing import Final

import polars as pl

ERROR_CLASSES: Final = (
    "timeout", "rate_limit", "context_length", "content_filter", "auth", "server", "network",
    "other",
)  # fmt: skip

_WORDS: Final = (
    ("context_length", r"context[ _-]?(length|window|limit)|maximum (context|prompt)"
     r"|too many tokens|(prompt|input) is too long|maximum number of tokens|max_new_tokens` must be"
     r"|reduce the length of|must have less than \d+ tokens|string_above_max_length"
     r"|model_max_prompt"),
    ("content_filter", r"content[ _-]?(filter|policy|management)|responsibleai|moderation|safety"),
    ("rate_limit", r"rate[ _-]?limit|too many requests|insufficient_quota|quota|throttl"
     r"|resource[ _]?exhausted|tokens per min|requests per min|calls ?/ ?min|capacity temporarily"),
    ("timeout", r"time[ _-]?d?[ _-]?out|deadline"),
    ("auth", r"auth|api[ _-]?key|permission|forbidden|access ?denied|invalid_organization"),
    ("network", r"connection|network|dns|socket|econn|unreachable|getaddrinfo|\bssl\b|\btls\b"
     r"|broken pipe|peer closed"),
    ("server", r"server|internal|unavailable|overloaded|bad gateway|engine|api_error"),
)  # fmt: skip

_STATUS: Final = (
    ("timeout", pl.col("http").is_in([408, 504])),
    ("rate_limit", pl.col("http") == 429),
    ("context_length", pl.col("http") == 413),
    ("auth", pl.col("http").is_in([401, 403, 407])),
    ("server", pl.col("http").is_between(500, 599)),
)


def classify_errors(frame: pl.DataFrame) -> pl.Series:
    """The class of each failed call, by its type or code, else its HTTP status, else its message.

    Words come before the status, because a context that is too long and a filtered prompt both
    arrive as 400.

    Args:
        frame: One row per failed call with ``error_class`` (the provider's type), ``error_code``,
            ``error_status`` (HTTP) and ``error_message``, all text, any of them null.
    """
    spelled = pl.concat_str("error_class", "error_code", separator=" ", ignore_nulls=True)
    http = pl.coalesce(
        pl.col(name).cast(pl.Int64, strict=False)
        for name in ("error_status", "error_code", "error_class")
    )
    return (
        frame.select(
            spelled=spelled.str.to_lowercase(),
            http=http,
            message=pl.col("error_message").str.slice(0, 2_000).str.to_lowercase(),
        )
        .select(
            error_class=pl.coalesce(
                _by_words("spelled"), _by_status(), _by_words("message"), pl.lit("other")
            )
        )
        .to_series()
    )


def _by_words(column: str) -> pl.Expr:
    none = pl.lit(None, pl.String)
    text = pl.col(column)
    return reduce(
        lambda rest, pair: (
            pl.when(text.str.contains(pair[1])).then(pl.lit(pair[0])).otherwise(rest)
        ),
        reversed(_WORDS),
        none,
    )


def _by_status() -> pl.Expr:
    return reduce(
        lambda rest, pair: pl.when(pair[1]).then(pl.lit(pair[0])).otherwise(rest),
        reversed(_STATUS),
        pl.lit(None, pl.String),
    )

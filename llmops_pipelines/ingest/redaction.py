"""The floor of redaction: keys, tokens, e-mail addresses, phone and card numbers leave every text.

Patterns are in the form Rust's regex reads fast: a literal in front, ASCII digits, ASCII word
boundaries. A cheap look for such literals, and for runs of digits, keeps clean texts from being
searched at all.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_KEYS: Final = (
    "sk-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxa-",
    "xoxb-", "xoxe", "xoxp-", "xoxr-", "xoxs-", "xapp-", "hooks.slack.com", "AIza", "ya29.",
    "GOCSPX-",
    "eyJ", "earer ", "EARER ", "_live_", "_test_", "hf_", "PRIVATE KEY",
)  # fmt: skip

_SECRET: Final = "|".join(
    (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\\\s-]*?-----END [A-Z ]*PRIVATE KEY-----",
        r"(?-u:\b)sk-[A-Za-z0-9_-]{20,}",  # OpenAI, Anthropic and those who copied their form
        r"(?-u:\b)(?:AKIA|ASIA)[0-9A-Z]{16}(?-u:\b)",
        r"(?-u:\b)gh[opusr]_[A-Za-z0-9]{30,}",
        r"(?-u:\b)github_pat_[A-Za-z0-9_]{22,}",
        r"(?-u:\b)glpat-[A-Za-z0-9_-]{20,}",
        r"(?-u:\b)(?:xox[abeprs](?:\.xox[bp])?|xapp)-[A-Za-z0-9-]{10,}",
        r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}",
        r"(?-u:\b)AIza[0-9A-Za-z_-]{35}",
        r"(?-u:\b)ya29\.[0-9A-Za-z_-]{20,}",
        r"(?-u:\b)GOCSPX-[0-9A-Za-z_-]{20,}",
        r"(?-u:\b)(?:sk|rk|pk|whsec)_(?:live|test)_[0-9A-Za-z]{16,}",
        r"(?-u:\b)hf_[A-Za-z0-9]{30,}",
        r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",  # JWT
        r"(?-u:\b)(?:[Bb]earer|BEARER) +[A-Za-z0-9._~+/-]*[0-9][A-Za-z0-9._~+/-]{15,}=*",
        r"(?-u:\b)(?:[Bb]earer|BEARER) +[A-Za-z0-9._~+/-]{15,}[0-9][A-Za-z0-9._~+/-]*=*",
    )
)
_EMAIL: Final = r"\w(?:[\w.%+'-]*[\w%+-])?@[\w-]+(?:\.[\w-]+)*\.\p{L}{2,}"

_DIGITS: Final = r"[0-9][0-9 ()./\x{a0}-]{6,}[0-9]"
"""Texts without such a run hold neither a card nor a phone number."""

_CARD: Final = (
    r"(?-u:\b)(?:[0-9]{13,19}"
    r"|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,4}(?:[ -][0-9]{1,3})?"
    r"|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5})(?-u:\b)"
)
_ISSUER: Final = (
    r"^(?:4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}|(?:60|62|64|65|81)[0-9]{14,17}|35[0-9]{14}"
    r"|(?:50|56|57|58|6[0-9])[0-9]{10,17})$"
)

_BEFORE: Final = r"(?:^|[^0-9A-Za-z.,:_/#-]|[A-Za-z]:)"
"""What may stand before a phone number: not a number, a word, a path or a time going on."""

_INTERNATIONAL: Final = (  # +49 30 1234567, +1 (415) 555-0132
    _BEFORE + r"\(?\+[1-9][0-9]{0,2}\)?[ ./-]?(?:\([0-9]{1,5}\)[ ./-]?)?"
    r"[0-9](?:[ ./-]?[0-9]){5,12}(?-u:\b)"
)
_NATIONAL: Final = "|".join(
    (
        # 0049 30 1234567, but no group of a longer number
        r"(?:^|[^0-9A-Za-z .,:_/#-]|[A-Za-z]:|[^0-9] )"
        r"00[1-9][0-9]{0,2}[ ./-][0-9](?:[ ./-]?[0-9]){6,12}(?-u:\b)",
        # (415) 555-0132, 415-555-0132, 1-415-555-0132
        _BEFORE + r"(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[1-9][0-9]{2}[.-]|[2-9][0-9]{2} )"
        r"[0-9]{3}[ .-][0-9]{4}(?-u:\b)",
        # 030 1234567, 0151/12345678, (030) 123 45 67, 01 23 45 67 89
        _BEFORE + r"(?:\(0[1-9][0-9]{0,4}\)|0[1-9][0-9]{0,4})[ /-]{1,3}"
        r"[0-9]{2,}(?:[ -]?[0-9]{2,}){0,4}(?-u:\b)",
    )
)
_DATE: Final = (
    r"(?:19|20)[0-9]{2}[./-](?:0[1-9]|1[0-2])[./-](?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)[0-9]{2}"
    r"|(?:0?[1-9]|1[0-2])[./-](?:0?[1-9]|[12][0-9]|3[01])[./-](?:19|20)[0-9]{2}"
)

REDACTED: Final = pl.Schema({"text": pl.String, "redacted": pl.String, "redactions": pl.Int32})


def redact(texts: pl.Series) -> pl.DataFrame:
    """What has to be changed in ``texts``: one row per distinct text that holds something.

    Returns:
        ``text`` as it was, ``redacted`` with ``[SECRET]``, ``[EMAIL]``, ``[CARD]`` and ``[PHONE]``
        in place of what was found, and ``redactions``, their number. Clean texts have no row.
    """
    found = texts.str.contains_any(list(_KEYS)) | texts.str.contains("@", literal=True)
    found |= texts.str.contains(_DIGITS)
    if not found.any():
        return pl.DataFrame(schema=REDACTED)
    frame = pl.DataFrame({"text": texts}).filter(found).unique(maintain_order=True)
    frame = frame.with_columns(redacted="text", redactions=pl.lit(0, pl.Int32))
    frame = _replaced(frame, _SECRET, "[SECRET]", pl.col("redacted").str.contains_any(list(_KEYS)))
    frame = _replaced(frame, _EMAIL, "[EMAIL]", pl.col("redacted").str.contains("@", literal=True))
    for pattern, mark, real in (
        (_INTERNATIONAL, "[PHONE]", _is_phone()),
        (_CARD, "[CARD]", _is_card()),
        (_NATIONAL, "[PHONE]", _is_phone()),
    ):
        frame = _without_numbers(frame, pattern, mark, real)
    return frame.filter(pl.col("redactions") > 0).select(REDACTED.names())


def redact_texts(texts: pl.Series) -> pl.Series:
    """``texts`` with everything redacted."""
    changes = redact(texts)
    if changes.is_empty():
        return texts
    return texts.replace(changes["text"], changes["redacted"])


def _replaced(frame: pl.DataFrame, pattern: str, mark: str, maybe: pl.Expr) -> pl.DataFrame:
    maybe_rows, others = frame.filter(maybe), frame.filter(~maybe)
    text = pl.col("redacted")
    changed = maybe_rows.with_columns(
        redactions=pl.col("redactions") + text.str.count_matches(pattern).cast(pl.Int32),
        redacted=text.str.replace_all(pattern, mark),
    )
    return pl.concat([changed, others])


def _without_numbers(frame: pl.DataFrame, pattern: str, mark: str, real: pl.Expr) -> pl.DataFrame:
    """Replace the numbers that ``pattern`` finds and ``real`` confirms; others stay as they are."""
    candidates = (
        frame.with_row_index("row")
        .filter(pl.col("redacted").str.contains(_DIGITS))
        .select("row", number=pl.col("redacted").str.extract_all(pattern))
        .explode("number")
        .drop_nulls()
        .with_columns(pl.col("number").str.replace(r"^[^+(0-9]+", ""))
    )
    confirmed = candidates.filter(real)
    if confirmed.is_empty():
        return frame
    texts, counts = frame["redacted"].to_list(), frame["redactions"].to_list()
    for row, number in confirmed.iter_rows():  # only texts that do hold a number
        texts[row] = texts[row].replace(number, mark, 1)
        counts[row] += 1
    return frame.with_columns(
        redacted=pl.Series(texts, dtype=pl.String), redactions=pl.Series(counts, dtype=pl.Int32)
    )


def _digits() -> pl.Expr:
    return pl.col("number").str.replace_all(r"[^0-9]", "")


def _is_card() -> pl.Expr:
    """Issuer, length and check digit (Luhn) are those of a payment card."""
    padded = _digits().str.pad_start(19, "0")
    total = pl.lit(0, pl.Int64)
    for place in range(19):
        digit = padded.str.slice(place, 1).cast(pl.Int64, strict=False)
        if place % 2:  # every second digit, counted from the check digit at place 18
            digit = pl.when(digit > 4).then(digit * 2 - 9).otherwise(digit * 2)
        total = total + digit
    return _digits().str.contains(_ISSUER) & (total % 10 == 0)


def _is_phone() -> pl.Expr:
    """Enough digits for a whole number with its area, and not a date."""
    national = pl.col("number").str.contains(r"^\(?0[1-9]")
    enough = _digits().str.len_chars() >= pl.when(national).then(9).otherwise(8)
    return enough & ~pl.col("number").str.contains(rf"^(?:{_DATE})")

"""Numbers that identify somebody: bank accounts, cards, phones and network addresses.

What they have in common is a run of digits. Such runs are cut out of the texts once (a few
characters of context with them); the patterns then read only these cuttings, and checksums and
registries decide.
"""

from __future__ import annotations

import ipaddress
from typing import Final

import polars as pl

DIGITS: Final = r"[0-9][0-9 ()./\x{a0}-]{6,}[0-9]"
"""Texts without such a run hold none of these numbers, apart from IPv6 addresses."""

_IBAN: Final = r"(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?-u:\b)"

_NUMBERED: Final = r"[Vv](?:er(?:sion|\.)?)?|[Ff]irmware|[Rr]elease|[Bb]uild|[Ss]ection|[Cc]hapter"
"""What four numbers behind it are a version of, or a place in a text."""

CUTTING: Final = (
    _IBAN + rf"|(?:(?:{_NUMBERED})[ :]{{0,2}}|[^0-9]{{0,2}})[+(]{{0,2}}"
    r"[0-9][0-9 ()./\x{a0}-]{6,}[0-9][0-9A-Za-z_]*"
)
"""A run of digits with what tells whether it is a number of its own: before it and after it."""

_COUNTRIES_BY_LENGTH: Final = {
    15: "NO", 16: "BE", 18: "DK FK FO FI GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IR IS TR",
    27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA",
    30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in _COUNTRIES_BY_LENGTH.items()
    for country in countries.split()
}
"""Length of an IBAN by the country it begins with, as the registry has it."""

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

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"(?:^|//|[^0-9A-Za-z.,_/-])(?:{_OCTET}\.){{3}}{_OCTET}(?:\.[0-9]+)*(?-u:\b)"
_VERSION: Final = rf"^(?:{_NUMBERED})[ :]{{0,2}}[0-9]"

IPV6_BEGINS: Final = r"[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]"
"""Every address that is routed in public begins so."""

_IPV6: Final = (
    r"(?-u:\b)[23][0-9A-Fa-f]{3}(?:(?::[0-9A-Fa-f]{1,4}){7}"
    r"|(?::[0-9A-Fa-f]{1,4}){0,5}::[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5})(?-u:\b)"
)


def redact_cuttings(cuttings: pl.DataFrame) -> pl.DataFrame:
    """Replace numbers in ``cuttings`` (``redacted``, and a count column per kind).

    Bank accounts come first, and phones in national form last: theirs is the widest pattern.
    """
    frame = _without(cuttings, _IBAN, "iban", None)
    frame = _without(frame, _INTERNATIONAL, "phone", _is_phone())
    frame = _without(frame, _CARD, "card", _is_card())
    frame = _without(frame, _IPV4, "ip", None, unless=_VERSION)
    return _without(frame, _NATIONAL, "phone", _is_phone())


def redact_ipv6(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace routable IPv6 addresses in the texts of ``frame``."""
    maybe = frame["redacted"].str.contains(IPV6_BEGINS)
    if not maybe.any():
        return frame
    return pl.concat([_without(frame.filter(maybe), _IPV6, "ip", None), frame.filter(~maybe)])


def _without(
    frame: pl.DataFrame, pattern: str, kind: str, real: pl.Expr | None, *, unless: str | None = None
) -> pl.DataFrame:
    """Replace what ``pattern`` finds and ``real`` (or the kind's own check) confirms."""
    texts = frame["redacted"]
    maybe = texts.str.contains(pattern)
    if unless is not None:
        maybe &= ~texts.str.contains(unless)
    candidates = (
        frame.select("redacted", kind)
        .with_row_index("row")
        .filter(maybe)
        .select("row", number=pl.col("redacted").str.extract_all(pattern))
        .explode("number")
        .drop_nulls()
        .with_columns(pl.col("number").str.replace(r"^[^+(0-9A-Z]+|^[A-Za-z]:", ""))
    )
    if real is not None:
        candidates = candidates.filter(real)
    else:
        own = _own_number if kind == "iban" else _address
        found = [own(number) for number in candidates["number"].to_list()]
        candidates = candidates.with_columns(number=pl.Series(found, dtype=pl.String)).drop_nulls()
    if candidates.is_empty():
        return frame
    mark = f"[{kind.upper()}]"
    redacted, counts = texts.to_list(), frame[kind].to_list()
    begin: dict[int, int] = {}
    for row, number in candidates.iter_rows():  # only texts that do hold a number
        place = redacted[row].find(number, begin.get(row, 0))
        redacted[row] = redacted[row][:place] + mark + redacted[row][place + len(number) :]
        begin[row] = place + len(mark)
        counts[row] += 1
    return frame.with_columns(
        pl.Series(kind, counts, dtype=pl.Int32), redacted=pl.Series(redacted, dtype=pl.String)
    )


def _digits() -> pl.Expr:
    return pl.col("number").str.replace_all(r"[^0-9]", "")


def is_luhn(number: pl.Expr) -> pl.Expr:
    """Whether the check digit of up to 19 digits is right; other characters are passed over."""
    padded = number.str.replace_all(r"[^0-9]", "").str.pad_start(19, "0")
    total = pl.lit(0, pl.Int64)
    for place in range(19):
        digit = padded.str.slice(place, 1).cast(pl.Int64, strict=False)
        if place % 2:  # every second digit, counted from the check digit at place 18
            digit = pl.when(digit > 4).then(digit * 2 - 9).otherwise(digit * 2)
        total = total + digit
    return total % 10 == 0


def is_mod97(number: str) -> bool:
    """Whether the last two digits check the others, as ISO 7064 has it or as their complement.

    ISO 7064 is what LEIs use (letters count from A = 10); the complement to 97 is what national
    numbers in France and Belgium use.
    """
    digits = _as_digits(number)
    if len(digits) < 3:
        return False
    return int(digits) % 97 == 1 or (int(digits[:-2]) + int(digits[-2:])) % 97 == 0


def _as_digits(text: str) -> str:
    return "".join(str(int(sign, 36)) for sign in text.upper() if sign.isascii() and sign.isalnum())


def _is_card() -> pl.Expr:
    """Issuer, length and check digit (Luhn) are those of a payment card."""
    return _digits().str.contains(_ISSUER) & is_luhn(pl.col("number"))


def _is_phone() -> pl.Expr:
    """Enough digits for a whole number with its area, and not a date."""
    national = pl.col("number").str.contains(r"^\(?0[1-9]")
    enough = _digits().str.len_chars() >= pl.when(national).then(9).otherwise(8)
    return enough & ~pl.col("number").str.contains(rf"^(?:{_DATE})")


def _own_number(candidate: str) -> str | None:
    """The IBAN that ``candidate`` begins with, without words that follow it; None if it is none."""
    length = _IBAN_LENGTHS.get(candidate[:2])
    places = [place for place, sign in enumerate(candidate) if sign != " "]
    if length is None or len(places) < length:
        return None
    number = candidate[: places[length - 1] + 1]
    if candidate[len(number) : len(number) + 1].isalnum():
        return None
    compact = number.replace(" ", "")
    return number if int(_as_digits(compact[4:] + compact[:4])) % 97 == 1 else None


def _address(candidate: str) -> str | None:
    """``candidate`` if it is the address of one machine other than the one it is read on.

    Private ones count: inside a company, or beside another log, they tell people apart.
    """
    try:
        address = ipaddress.ip_address(candidate)
    except ValueError:
        return None
    no_machine = (
        address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved
    )
    return None if no_machine else candidate

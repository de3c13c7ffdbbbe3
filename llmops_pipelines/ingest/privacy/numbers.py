"""Numbers that identify somebody: bank accounts, cards, phones and network addresses.

What they have in common is a run of digits. Such runs are cut out of the texts once (a few
characters of context with them); the patterns then read only these cuttings, and checksums and
registries decide.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final

import polars as pl

from llmops_pipelines.ingest.privacy.phone_shapes import (
    CALLED,
    COMPACT,
    DATE,
    INTERNATIONAL,
    ITEM,
    NATIONAL,
    NUMBERED_ITEM,
)

_WIDE: Final = r"\x{ff08}-\x{ff19}\x{3000}"
"""Digits, plus, hyphen, brackets and space as keyboards of East Asia write them."""
_APART: Final = r" ()./\x{a0}\x{2007}-\x{2015}\x{202f}\x{2212}-"
"""What may stand between the digits of a number; models like to write hyphens and spaces that do
not break."""

_RUN: Final = rf"[0-9][0-9{_APART}]{{6,}}[0-9]"
_WIDE_RUN: Final = rf"[\x{{ff10}}-\x{{ff19}}][\x{{ff10}}-\x{{ff19}}{_WIDE}{_APART}]{{6,}}"
DIGITS: Final = (_RUN, r"[\x{ff10}-\x{ff19}]{3}")
"""Texts with neither of these runs hold none of these numbers, apart from IPv6 addresses."""

_AS_PLAIN: Final = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF08, 0xFF1A)}
    | dict.fromkeys("\xa0\u2007\u2008\u2009\u200a\u202f\u3000", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)

_IBAN: Final = (
    r"(?-u:\b)(?:[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{4}){2,7}(?:[ -]?[0-9A-Z]{1,3})?"
    r"|[a-z]{2}[0-9]{2}(?:[ -]?[0-9a-z]{4}){2,7}(?:[ -]?[0-9a-z]{1,3})?)(?-u:\b)"
)

_NUMBERED: Final = (
    r"[Vv](?:er(?:sion|\.)?)?|[Ff]irmware|[Rr]elease|[Bb]uild|[Ss]ection|[Cc]hapter"
    r"|[Kk]ernel|[Ww]indows|[Aa]rticle|Art\.|§"
)
"""What four numbers behind it are a version of, or a place in a text."""

_IBAN_CUT: Final = _IBAN.replace("[ -]", r"[ \x{a0}\x{202f}\x{2010}\x{2011}-]")
CUTTING: Final = (
    rf"{_IBAN_CUT}|(?:(?:{_NUMBERED})[ :]{{0,2}}|{ITEM}|{CALLED}|[^0-9]{{0,2}})"
    r"[+(\x{ff08}\x{ff0b}]{0,2}"
    rf"(?:{_RUN}|{_WIDE_RUN})(?:[eE][+-][0-9]+|[0-9A-Za-z_]*)"
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
    r"(?-u:\b)(?:[0-9]{12,19}"
    r"|[0-9]{4}(?:\.[0-9]{4}){3}\.[0-9]{3}"
    r"|[0-9]{4}[ .-]{1,2}[0-9]{4}[ .-]{1,2}[0-9]{4}[ .-]{1,2}[0-9]{1,4}(?:[ -][0-9]{1,3})?"
    r"|3[0-9]{3}[ .-][0-9]{6}[ .-][0-9]{4,5})(?-u:\b)"
)
_ISSUER: Final = (
    r"^(?:4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}|(?:60|62|64|65|81)[0-9]{14,17}|35[0-9]{14}"
    r"|(?:2131|1800)[0-9]{11}|(?:9792|9804)[0-9]{12}|(?:50|56|57|58|6[0-9])[0-9]{11,17}"
    r"|(?:0604|50(?:18|20|38)|5[678][0-9]{2}|6(?:304|390|759|76[123]))[0-9]{8})$"
)

_POINT_BEFORE: Final = re.compile(r"(?:^|[\s0-9,;:(\[=+*/-])\.$")
_POINT_AFTER: Final = re.compile(r"\.[0-9]")

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = (
    r"(?:^/?|//|[^0-9A-Za-z./_-]/|[^0-9A-Za-z._/-])"  # Java writes /93.184.216.34
    rf"(?:{_OCTET}\.){{3}}{_OCTET}(?:\.[0-9]+)*(?-u:\b)"
)
_VERSION: Final = rf"^(?:{_NUMBERED})[ :]{{0,2}}[0-9]"

IPV6_HINT: Final = r":(?:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:|:[0-9A-Fa-f])"
"""Every IPv6 address holds one of these, and no time of day does."""

_IPV6: Final = (
    r"(?-u:\b)(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
    r"|[23][0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{1,4}){0,5}::[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5})"
    r"(?-u:\b)"
)
"""Eight groups; or fewer, without zeros, that begin as all those do that are routed in public."""


def redact_cuttings(cuttings: pl.DataFrame) -> pl.DataFrame:
    """Replace numbers in ``cuttings`` (``redacted``, and a count column per kind).

    Bank accounts come first, and phones in national form last: theirs is the widest pattern.
    """
    frame = _without(_plain(cuttings), _IBAN, "iban", _iban)
    frame = _without(frame, INTERNATIONAL, "phone", _is_phone())
    frame = _without(frame, _CARD, "card", _is_card())
    frame = _without(frame, _IPV4, "ip", _ipv4, unless=_VERSION)
    frame = _without(frame, NATIONAL, "phone", _is_phone())
    return _without(frame, COMPACT, "phone", pl.lit(value=True), unless=NUMBERED_ITEM)


def _plain(cuttings: pl.DataFrame) -> pl.DataFrame:
    """``cuttings`` with wide digits and unbreakable hyphens and spaces as ASCII has them."""
    wide = cuttings["redacted"].str.contains(r"[^\x00-\x7f]")
    if not wide.any():
        return cuttings
    plain = [text.translate(_AS_PLAIN) for text in cuttings["redacted"].filter(wide).to_list()]
    return cuttings.with_columns(cuttings["redacted"].scatter(wide.arg_true(), plain))


def redact_ipv6(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace IPv6 addresses in the texts of ``frame``."""
    maybe = frame["redacted"].str.contains(IPV6_HINT)
    if not maybe.any():
        return frame
    found = _without(frame.filter(maybe), _IPV6, "ip", _ipv6)
    return pl.concat([found, frame.filter(~maybe)])


def _without(
    frame: pl.DataFrame,
    pattern: str,
    kind: str,
    real: pl.Expr | Callable[[str], str | None],
    *,
    unless: str | None = None,
) -> pl.DataFrame:
    """Replace what ``pattern`` finds and ``real`` confirms.

    An expression is asked of numbers without what stands before them, a function what of a find is
    the number.
    """
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
    )
    if isinstance(real, pl.Expr):
        bare = pl.col("number").str.replace(r"^[^+(0-9]+", "")
        candidates = candidates.with_columns(bare).filter(real)
    else:
        found = [real(number) for number in candidates["number"].to_list()]
        candidates = candidates.with_columns(number=pl.Series(found, dtype=pl.String)).drop_nulls()
    if candidates.is_empty():
        return frame
    mark = f"[{kind.upper()}]"
    redacted, counts = texts.to_list(), frame[kind].to_list()
    begin: dict[int, int] = {}
    for row, number in candidates.iter_rows():  # only texts that do hold a number
        place = redacted[row].find(number, begin.get(row, 0))
        before, after = redacted[row][:place], redacted[row][place + len(number) :]
        if kind == "ip" or not _is_of_a_fraction(before, number, after):
            redacted[row] = before + mark + after
            counts[row] += 1
        begin[row] = len(redacted[row]) - len(after)
    return frame.with_columns(
        pl.Series(kind, counts, dtype=pl.Int32), redacted=pl.Series(redacted, dtype=pl.String)
    )


def _is_of_a_fraction(before: str, number: str, after: str) -> bool:
    """Whether ``number`` goes on behind a decimal point, or stands behind one.

    What is not written in digits alone is no part of a fraction.
    """
    pointed = _POINT_AFTER.match(after) is not None or _POINT_BEFORE.search(before) is not None
    return number.isdigit() and pointed


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
    thousands = r"^\+[0-9]{1,3}(?:\.[0-9]{3})+$"
    return enough & ~pl.col("number").str.contains(rf"^(?:{DATE})|{thousands}")


def _iban(candidate: str) -> str | None:
    """The IBAN that ``candidate`` begins with, without words that follow it; None if it is none.

    One of another length than its country's, which only people who make them up write, is one if
    its checksum says so.
    """
    length = _IBAN_LENGTHS.get(candidate[:2].upper())
    if length is None:
        return None
    places = [place for place, sign in enumerate(candidate) if sign not in " -"]
    number = candidate[: places[length - 1] + 1] if len(places) >= length else candidate
    if candidate[len(number) : len(number) + 1].isalnum():
        number = candidate
    digits = _as_digits(number[4:] + number[:4])
    return number if int(digits) % 97 == 1 else None


def _ipv4(candidate: str) -> str | None:
    """``candidate`` if it is the address of one machine other than the one it is read on.

    Private ones count: inside a company, or beside another log, they tell people apart.
    """
    number = re.sub(r"^[^0-9]+", "", candidate)
    try:
        address = ipaddress.IPv4Address(number)
    except ValueError:
        return None
    no_machine = (
        address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved
    )
    return None if no_machine else number


def _ipv6(candidate: str) -> str | None:
    """``candidate`` if it is the address of one machine, and no identifier of a network card."""
    if all(len(group) <= 2 for group in candidate.split(":")):
        return None
    try:
        address = ipaddress.IPv6Address(candidate)
    except ValueError:
        return None
    return None if address.is_loopback or address.is_multicast else candidate

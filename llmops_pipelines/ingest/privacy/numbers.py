"""Numbers that identify somebody: bank accounts, cards, phones and network addresses.

What they have in common is a run of digits. Such runs are cut out of the texts once (a few
characters of context with them); the patterns then read only these cuttings, and checksums and
registries decide.
"""

from __future__ import annotations

import ipaddress
from typing import Final

import polars as pl

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

_CALLED: Final = (
    r"(?:[Pp]hone|PHONE|[Tt]el(?:efono?)?|TEL|[Mm]obile?|[Cc]ell|[Ww]hats[Aa]pp|[Hh]andy|[Ff]ax|SMS)"
    r"(?:[ _-]?(?:[Nn]umber|NUMBER|[Nn]ummer|[Nn]o|[Nn]r|[Nn]um))?"
    r"\\{0,3}[\"']?[.:= ]{0,3}(?:is |at )?\\{0,3}[\"']?"
)
"""After these words digits without a form are a phone number, too."""

_IBAN_CUT: Final = _IBAN.replace("[ -]", r"[ \x{a0}\x{202f}\x{2010}\x{2011}-]")
CUTTING: Final = (
    rf"{_IBAN_CUT}|(?:(?:{_NUMBERED})[ :]{{0,2}}|{_CALLED}|[^0-9]{{0,2}})"
    r"[+(\x{ff08}\x{ff0b}]{0,2}"
    rf"(?:{_RUN}|{_WIDE_RUN})[0-9A-Za-z_]*"
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
    r"|[0-9]{4}[ .-]{1,2}[0-9]{4}[ .-]{1,2}[0-9]{4}[ .-]{1,2}[0-9]{1,4}(?:[ .-][0-9]{1,3})?"
    r"|3[0-9]{3}[ .-][0-9]{6}[ .-][0-9]{4,5})(?-u:\b)"
)
_ISSUER: Final = (
    r"^(?:4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}|(?:60|62|64|65|81)[0-9]{14,17}|35[0-9]{14}"
    r"|(?:50|56|57|58|6[0-9])[0-9]{10,17})$"
)

_BEFORE: Final = r"(?:^|[^0-9A-Za-z.:_/#+-]|[^0-9]:)"
"""What may stand before a phone number: not a number, a word, a path or a time going on."""

_ALONE: Final = r"(?:^|[^0-9A-Za-z .:_/#+-]|[^0-9]:|[^0-9] )"
"""What may stand before it where a number in groups of digits would look the same."""

_INTERNATIONAL: Final = (  # +49 30 1234567, +1 (415) 555-0132, +49 151 / 123 456 78
    r"(?:^|[^0-9A-Za-z+])\(?\+[1-9][0-9]{0,2}\)?[ ./-]{0,3}(?:\([0-9]{1,5}\)[ ./-]{0,3})?"
    r"[0-9](?:(?:[ ./-]| / |  )?[0-9]){5,12}(?-u:\b)"
)
_NATIONAL: Final = "|".join(
    (
        # 0049 30 1234567, but no group of a longer number
        _ALONE + r"00[1-9][0-9]{0,2}[ ./-](?:\(0\) ?)?[0-9](?:[ ./-]?[0-9]){6,12}(?-u:\b)",
        # (415) 555-0132, 415-555-0132, 1-415-555-0132
        _BEFORE + r"(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[1-9][0-9]{2}[.-]|[2-9][0-9]{2} )"
        r"[0-9]{3}[ .-][0-9]{4}(?-u:\b)",
        # 030 1234567, 0151/12345678, (030) 123 45 67, 01 23 45 67 89
        _BEFORE + r"(?:\(0[1-9][0-9]{0,4}\)|0[1-9][0-9]{0,4})[ /-]{1,3}"
        r"[0-9]{2,}(?:[ -]?[0-9]{2,}){0,4}(?-u:\b)",
        # 01.23.45.67.89, 8 (912) 345-67-89, (11) 91234-5678, 138 1234 5678
        _BEFORE + r"(?:0[1-9](?:\.[0-9]{2}){4}"
        r"|8[ -]?\([0-9]{3}\) ?[0-9]{3}-?[0-9]{2}-?[0-9]{2}"
        r"|\([1-9][0-9]\) ?9?[0-9]{4}-[0-9]{4})(?-u:\b)",
        _ALONE + r"1[3-9][0-9][ -][0-9]{4}[ -][0-9]{4}(?-u:\b)",
        # tel. 0301234567, "phone": "4155550132"
        rf"(?-u:\b){_CALLED}[0-9]{{9,13}}(?-u:\b)",
    )
)
_DATE: Final = (
    r"(?:19|20)[0-9]{2}[./-](?:0[1-9]|1[0-2])[./-](?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)[0-9]{2}"
    r"|(?:0?[1-9]|1[0-2])[./-](?:0?[1-9]|[12][0-9]|3[01])[./-](?:19|20)[0-9]{2}"
)

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = (
    r"(?:^/?|//|[^0-9A-Za-z./_-]/|[^0-9A-Za-z._/-])"  # Java writes /93.184.216.34
    rf"(?:{_OCTET}\.){{3}}{_OCTET}(?:\.[0-9]+)*(?-u:\b)"
)
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
    frame = _without(_plain(cuttings), _IBAN, "iban", None)
    frame = _without(frame, _INTERNATIONAL, "phone", _is_phone())
    frame = _without(frame, _CARD, "card", _is_card())
    frame = _without(frame, _IPV4, "ip", None, unless=_VERSION)
    return _without(frame, _NATIONAL, "phone", _is_phone())


def _plain(cuttings: pl.DataFrame) -> pl.DataFrame:
    """``cuttings`` with wide digits and unbreakable hyphens and spaces as ASCII has them."""
    wide = cuttings["redacted"].str.contains(r"[^\x00-\x7f]")
    if not wide.any():
        return cuttings
    plain = [text.translate(_AS_PLAIN) for text in cuttings["redacted"].filter(wide).to_list()]
    return cuttings.with_columns(cuttings["redacted"].scatter(wide.arg_true(), plain))


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
    )
    if kind != "iban":
        candidates = candidates.with_columns(pl.col("number").str.replace(r"^[^+(0-9]+", ""))
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
    thousands = r"^\+[0-9]{1,3}(?:\.[0-9]{3})+$"
    return enough & ~pl.col("number").str.contains(rf"^(?:{_DATE})|{thousands}")


def _own_number(candidate: str) -> str | None:
    """The IBAN that ``candidate`` begins with, without words that follow it; None if it is none."""
    length = _IBAN_LENGTHS.get(candidate[:2].upper())
    places = [place for place, sign in enumerate(candidate) if sign not in " -"]
    if length is None or len(places) < length:
        return None
    number = candidate[: places[length - 1] + 1]
    if candidate[len(number) : len(number) + 1].isalnum():
        return None
    compact = number.replace(" ", "").replace("-", "")
    return number if int(_as_digits(compact[4:] + compact[:4])) % 97 == 1 else None


def _address(candidate: str) -> str | None:
    """``candidate`` if it is the address of one machine other than the one it is read on.

    Private ones count: inside a company, or beside another log, they tell people apart.
    """
    candidate = candidate.lstrip("+(")
    try:
        address = ipaddress.ip_address(candidate)
    except ValueError:
        return None
    no_machine = (
        address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved
    )
    return None if no_machine else candidate

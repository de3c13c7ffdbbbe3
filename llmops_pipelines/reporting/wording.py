"""How figures and foreign text are written for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

NOT_KNOWN = "\N{EN DASH}"

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def visible(text: str | None, longest: int = 400) -> str:
    """Foreign text as a reader may see it: what is invisible or turns the line around is named.

    Control characters, direction marks, zero-width characters and the like become ``[U+202E]``;
    line ends and tabs become spaces. Escaping for HTML is the template's work.
    """
    if text is None:
        return NOT_KNOWN
    shown: list[str] = []
    length = 0
    for character in text:
        if character in "\t\n\r":
            part = " "
        elif unicodedata.category(character)[0] == "C":
            part = f"[U+{ord(character):04X}]"
        else:
            part = character
        length += len(part)
        if length > longest:
            return f"{''.join(shown)}…"
        shown.append(part)
    return "".join(shown)


def count(number: int | None) -> str:
    """1,512."""
    return NOT_KNOWN if number is None else f"{number:,}"


def number_word(number: int) -> str:
    """Small numbers as words, others as digits."""
    return _WORDS[number] if number < len(_WORDS) else count(number)


def usd(amount: Decimal | None) -> str:
    """US dollars with as many decimals as they are worth; unknown is not $0."""
    if amount is None or abs(amount) < 10_000:
        return money(amount, "USD")
    return f"{'-' if amount < 0 else ''}${abs(amount):,.0f}"


def money(amount: Decimal | None, currency: str) -> str:
    """An amount to the cent, so that a column can be added up: $14.02, 1,243.57 INR.

    Small ones have as many decimals as they are worth; unknown is not 0.
    """
    if amount is None:
        return NOT_KNOWN
    size = abs(amount)
    sign, before, after = ("-" if amount < 0 else ""), "", f" {currency}"
    if currency == "USD":
        before, after = "$", ""
    if size == 0 or size >= Decimal("0.1"):
        return f"{sign}{before}{size:,.2f}{after}"
    if size < Decimal("0.0001"):
        return f"{sign}under {before}0.0001{after}"
    return f"{sign}{before}{size:.4f}{after}"


def percent(share: float | None) -> str:
    """A share as a percentage: 51.3 %, 8.1 %, 0.72 %."""
    if share is None:
        return NOT_KNOWN
    value = 100 * share
    if abs(value) >= 99.95 or value == 0:
        return f"{value:,.0f} %"
    return f"{value:.1f} %" if abs(value) >= 9.95 else f"{value:.2g} %"


def figure_of(metric: str, value: float | None) -> str:
    """A figure in the unit of its metric."""
    if metric.endswith(("_rate", "_share", "_utilisation")):
        return percent(value)
    if metric.startswith(("latency", "ttft")):
        return milliseconds(value)
    return plain(value)


def score(value: float | None) -> str:
    """A score between 0 and 1."""
    return NOT_KNOWN if value is None else f"{value:.2f}"


def milliseconds(value: float | None) -> str:
    """A duration given in milliseconds."""
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:,.3g} s"


def plain(value: float | None) -> str:
    """Any other figure, three digits."""
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def long_day(day: date) -> str:
    """Tuesday 10 November 2026."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def spoken_list(parts: Sequence[str]) -> str:
    """a, b and c."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"

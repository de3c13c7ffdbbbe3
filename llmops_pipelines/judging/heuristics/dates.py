"""Days of the calendar in a text, however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Day = tuple[int | None, int, int]
"""Year, month and day; a year that is not written is None."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAME = (
    r"(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_NUMBER = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s(\d{4})\b)?"
_WRITTEN = re.compile(
    rf"\b{_NUMBER}\.?\s(?:of\s)?{_NAME}{_YEAR}|\b{_NAME}\s{_NUMBER}\b{_YEAR}"
    r"|(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])"
    r"|(?<![\d./])(\d{1,2})([./])(\d{1,2})\11(\d{4})(?!\d|\.\d)"
)


class Date(NamedTuple):
    """A date as it stands in a text; ``days`` are two where day and month may be exchanged."""

    start: int
    text: str
    days: frozenset[Day]


def dates_in(text: str) -> Iterator[Date]:
    """The dates of ``text``: ``2026-03-05``, ``5 March 2026``, ``Mar. 5th``, ``05.03.2026``.

    ``5/3/2026`` is read both ways, since people write either.
    """
    for hit in _WRITTEN.finditer(text):
        if days := frozenset(day for day in _read(hit) if 1 <= day[1] <= 12 and 1 <= day[2] <= 31):
            yield Date(hit.start(), hit[0], days)


def is_among(date: Date, known: Iterable[Day]) -> bool:
    """Whether one of ``known`` may be the same day; a year that is not written fits any."""
    return any(
        mine[1:] == other[1:] and (mine[0] is None or other[0] is None or mine[0] == other[0])
        for other in known
        for mine in date.days
    )


def _read(hit: re.Match[str]) -> Iterator[Day]:
    day, month, year, month_first, day_second, year_last, *numbers = hit.groups()
    if month or month_first:
        name, number = (month, day) if month else (month_first, day_second)
        written = year or year_last
        yield int(written) if written else None, _MONTHS.index(name[:3]) + 1, int(number)
        return
    iso_year, iso_month, iso_day, one, sign, two, numeric_year = numbers
    if iso_year:
        yield int(iso_year), int(iso_month), int(iso_day)
        return
    yield int(numeric_year), int(two), int(one)
    if sign == "/":
        yield int(numeric_year), int(one), int(two)

"""A block of the summary in the terminal, and what its blocks have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

TOP = 6
"""Rows of what is dearest."""


@dataclass(frozen=True)
class SummaryTable:
    """One block of the summary: a title, its column headings and its rows, all ready to print."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: tuple[int, ...] = ()
    """Columns that are numbers, to be set flush right."""
    remark: str = ""
    spare: tuple[int, ...] = ()
    """Columns to leave out where there is no room for all."""
    flowing: bool = False
    """Rows are sentences, see ``sentences``: wrapped, they stay readable in a narrow terminal."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each row of a flowing block as one line: when and what, where, what happened."""
        return tuple(
            f"{day}  {change}  {_named(told, rule, scope)}"
            for day, change, rule, scope, told in self.rows
        )


def _named(told: str, rule: str, scope: str) -> str:
    """``told`` with rule and scope before it, where it does not begin with them."""
    return told if told.startswith(f"{rule}: {scope}") else f"{rule} {scope}: {told}"


def span(days: Sequence[date]) -> str:
    """The first to the last of some days in order, and how many they are."""
    first, last = days[0], days[-1]
    if first == last:
        return f"{last.day} {last:%B %Y}"
    return f"{len(days)} days, {first.day} {first:%B} to {last.day} {last:%B %Y}"

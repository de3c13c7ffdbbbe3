"""What a source of logs is: pages of one UTC day, and what its server says of that day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, Protocol


class PullError(Exception):
    """A source cannot be read. The message names the place and a remedy, never text of the logs."""


class CursorGoneError(PullError):
    """The server no longer takes the cursor of an interrupted download."""


class Record(NamedTuple):
    """One record as the server returned it.

    ``started`` is when it began by its own account, naive UTC; None where it does not say.
    """

    id: str
    started: datetime | None
    body: Mapping[str, Any]


class Page(NamedTuple):
    """Records of one answer; ``after`` is where the next page begins, None on the last."""

    records: list[Record]
    after: str | None


class Count(NamedTuple):
    """What the server says of a day.

    ``records`` is their number, None where it does not count; ``mark`` holds everything it can sum
    up cheaply: the day has changed when the mark has.
    """

    records: int | None
    mark: str | None


class Source(Protocol):
    """A service that keeps logs."""

    def pages(self, day: date, after: str | None) -> Iterator[Page]:
        """The pages of ``day``, from the first or from where a page said the next begins.

        Raises:
            CursorGoneError: ``after`` is not known any more.
            PullError: The server refuses, or does not answer.
        """
        ...

    def count(self, day: date) -> Count:
        """What the server counts on ``day``.

        Raises:
            PullError: The server refuses, or does not answer.
        """
        ...

    def record(self, body: dict[str, Any]) -> Record:
        """A record of ``pages``, told again from its body."""
        ...

    def close(self) -> None:
        """Close what is open: a server has few connections for all of us."""
        ...


def bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of ``day`` and of the day after, with the zone UTC."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    return start, start + timedelta(days=1)


def iso(moment: datetime) -> str:
    """ISO 8601 with milliseconds and Z, which every service here reads."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def moment_of(text: object) -> datetime | None:
    """An ISO time as naive UTC; a time without a zone is UTC; None where it is no time."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None

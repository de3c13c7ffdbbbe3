"""The day whose rules are evaluated, and whether it is too late to act upon it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True)
class EvaluatedDay:
    """A day as it is looked at now.

    Args:
        day: The day evaluated.
        now: The present moment, UTC where it has no zone.
        act_within: Days that ended longer ago than this are recorded, but nobody is told and
            nothing is rolled back.
    """

    day: date
    now: datetime
    act_within: timedelta

    @property
    def is_backfilled(self) -> bool:
        """Whether the day ended longer ago than ``act_within``, too late to act upon."""
        now = self.now if self.now.tzinfo is None else self.now.astimezone(UTC).replace(tzinfo=None)
        return now - datetime.combine(self.day + timedelta(days=1), time()) > self.act_within

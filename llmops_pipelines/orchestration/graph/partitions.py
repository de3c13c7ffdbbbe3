"""Days: the one partition definition that every daily asset shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import dagster as dg

DEFAULT_START = date(2023, 1, 1)


def daily_partitions(start: date) -> dg.DailyPartitionsDefinition:
    """UTC days from ``start`` up to and including today, which is still filling."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), end_offset=1)


DAILY = daily_partitions(DEFAULT_START)


def days_of(keys: Sequence[str]) -> list[date]:
    """Partition keys as days."""
    return [date.fromisoformat(key) for key in keys]

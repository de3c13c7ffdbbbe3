"""What calls of a window saved, with an interval that counts an hour's calls as related."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from llmops_pipelines.savings.recommendation import in_all, unproven
from llmops_pipelines.statistics import Interval, mean_interval

DAYS_A_YEAR: Final = 365
_DAY_US: Final = 86_400_000_000


def days_of_traffic(began: pl.Series) -> float | None:
    """How many days of traffic the calls are that ``began`` then; None for less than one.

    From the first to the last, and once more the longest pause between two: what comes each night,
    or on Mondays, pauses behind the last one seen, too.
    """
    pauses = began.sort().diff().drop_nulls().to_physical().to_list()
    span = sum(pauses)
    return (span + max(pauses)) / _DAY_US if span >= _DAY_US else None


def with_traffic(rows: pl.DataFrame, calls_per_day: float | None) -> pl.DataFrame:
    """``rows`` of savings a call with that of a year; null where it or the traffic is unknown."""
    per_day = pl.lit(calls_per_day, pl.Float64)
    return rows.with_columns(
        (pl.col(f"saved{end}") * per_day * DAYS_A_YEAR).alias(f"saved_a_year{end}") for end in _ENDS
    ).with_columns(calls_per_day=per_day)


def saved_figures(saved: pl.DataFrame, days: float | None) -> dict[str, Any]:
    """``saved`` with its interval and those of a year; all null where no call has a figure.

    A mean per call with the hours in which calls began as clusters, times the calls
    (`mean_interval`): whether a prefix is still held depends on what else was sent in that hour.
    Where no call loses, neither does the lower end.
    Money is added up exactly by hour first and in order after, so that equal windows give equal
    bits.

    Args:
        saved: ``started_at`` and ``saved`` (money; null where unknown) per call.
        days: Days of traffic that these calls are; without them nothing is known of a year.
    """
    hours = (
        saved.drop_nulls("saved")
        .group_by(hour=pl.col("started_at").dt.truncate("1h"))
        .agg(pl.col("saved").sum(), calls=pl.len())
        .sort("hour")
    )
    calls = int(hours["calls"].sum())
    if not calls:
        return dict.fromkeys(_NAMES)
    mean = mean_interval(
        hours.select(pl.col("saved").cast(pl.Float64) / pl.col("calls")).to_series(),
        hours["calls"],
    )
    total = hours["saved"].sum()
    ends = [None if end is None else end * calls for end in (mean.low, mean.high)]
    if ends[0] is not None and not _some_lose(saved["saved"]):
        ends[0] = max(ends[0], 0.0)
    a_year = None if days is None else DAYS_A_YEAR / days
    yearly = [
        None if end is None or a_year is None else float(end) * a_year for end in (total, *ends)
    ]
    return dict(zip(_NAMES, (total, *ends, *yearly), strict=True))


def is_proven_saving(figures: Mapping[str, Any], saved: pl.Series) -> tuple[bool, str]:
    """Whether a saving above 0 can be relied on, and why, or what it lacks, in words.

    It can where its interval lies above 0, and where no call costs more than before: then nothing
    can be lost, only how much such traffic saves is in doubt.

    Args:
        figures: As `saved_figures` returns them.
        saved: What each call saved; null where unknown.
    """
    low, high = figures["saved_low"], figures["saved_high"]
    if low is not None and low > 0:
        return True, f"its 95 % interval lies above 0: {in_all(low)} to {in_all(high)}"
    if not _some_lose(saved):
        return True, "none of its calls costs more than before"
    known = Interval(float(figures["saved"]), low, high, saved.count())
    return False, unproven(known, "calls", in_all, "hour")


def _some_lose(saved: pl.Series) -> bool:
    return bool((saved < 0).any())


_ENDS: Final = ("", "_low", "_high")
_NAMES: Final = tuple(f"{name}{end}" for name in ("saved", "saved_a_year") for end in _ENDS)

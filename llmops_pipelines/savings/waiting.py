"""Whether anybody waits for a feature's answers: as its owner says, or as its traffic suggests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import polars as pl

MARKED: Final = "marked"
DETECTED: Final = "detected"
INTERACTIVE: Final = "interactive"

_LEAST_CALLS: Final = 100
_LEAST_DAYS: Final = 3
_STRAY: Final = 0.01
"""Of the calls that may look as if somebody waited."""
_BUSY_HOURS: Final = 4
_IN_BUSY_HOURS: Final = 0.9
_REGULAR: Final = 2 / 3


class Waiting(NamedTuple):
    """``kind`` is one of the three above; ``evidence`` says why."""

    kind: str
    evidence: str


def waiting(calls: pl.DataFrame, marked: Mapping[str, bool | None]) -> dict[str, Waiting]:
    """What is known of each feature.

    A feature that says nothing is *detected* as not waited for only where all of this holds: at
    least 100 calls on at least three days; at most 1 % of them with a user, a session, a stream or
    a logged time to first token; 90 % of them in at most four hours of the day; and calls in these
    hours on two thirds of its days. It is a suggestion: its owner knows.

    Args:
        calls: ``feature``, ``started_at``, ``user_hash``, ``session_id``, ``is_stream`` and
            ``ttft_ms`` of successful calls.
        marked: ``interactive`` of features.yaml, by feature.
    """
    found = {}
    for (name,), own in calls.partition_by("feature", as_dict=True).items():
        feature = str(name)
        said = marked.get(feature)
        if said is not None:
            kind = INTERACTIVE if said else MARKED
            found[feature] = Waiting(kind, f"features.yaml: interactive: {str(said).lower()}")
        else:
            found[feature] = _detected(own)
    return found


def _detected(calls: pl.DataFrame) -> Waiting:
    seen = list(_looks(calls))
    kind = DETECTED if all(holds for holds, _ in seen) else INTERACTIVE
    return Waiting(kind, "; ".join(told for _, told in seen))


def _looks(calls: pl.DataFrame) -> Iterator[tuple[bool, str]]:
    """Each condition: whether it holds, and the figure."""
    days = calls["started_at"].dt.date().n_unique()
    yield (
        calls.height >= _LEAST_CALLS and days >= _LEAST_DAYS,
        f"{calls.height:,} calls on {days} days",
    )
    for what, shows in (
        ("user", pl.col("user_hash").is_not_null()),
        ("session", pl.col("session_id").is_not_null()),
        ("stream", pl.col("is_stream").fill_null(value=False)),
        ("first-token time", pl.col("ttft_ms").is_not_null()),
    ):
        share = calls.select(shows.mean()).item()
        yield share <= _STRAY, f"{100 * share:.0f} % with {what}"
    yield _bursts(calls, days)


def _bursts(calls: pl.DataFrame, days: int) -> tuple[bool, str]:
    hours = calls.select(hour=pl.col("started_at").dt.hour(), day=pl.col("started_at").dt.date())
    busy = (
        hours.group_by("hour").len().sort("len", "hour", descending=[True, False]).head(_BUSY_HOURS)
    )
    inside = hours.join(busy, on="hour", how="semi")
    share, regular = inside.height / hours.height, inside["day"].n_unique() / days
    told = ", ".join(f"{hour:02}" for hour in sorted(busy["hour"]))
    return (
        share >= _IN_BUSY_HOURS and regular >= _REGULAR,
        f"{100 * share:.0f} % in the hours {told} UTC, on {100 * regular:.0f} % of the days",
    )

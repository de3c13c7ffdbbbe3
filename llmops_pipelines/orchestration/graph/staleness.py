"""Which assets of which days are missing, unfinished, or older than what they were made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.graph.daily import INPUTS_KEY, input_digests
from llmops_pipelines.orchestration.graph.io_manager import TABLE_KEY
from llmops_pipelines.orchestration.storage.lake import Inputs, Lake
from llmops_pipelines.tables import JUDGE_SCORES, RAGAS_SCORES, TABLES, Table

OWED = ("failed", "over_budget")
"""Outcomes that speak of a run, not of an answer: the judge was dead, or the purse empty."""

AWAITED = (*OWED, "pending")
"""Those, and verdicts that are waited for in a batch."""

JUDGED = (JUDGE_SCORES, RAGAS_SCORES)
"""Tables of verdicts by judges at endpoints."""


class DailyAsset(NamedTuple):
    """One daily asset: its key, its table, and how many days of which tables it reads."""

    key: dg.AssetKey
    table: str
    windows: Mapping[str, int]


def daily_assets(specs: Iterable[dg.AssetSpec]) -> list[DailyAsset]:
    """The daily assets among ``specs``, each after those it reads."""
    waiting = {
        str(spec.metadata[TABLE_KEY]): DailyAsset(
            spec.key, str(spec.metadata[TABLE_KEY]), spec.metadata[INPUTS_KEY]
        )
        for spec in specs
        if INPUTS_KEY in spec.metadata
    }
    ordered: list[DailyAsset] = []
    while waiting:
        ready = [asset for asset in waiting.values() if not set(asset.windows) & set(waiting)]
        if not ready:
            raise ValueError(f"these assets read one another in a circle: {', '.join(waiting)}")
        ordered += ready
        for asset in ready:
            del waiting[asset.table]
    return ordered


def stale_assets(
    lake: Lake,
    assets: Sequence[DailyAsset],
    day: date,
    *,
    judging: bool = False,
    anew: Collection[str] = (),
) -> list[DailyAsset]:
    """Those of ``assets`` to compute for ``day``: missing, unfinished, outdated, or after such.

    Truth lies in the lake itself: every file names the digests it was computed from. What a judge
    still owes counts only while ``judging``: while there is one to ask about that day. Tables named
    in ``anew`` are stale because somebody says so. What reads rows of the day that are past their
    retention, and are not computed again before it, keeps what it has: it would be made of nothing.
    """
    stale: list[DailyAsset] = []
    renewed: set[str] = set()
    for asset in assets:
        stored = lake.stored(TABLES[asset.table], day)
        if not (
            stored is None
            or asset.table in anew
            or renewed & set(asset.windows)
            or _there(stored.inputs) != _there(input_digests(lake, asset.windows, day))
            or (judging and _awaits_verdicts(lake, asset.table, day))
        ):
            continue
        if not reads_what_is_gone(lake, asset, day, renewed):
            stale.append(asset)
            renewed.add(asset.table)
    return stale


def _there(inputs: Inputs) -> dict[str, Mapping[str, str]]:
    """``inputs`` without tables of which no day is there: a release may read one more."""
    return {source: digests for source, digests in inputs.items() if digests}


def reads_what_is_gone(lake: Lake, asset: DailyAsset, day: date, renewed: Collection[str]) -> bool:
    """Whether retention emptied a table of the day that ``asset`` reads, apart from ``renewed``."""
    read = (TABLES[name] for name in asset.windows if name in TABLES and name not in renewed)
    return any(table.partitioned and lake.expired(table, day) for table in read)


def owing_days(lake: Lake, days: Iterable[date]) -> list[date]:
    """Those of ``days`` on which a judge left verdicts undone that no batch will bring."""
    return [
        day
        for day in days
        if any(_has(lake, table, day, OWED) for table in JUDGED if lake.stored(table, day))
    ]


def _awaits_verdicts(lake: Lake, table: str, day: date) -> bool:
    """Whether a judge still owes verdicts on ``day``; the ledger keeps those it gave."""
    return any(table == judged.name and _has(lake, judged, day, AWAITED) for judged in JUDGED)


def _has(lake: Lake, table: Table, day: date, outcomes: Sequence[str]) -> bool:
    found = lake.scan(table, [day]).filter(pl.col("outcome").is_in(outcomes))
    return not found.limit(1).collect().is_empty()

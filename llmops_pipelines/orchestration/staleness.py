"""Which assets of which days are missing, unfinished, or older than what they were made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.daily import INPUTS_KEY, input_digests
from llmops_pipelines.orchestration.io_manager import TABLE_KEY
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.tables import JUDGE_SCORES, RAGAS_SCORES, TABLES

AWAITED = ("failed", "over_budget", "pending")
"""Outcomes that speak of a run, not of an answer: the judge was dead, the purse empty, or the
verdict is waited for in a batch."""


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
    in ``anew`` are stale because somebody says so.
    """
    stale: list[DailyAsset] = []
    renewed: set[str] = set()
    for asset in assets:
        stored = lake.stored(TABLES[asset.table], day)
        if (
            stored is None
            or asset.table in anew
            or renewed & set(asset.windows)
            or stored.inputs != input_digests(lake, asset.windows, day)
            or (judging and _awaits_verdicts(lake, asset.table, day))
        ):
            stale.append(asset)
            renewed.add(asset.table)
    return stale


def _awaits_verdicts(lake: Lake, table: str, day: date) -> bool:
    """Whether a judge still owes verdicts on ``day``; the ledger keeps those it gave."""
    if table not in (JUDGE_SCORES.name, RAGAS_SCORES.name):
        return False
    owed = lake.scan(TABLES[table], [day]).filter(pl.col("outcome").is_in(AWAITED))
    return not owed.limit(1).collect().is_empty()

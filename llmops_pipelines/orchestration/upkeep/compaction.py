"""One part a day in the judgement ledger, instead of one for every few verdicts."""

import time

import dagster as dg

from llmops_pipelines.orchestration.graph.resources import LakeResource
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER

LEDGER = (JUDGE_CALLS, JUDGE_LEDGER)
READ_FOR_S = 3_600.0
"""How long somebody may still be reading parts that were replaced."""


def compact_ledger(lake: Lake, *, read_for_s: float = READ_FOR_S) -> dict[str, int]:
    """Compact the days of the ledger that have several parts; delete what was replaced before.

    Returns:
        Days, parts that went into one, and parts deleted.
    """
    done = {"days": 0, "parts": 0, "deleted": 0}
    before = time.time_ns() - int(read_for_s * 1e9)
    for table in LEDGER:
        for day in lake.crowded_days(table):
            done["deleted"] += lake.sweep(table, day, older_than_ns=before)
            parts = lake.compact(table, day)
            done["days"] += parts > 0
            done["parts"] += parts
    return done


def compact(lake: LakeResource) -> dg.MaterializeResult[None]:
    """What the asset does: `compact_ledger`, with its counts as metadata."""
    return dg.MaterializeResult(metadata=compact_ledger(lake.open()))

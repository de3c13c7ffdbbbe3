"""Judges items into a lake on disk, as a process: what several of them do to one another.

``python -m tests.adapters.judging_process FOLDER URL ITEMS RUN USD_PER_DAY``
"""

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import polars as pl

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.endpoints.judge_desk import Desk, SharedGate, SharedPurse
from llmops_pipelines.adapters.judging_day import JudgedDay, judge_day
from llmops_pipelines.adapters.judging_plans import Brief
from llmops_pipelines.judging import Caps, JudgingRun, Limits, Pace, Spent, endpoint_specs
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import FolderStore
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER
from tests.judging.worlds import JUDGED, cent_a_call, default_rubrics, item_frame

DAY = date(2026, 11, 10)
SPECS = [
    spec
    for spec in endpoint_specs(default_rubrics(), JUDGED, endpoint="judge", model="judge-1")
    if spec.metric == "groundedness"
]


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def lake_in(folder: Path) -> Lake:
    return Lake(FolderStore(folder / "lake"))


def judge_items(folder: Path, url: str, items: int, run: str, usd_per_day: str) -> JudgedDay:
    """Judge so many different items; a cent each, three set aside."""
    lake, desk = lake_in(folder), Desk(folder / "state")

    def append(verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        part = uuid4().hex
        lake.append(JUDGE_CALLS, attempts, name=part, day=DAY)
        lake.append(JUDGE_LEDGER, verdicts, name=part, day=DAY)

    caps = Caps(usd_per_day=Decimal(usd_per_day))
    return judge_day(
        item_frame(*(f"Refund {number} takes five days." for number in range(items))),
        SPECS,
        lake.scan(JUDGE_LEDGER),
        Endpoint(url, "judge-1", "key"),
        append,
        JudgingRun(
            run,
            SharedPurse(desk, caps, Spent(), run=run, now=now()),
            cent_a_call,
            now,
            Limits(concurrency=8, window_results=5),
            SharedGate(desk, Pace(8), endpoint=url),
        ),
        Brief(JUDGED, canaries=False),
    )


if __name__ == "__main__":
    _, root, base_url, number, name, most = sys.argv
    judge_items(Path(root), base_url, int(number), name, most)

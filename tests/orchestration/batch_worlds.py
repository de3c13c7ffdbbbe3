"""A lake, a batch endpoint and a clock: the world in which batches are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from llmops_pipelines import pricing
from llmops_pipelines.judging import rubric_spec
from llmops_pipelines.orchestration.graph.resources import Clock, Judge
from llmops_pipelines.orchestration.judging import judging as judged
from llmops_pipelines.orchestration.judging.asking import Occasion, ask, ledger_on
from llmops_pipelines.orchestration.judging.batches import LakeBook, all_batches
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import (
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_SCORES,
    PRICE_BOOK,
)
from tests.batch_stub import BatchStub
from tests.judging.worlds import JUDGED, default_rubrics, item_frame

DAY = date(2026, 11, 10)
MORNING = datetime.fromisoformat("2026-11-11T02:00:00")
MODEL = "gpt-4.1-mini"
RUBRIC = default_rubrics().rubrics["groundedness"]
ANSWERS = [f"Refund {n} takes five days. It goes to card {n}." for n in range(6)]
ITEMS = item_frame(*ANSWERS)


@cache
def price_book() -> pl.DataFrame:
    return pricing.price_book(pricing.PriceOverrides())


@dataclass
class World:
    """A lake, an endpoint, and a clock that a test turns."""

    root: Path
    stub: BatchStub
    now: datetime = MORNING
    runs: int = 0
    settings: dict[str, Any] = field(default_factory=lambda: {"batch": "openai"})
    model: str = MODEL

    def __post_init__(self) -> None:
        self.lake = Lake(open_store(str(self.root)))
        self.lake.write(PRICE_BOOK, price_book())

    @property
    def judge(self) -> Judge:
        # Without a preflight, all that arrives is asked on behalf of a test.
        return Judge(
            preflight_days=0,
            base_url=self.stub.base_url,
            model=self.model,
            api_key="sk-secret",
            **self.settings,
        )

    @property
    def setup(self) -> JudgeSetup:
        return JudgeSetup(self.judge, JUDGED, rubrics=default_rubrics())

    @property
    def clock(self) -> Clock:
        return Clock(fixed=self.now.isoformat())

    def run(self, items: pl.DataFrame = ITEMS, **settings: Any) -> dict[str, int]:
        """A run over the day: outcomes of its scores."""
        self.runs += 1
        self.later(minutes=1)
        self.settings |= settings
        run_id = f"{self.root}-{self.runs}"
        setup = self.setup
        judged.collect_day(self.lake, setup, self.clock, DAY)
        [seat] = setup.benches["judge"].seats
        spec = rubric_spec("groundedness", RUBRIC, model=self.model)
        occasion = Occasion(self.lake, setup, self.clock, DAY, run_id)
        asked = ask(items, [spec], seat, occasion)
        with ledger_on(items, [asked], self.lake) as ledger:
            self.scores = JUDGE_SCORES.require(asked.said_of(items, ledger))
        return dict(self.scores.group_by("outcome").len().sort("outcome").iter_rows())

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    @property
    def batches(self) -> list[dict[str, Any]]:
        return all_batches(self.lake).to_dicts()

    @property
    def batch(self) -> dict[str, Any]:
        (batch,) = self.batches
        return batch

    @property
    def verdicts(self) -> pl.DataFrame:
        return self.lake.read(JUDGE_LEDGER)

    @property
    def calls(self) -> pl.DataFrame:
        """Attempts about items; canaries left out."""
        return self.lake.read(JUDGE_CALLS).filter(pl.col("step") == "verdict")

    def call_of(self, line: dict[str, Any]) -> str:
        """The judged call of a request."""
        rows = LakeBook(self.lake, DAY).all_items()
        return str(rows.filter(pl.col("custom_id") == line["custom_id"])["call_id"][0])

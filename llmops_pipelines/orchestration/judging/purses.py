"""Prices, caps and pace of judging, of a run and of all that judge on this machine."""

import logging
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from llmops_pipelines import judging, pricing
from llmops_pipelines.adapters.endpoints.judge_desk import Desk, SharedGate, SharedPurse, open_desk
from llmops_pipelines.orchestration.graph.resources import Clock, Judge
from llmops_pipelines.orchestration.judging.batches import held
from llmops_pipelines.orchestration.judging.endpoints import Seat
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    JUDGE_CALLS,
)

QUOTES = logging.getLogger("llmops.quotes")
"""Quotes go here before money is spent, and what could not be judged after; the command line prints
both."""


def price_of(
    book: pl.DataFrame, now: datetime, service: pricing.Service = pricing.STANDARD
) -> judging.Price:
    """The price of any model's tokens as of ``now`` in a tier; each model is looked up once.

    A snapshot's own name may have no price where the model asked for has: callers ask for both.
    """
    tariffs: dict[str, pricing.Tariff | None] = {}

    def price(model: str, buckets: Mapping[str, int]) -> Decimal | None:
        if model not in tariffs:
            tariffs[model] = pricing.find_tariff(None, model, now, book, service=service)
        tariff = tariffs[model]
        return tariff.cost(buckets) if tariff else None

    return price


_purses: dict[str, judging.Purse] = {}
_PURSES_KEPT = 16


def purse_of_run(lake: Lake, judge: Judge, clock: Clock, run_id: str) -> judging.Purse:
    """The purse of the run: its rubrics, its RAGAS metrics and all its days spend from one."""
    if run_id not in _purses:
        caps = judging.Caps(
            usd_per_run=Decimal(str(judge.max_usd_per_run)),
            usd_per_day=Decimal(str(judge.max_usd_per_day)),
            calls_per_run=judge.max_calls_per_run,
            calls_per_day=4 * judge.max_calls_per_run,
        )
        _purses[run_id] = purse_of(lake, desk_of(judge), caps, clock.now(), run_id)
        for finished in list(_purses)[:-_PURSES_KEPT]:
            del _purses[finished]
    return _purses[run_id]


def purse_of(
    lake: Lake, desk: Desk | None, caps: judging.Caps, now: datetime, run_id: str
) -> judging.Purse:
    """The purse of a run, shared with whoever else judges where there is a ``desk``.

    What is on its way in batches counts as spent.
    """
    spent = judging.spent_today(lake.scan(JUDGE_CALLS), now) + held(lake, now)
    if desk is None:
        return judging.Purse(caps, spent)
    return SharedPurse(desk, caps, spent, run=run_id, now=now)


def gate_of(seat: Seat, desk: Desk | None) -> judging.Gate:
    """The pace of the endpoint, whoever asks it."""
    if desk is None:
        return judging.Gate(seat.pace)
    return SharedGate(desk, seat.pace, endpoint=seat.endpoint.base_url)


def desk_of(judge: Judge) -> Desk | None:
    """Where caps and pace are shared; None where there is no disk to share them on."""
    if not judge.state:
        return None
    try:
        return open_desk(Path(judge.state))
    except (OSError, sqlite3.Error) as error:
        QUOTES.warning("caps and pace of the judge hold for this process alone: %s", error)
        return None

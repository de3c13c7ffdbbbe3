"""The day's money by who is charged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.reporting.amounts import MONEY_COLUMNS, amounts, sums_by
from llmops_pipelines.reporting.night import NightlyData
from llmops_pipelines.reporting.wording import count, visible


@dataclass(frozen=True)
class OwnerSpend:
    """The day of who is charged."""

    team: str
    calls: str
    failed: str
    cost: str
    beside: str
    unpriced: str


def owners_of(night: NightlyData, today: pl.DataFrame) -> tuple[OwnerSpend, ...]:
    """Who is charged, the most first; ``unattributed`` is always there, if only with nothing."""
    found = sums_by(today, "team").sort(["cost", "team"], descending=[True, False], nulls_last=True)
    rows = found.to_dicts()
    if UNATTRIBUTED not in found["team"]:
        nothing = dict.fromkeys(("calls", "errors", "unpriced_calls"), 0)
        rows.append({"team": UNATTRIBUTED, **nothing, **dict.fromkeys(MONEY_COLUMNS, Decimal(0))})
    return tuple(
        OwnerSpend(
            team=visible(row["team"], 80),
            calls=count(row["calls"]),
            failed=count(row["errors"]),
            unpriced=count(row["unpriced_calls"]) if row["unpriced_calls"] else "",
            **amounts(night, row),
        )
        for row in rows
    )

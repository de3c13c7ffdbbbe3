"""Sums of a day's money, exact, and how the page writes them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.reporting.night import NightlyData
from llmops_pipelines.reporting.wording import usd
from llmops_pipelines.tables import TOKEN_BUCKETS

_INPUT = tuple(
    name for name in TOKEN_BUCKETS if name not in ("output_text", "reasoning", "audio_output")
)
_OUTPUT = ("output_text", "reasoning", "audio_output")

MONEY_COLUMNS = ("cost", "cost_report")
"""In dollars, and in the currency of reports where finance.yaml says whose days and which."""


def exact_sum(costs: pl.Series) -> Decimal | None:
    """The exact sum; None when nothing is known, which is not the same as nothing spent."""
    return None if costs.null_count() == costs.len() and costs.len() else Decimal(costs.sum() or 0)


def sums_by(costs: pl.DataFrame, by: str) -> pl.DataFrame:
    """Calls, tokens and money per value of ``by``; money is null where nothing is known."""
    return costs.group_by(by).agg(
        pl.col("calls", "errors", "unpriced_calls").sum(),
        *(
            pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
            for name in MONEY_COLUMNS
            if name in costs.columns
        ),
        input_tokens=pl.sum_horizontal(pl.col(*_INPUT).sum()),
        output_tokens=pl.sum_horizontal(pl.col(*_OUTPUT).sum()),
    )


def whole_of(today: pl.DataFrame) -> dict[str, Decimal | None]:
    """The day's money, null where nothing is known."""
    return {name: exact_sum(today[name]) for name in MONEY_COLUMNS if name in today.columns}


def told(night: NightlyData, row: Mapping[str, Any]) -> tuple[str, str]:
    """A sum as the page writes it, and in dollars beside it where it is in another currency."""
    return night.money.told(row) if night.money else (usd(row["cost"]), "")


def amounts(night: NightlyData, row: Mapping[str, Any]) -> dict[str, str]:
    """The same as the fields ``cost`` and ``beside``."""
    return dict(zip(("cost", "beside"), told(night, row), strict=True))

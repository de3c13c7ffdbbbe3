"""``budgets.yaml``: what may be spent per day, and what was."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from llmops_pipelines.tables import BUDGET_STATUS, MONEY

TOTAL = "total"
"""Scope of the budget for all features together."""

_FILE = "data/reference/budgets.yaml"

Dollars = Annotated[Decimal, Field(gt=0, le=10**12, max_digits=24, decimal_places=12)]


class Budget(BaseModel):
    """What one scope may spend."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily_usd: Dollars = Field(description="Allowed per UTC day.")


class Budgets(BaseModel):
    """All of ``budgets.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: dict[str, Budget] = Field(default_factory=dict)
    total: Budget | None = Field(None, description="For all features together.")

    @field_validator("features", mode="after")
    @classmethod
    def _no_total(cls, features: dict[str, Budget]) -> dict[str, Budget]:
        if TOTAL in features:
            raise ValueError("`total` is no feature; write it beside `features`, not under it")
        return features


def budget_status(feature_costs: pl.DataFrame, budgets: Budgets) -> pl.DataFrame:
    """Compare the day's spend with every budget: each feature seen or budgeted, and the total.

    ``spent`` is exact, and null where all that could be spent is unknown: successful calls, none of
    them with a price. It is a lower bound wherever ``unpriced_calls`` is not 0. A feature without
    calls spent 0.

    Args:
        feature_costs: ``FEATURE_COSTS`` of one day.
        budgets: What ``budgets.yaml`` says.

    Returns:
        ``BUDGET_STATUS``. ``status`` is ``no_data``, with a hint, where budget or spend is unknown.
        A feature that is itself called ``total`` appears as ``total (feature)``.
    """
    seen = feature_costs.group_by(scope=_unambiguous(pl.col("feature"))).agg(**_SPEND)
    quiet = [name for name in budgets.features if name not in set(seen["scope"])]
    total = feature_costs.select(scope=pl.lit(TOTAL), **_SPEND)
    spend = pl.concat([seen, _nothing(quiet), total])
    allowed = {name: budget.daily_usd for name, budget in budgets.features.items()}
    if budgets.total is not None:
        allowed[TOTAL] = budgets.total.daily_usd
    limits = pl.DataFrame(
        {"scope": list(allowed), "budget": list(allowed.values())},
        schema={"scope": pl.String, "budget": MONEY},
    )
    known = pl.col("budget").is_not_null() & pl.col("spent").is_not_null()
    return BUDGET_STATUS.require(
        spend.join(limits, on="scope", how="left").with_columns(
            share=pl.when(known).then(
                pl.col("spent").cast(pl.Float64) / pl.col("budget").cast(pl.Float64)
            ),
            status=pl.when(~known)
            .then(pl.lit("no_data"))
            .when(pl.col("spent") > pl.col("budget"))
            .then(pl.lit("over"))
            .otherwise(pl.lit("within")),
            hint=_hint(),
        )
    )


_UNPRICED = pl.col("unpriced_calls").sum()

_SPEND = {
    "spent": pl.when(pl.col("cost").is_not_null().any() | (_UNPRICED == 0))
    .then(pl.col("cost").sum())
    .cast(MONEY),
    "unpriced_calls": _UNPRICED,
}


def _unambiguous(feature: pl.Expr) -> pl.Expr:
    """A feature that is itself called ``total`` must not pass for all of them."""
    return pl.when(feature == TOTAL).then(pl.lit(f"{TOTAL} (feature)")).otherwise(feature)


def _nothing(scopes: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"scope": scopes, "spent": [Decimal(0)] * len(scopes), "unpriced_calls": [0] * len(scopes)},
        schema={"scope": pl.String, "spent": MONEY, "unpriced_calls": pl.Int64},
    )


def _hint() -> pl.Expr:
    key = (
        pl.when(pl.col("scope") == TOTAL)
        .then(pl.lit("total.daily_usd"))
        .otherwise(pl.format("features.{}.daily_usd", "scope"))
    )
    return (
        pl.when(pl.col("budget").is_null())
        .then(pl.format("no budget: add {} to {}", key, pl.lit(_FILE)))
        .when(pl.col("spent").is_null())
        .then(
            pl.format(
                "none of its {} successful calls has a price: add their models to "
                "data/reference/prices.yaml",
                "unpriced_calls",
            )
        )
    )

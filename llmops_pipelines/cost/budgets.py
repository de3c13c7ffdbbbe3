"""``budgets.yaml``: what may be spent per day, month and last days."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from llmops_pipelines.cost.history import HISTORY_DAYS
from llmops_pipelines.cost.scopes import FEATURE, TEAM, TOTAL
from llmops_pipelines.reference import names_like

Dollars = Annotated[Decimal, Field(gt=0, le=10**12, max_digits=24, decimal_places=12)]

DAY, MONTH, ROLLING = "day", "month", "rolling"
"""Periods of a budget."""

UNKNOWN_NAMES: Final = pl.Schema(
    {"section": pl.String, "name": pl.String, "did_you_mean": pl.String}
)


class Rolling(BaseModel):
    """What may be spent in any so many days in a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: int = Field(ge=2, le=HISTORY_DAYS, description="UTC days, the latest included.")
    usd: Dollars = Field(description="Allowed in them.")


class Budget(BaseModel):
    """What one scope may spend, in one period or several."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily_usd: Dollars | None = Field(None, description="Allowed per UTC day.")
    monthly_usd: Dollars | None = Field(None, description="Allowed per UTC calendar month.")
    rolling: Rolling | None = Field(None, description="Allowed in the last days: {days, usd}.")

    @model_validator(mode="after")
    def _says_something(self) -> Budget:
        if self.daily_usd is None and self.monthly_usd is None and self.rolling is None:
            raise ValueError("allows nothing: give daily_usd, monthly_usd or rolling: {days, usd}")
        return self


class Budgets(BaseModel):
    """All of ``budgets.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: dict[str, Budget] = Field(default_factory=dict)
    teams: dict[str, Budget] = Field(default_factory=dict)
    total: Budget | None = Field(None, description="For all features together.")

    @field_validator("features", "teams", mode="after")
    @classmethod
    def _no_total(cls, scopes: dict[str, Budget], info: ValidationInfo) -> dict[str, Budget]:
        if TOTAL in scopes:
            section = str(info.field_name)
            kind = section.removesuffix("s")
            raise ValueError(f"`total` is no {kind}; write it beside `{section}`, not under it")
        return scopes

    def scopes(self) -> Iterator[tuple[str, str, Budget]]:
        """Kind, name and budget of each scope that has one."""
        yield from ((FEATURE, name, budget) for name, budget in self.features.items())
        yield from ((TEAM, name, budget) for name, budget in self.teams.items())
        if self.total is not None:
            yield TOTAL, TOTAL, self.total


class Allowance(NamedTuple):
    """One budget in one period, as of a day. Names are those of ``BUDGET_STATUS``."""

    kind: str
    scope: str
    period: str
    period_days: int
    budget: Decimal | None


def allowances(budgets: Budgets, day: date) -> Iterator[Allowance]:
    """Every budget as of ``day``."""
    for kind, scope, budget in budgets.scopes():
        if budget.daily_usd is not None:
            yield Allowance(kind, scope, DAY, 1, budget.daily_usd)
        if budget.monthly_usd is not None:
            yield Allowance(kind, scope, MONTH, day.day, budget.monthly_usd)
        if budget.rolling is not None:
            yield Allowance(kind, scope, ROLLING, budget.rolling.days, budget.rolling.usd)


def first_day(allowance: Allowance, day: date) -> date:
    """The first day of its period as of ``day``."""
    return day - timedelta(days=allowance.period_days - 1)


def unknown_names(
    budgets: Budgets, features: Collection[str], teams: Collection[str]
) -> pl.DataFrame:
    """Scopes of ``budgets`` that are none of the known ones: most likely mistyped.

    Args:
        budgets: What ``budgets.yaml`` says.
        features: Features that features.yaml or the logs name.
        teams: Teams that they name.

    Returns:
        ``UNKNOWN_NAMES``; ``did_you_mean`` lists up to three names that are spelled alike.
    """
    known: Mapping[str, Collection[str]] = {FEATURE: features, TEAM: teams, TOTAL: [TOTAL]}
    rows = [
        (
            f"{kind}s",
            name,
            names_like(name, known[kind]),
        )
        for kind, name, _ in budgets.scopes()
        if name not in known[kind]
    ]
    return pl.DataFrame(rows, schema=UNKNOWN_NAMES, orient="row").sort("section", "name")

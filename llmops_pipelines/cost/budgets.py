"""``budgets.yaml``: what may be spent per day, month and last days, in dollars or otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from llmops_pipelines.cost.amounts import USD, Amount, Rate
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

    days: int = Field(ge=2, le=HISTORY_DAYS, description="Days, the latest included.")
    usd: Dollars | None = Field(None, description="Allowed in them.")
    amount: Amount | None = Field(None, description="The same in the report currency.")

    @model_validator(mode="after")
    def _says_one(self) -> Rolling:
        if (self.usd is None) == (self.amount is None):
            raise ValueError("give either usd, or amount with its currency, such as 40 EUR")
        return self


class Budget(BaseModel):
    """What one scope may spend, in one period or several: days and months of the business."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily_usd: Dollars | None = Field(None, description="Allowed per day.")
    daily: Amount | None = Field(None, description="The same in the report currency.")
    monthly_usd: Dollars | None = Field(None, description="Allowed per calendar month.")
    monthly: Amount | None = Field(None, description="The same in the report currency.")
    rolling: Rolling | None = Field(None, description="Allowed in the last days: {days, usd}.")

    @model_validator(mode="after")
    def _says_something_once(self) -> Budget:
        for period in ("daily", "monthly"):
            if getattr(self, period) is not None and getattr(self, f"{period}_usd") is not None:
                raise ValueError(f"has {period}_usd and {period}; drop one of them")
        if not any(getattr(self, name) is not None for name in type(self).model_fields):
            raise ValueError(
                "allows nothing: give daily_usd, monthly_usd or rolling: {days, usd}, or daily or "
                "monthly with a currency, such as 50 EUR"
            )
        return self

    def amounts(self) -> Iterator[tuple[str, str, Decimal | None, Amount | None]]:
        """Field, period, dollars and amount of each period that it is for."""
        own = self.rolling
        for field, period, usd, amount in (
            ("daily", DAY, self.daily_usd, self.daily),
            ("monthly", MONTH, self.monthly_usd, self.monthly),
            ("rolling.amount", ROLLING, own.usd if own else None, own.amount if own else None),
        ):
            if usd is not None or amount is not None:
                yield field, period, usd, amount


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
    """One budget in one period, as of a day. Names are those of ``BUDGET_STATUS``.

    ``budget`` is in dollars, ``budget_report`` in ``currency`` where it was not given in dollars.
    """

    kind: str
    scope: str
    period: str
    period_days: int
    budget: Decimal | None
    budget_report: Decimal | None = None
    currency: str | None = None


def allowances(budgets: Budgets, day: date, rate: Rate) -> Iterator[Allowance]:
    """Every budget as of ``day``, those in another currency also in dollars at ``rate``."""
    for kind, scope, budget in budgets.scopes():
        days = {DAY: 1, MONTH: day.day, ROLLING: budget.rolling.days if budget.rolling else 0}
        for _, period, usd, amount in budget.amounts():
            if amount is None or amount.currency == USD:
                dollars = amount.number if amount else usd
                yield Allowance(kind, scope, period, days[period], dollars)
            else:
                given = (rate.dollars(amount), amount.number, amount.currency)
                yield Allowance(kind, scope, period, days[period], *given)


def currencies(budgets: Budgets) -> Iterator[tuple[str, str]]:
    """Place and currency of each amount that is not in dollars."""
    for kind, scope, budget in budgets.scopes():
        place = scope if kind == TOTAL else f"{kind}s.{scope}"
        for field, _, _, amount in budget.amounts():
            if amount is not None and amount.currency != USD:
                yield f"{place}.{field}", amount.currency


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
        teams: Teams that they or the ownership rules name.

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

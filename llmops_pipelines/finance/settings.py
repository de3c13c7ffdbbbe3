"""``finance.yaml``: days and currency of the business, owners, and costs that no call makes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeVar
from zoneinfo import available_timezones

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from llmops_pipelines.reference.spelling import NO_SUCH_NAME, names_like

USD: Final = "USD"

Dollars = Annotated[Decimal, Field(gt=0, le=10**12, max_digits=24, decimal_places=12)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]

_Dated = TypeVar("_Dated", bound="Dated")


class Dated(BaseModel):
    """What holds on some days of the business."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: date = Field(date.min, description="First day of the business on which it holds.")
    valid_to: date = Field(date.max, description="First day on which it no longer does.")

    @model_validator(mode="after")
    def _in_order(self: _Dated) -> _Dated:
        if self.valid_to <= self.valid_from:
            raise ValueError(
                f"valid_to {self.valid_to} is not after valid_from {self.valid_from}; "
                "valid_to is the first day on which it no longer holds"
            )
        return self


class OwnershipRule(Dated):
    """The team of calls of some features on some days."""

    feature: str = Field(min_length=1, description="Feature, or glob (* and ?).")
    team: str = Field(min_length=1, description="Who pays for it.")


class Charge(Dated):
    """An amount a month that no call makes: a fee, a credit, a shared cost."""

    name: str = Field(min_length=1, description="What its rows are called; no other has it.")
    usd_per_month: Dollars = Field(description="US dollars of a whole month; by day else.")
    provider: str | None = Field(None, description="Whose calls share it; left out: all calls.")
    model: str | None = Field(None, description="Of which served models; a name, or glob.")
    by: Literal["spend", "calls", "tokens", "evenly", "shares"] = Field(
        description="What it is allocated by."
    )
    to: Literal["team", "feature"] = Field("team", description="Who gets a part of their own.")
    shares: dict[str, Annotated[Decimal, Field(gt=0, le=1)]] = Field(
        default_factory=dict, description="With `by: shares`: each one's part; together 1."
    )
    why: str = Field(min_length=1, description="Contract or invoice; shown with each amount.")

    @model_validator(mode="after")
    def _shares_are_whole(self) -> Charge:
        if self.by != "shares" and self.shares:
            raise ValueError(f"shares are for `by: shares`, this is by {self.by}; drop one")
        if self.by == "shares" and sum(self.shares.values()) != 1:
            raise ValueError(f"shares add up to {sum(self.shares.values())}; make them add up to 1")
        return self


class ExchangeRate(BaseModel):
    """What a dollar buys from one day on, until there is a later rate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: date
    currency: Currency
    per_usd: Annotated[Decimal, Field(gt=0, max_digits=24, decimal_places=12)] = Field(
        description="Units of the currency for one US dollar."
    )
    source: str = Field(min_length=1, description="Where it comes from; shown with each amount.")


class Finance(BaseModel):
    """All of ``finance.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    report_timezone: str = Field("UTC", description="IANA name; days and months are its.")
    report_currency: Currency = Field(USD, description="Shown beside US dollars.")
    max_rate_age_days: int = Field(7, ge=0, description="A rate older than this is none.")
    exchange_rates: tuple[ExchangeRate, ...] = ()
    ownership: tuple[OwnershipRule, ...] = Field((), description="The first fit decides.")
    fees: tuple[Charge, ...] = Field((), description="Provisioned throughput, GPUs.")
    credits: tuple[Charge, ...] = Field((), description="Taken off.")
    shared_costs: tuple[Charge, ...] = Field((), description="What all use: gateways, tools.")

    @field_validator("report_timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            pl.select(pl.lit(datetime(2026, 1, 1)).dt.replace_time_zone(name))  # noqa: DTZ001
        except pl.exceptions.PolarsError:
            near = names_like(name, available_timezones())
            meant = "" if near == NO_SUCH_NAME else f"; did you mean {near}?"
            raise ValueError(f"is no IANA time zone, such as Europe/Berlin{meant}") from None
        return name

    @model_validator(mode="after")
    def _holds_together(self) -> Finance:
        names = [charge.name for _, charge in self.charges()]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"{', '.join(twice)} is the name of several fees, credits or shared costs; "
                "give each a name of its own"
            )
        rates = [(rate.currency, rate.date) for rate in self.exchange_rates]
        if again := sorted({rate for rate in rates if rates.count(rate) > 1}):
            raise ValueError(
                "exchange_rates: twice "
                + ", ".join(f"{currency} of {day}" for currency, day in again)
            )
        if self.report_currency not in {USD, *(currency for currency, _ in rates)}:
            raise ValueError(
                f"report_currency is {self.report_currency}, but exchange_rates has none of it; "
                "add the rate of a day, its source named: - {date: 2026-10-01, currency: "
                f"{self.report_currency}, per_usd: '…', source: …}}"
            )
        return self

    def charges(self) -> Iterator[tuple[str, Charge]]:
        """Every fee, credit and shared cost, with its kind."""
        for kind, charges in (
            ("fee", self.fees),
            ("credit", self.credits),
            ("shared", self.shared_costs),
        ):
            for charge in charges:
                yield kind, charge

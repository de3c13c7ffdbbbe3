"""``prices.yaml``: prices that a team knows better than the catalogue, each with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import combinations
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from llmops_pipelines.pricing.buckets import REQUEST
from llmops_pipelines.pricing.tiers import STANDARD, Service
from llmops_pipelines.pricing.timelines import BEGINNING
from llmops_pipelines.tables import TOKEN_BUCKETS

Price = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=19, decimal_places=12)]

PRICED_BUCKETS = (*TOKEN_BUCKETS, REQUEST)


class PriceOverride(BaseModel):
    """The whole price list of one model from one moment to another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(min_length=1, description="Provider, as logs and genai-prices spell it.")
    model: str = Field(
        min_length=1,
        description="Model name as logged; a catalogue id stands for all names it covers.",
    )
    service: Service = Field(STANDARD, description="Service tier the prices are for.")
    valid_from: datetime = Field(BEGINNING, description="First moment they hold, UTC.")
    valid_to: datetime | None = Field(None, description="First moment they no longer do.")
    prices: dict[str, Price] = Field(description="USD per million tokens, by token bucket.")
    why: str = Field(min_length=1, description="Where the price comes from; shown with each cost.")

    @field_validator("valid_from", "valid_to", mode="before")
    @classmethod
    def _utc(cls, value: object) -> object:
        """A day is its midnight; an offset is taken into account; without one it is UTC."""
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise ValueError("expected a date or time such as 2026-08-17T16:00:00Z") from None
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return datetime.combine(value, time(0)) if isinstance(value, date) else value

    @field_validator("prices", mode="after")
    @classmethod
    def _buckets(cls, prices: dict[str, Decimal]) -> dict[str, Decimal]:
        if unknown := sorted(set(prices) - set(PRICED_BUCKETS)):
            raise ValueError(
                f"no such bucket: {', '.join(unknown)}; accepted: {', '.join(PRICED_BUCKETS)}"
            )
        if "uncached_input" not in prices:
            raise ValueError(
                "give at least uncached_input: an override is the model's whole price list, "
                "not a change to the catalogue's"
            )
        return prices

    @model_validator(mode="after")
    def _in_order(self) -> PriceOverride:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError(
                f"valid_to {self.valid_to} is not after valid_from {self.valid_from}; "
                "valid_to is the first moment at which the price no longer holds"
            )
        return self

    def overlaps(self, other: PriceOverride) -> bool:
        """Whether both claim the same model and service at some moment."""
        return (
            (self.provider.lower(), self.model.lower(), self.service)
            == (other.provider.lower(), other.model.lower(), other.service)
            and (other.valid_to is None or self.valid_from < other.valid_to)
            and (self.valid_to is None or other.valid_from < self.valid_to)
        )


class PriceOverrides(BaseModel):
    """All of ``prices.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overrides: tuple[PriceOverride, ...] = ()

    @field_validator("overrides", mode="after")
    @classmethod
    def _disjoint(cls, overrides: tuple[PriceOverride, ...]) -> tuple[PriceOverride, ...]:
        clashes = [
            f"overrides.{i} and overrides.{j} both price {one.provider}/{one.model} "
            f"({one.service}) from {max(one.valid_from, other.valid_from)}; end the earlier one "
            "with valid_to"
            for (i, one), (j, other) in combinations(enumerate(overrides), 2)
            if one.overlaps(other)
        ]
        if clashes:
            raise ValueError("; ".join(clashes))
        return overrides

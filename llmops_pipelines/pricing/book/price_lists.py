"""Whole price lists of one model: as listed or agreed, or what its GPUs come to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, localcontext
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from llmops_pipelines.pricing.book.buckets import PRICED, complete
from llmops_pipelines.pricing.book.entry import Entry
from llmops_pipelines.pricing.book.rows import ANY, USD, Name, PriceRow, to_pico
from llmops_pipelines.pricing.book.tiers import STANDARD, Service

Price = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=19, decimal_places=12)]


class ExchangeRate(BaseModel):
    """What one unit of another currency is taken to be worth, by whom and since when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd: Decimal = Field(gt=0, le=1_000_000, decimal_places=12, description="USD for one unit.")
    day: date = Field(description="Day of the rate.")
    source: str = Field(min_length=1, description="Who published it.")

    def __str__(self) -> str:
        return f"{self.usd} USD, {self.source}, {self.day}"


class PriceList(Entry, ABC):
    """The whole price list of one model from one moment to another."""

    currency: str = Field(
        USD, pattern="^[A-Z]{3}$", description="ISO 4217 code of its amounts, such as EUR."
    )
    rate: ExchangeRate | None = Field(
        None, description="Fixed rate at which another currency than USD is converted."
    )

    @model_validator(mode="after")
    def _convertible(self) -> Self:
        if (self.currency == USD) != (self.rate is None):
            raise ValueError(
                f"currency is {self.currency}: "
                + (
                    "leave out rate"
                    if self.rate
                    else "give rate: {usd: ..., day: ..., source: ...}"
                )
            )
        return self

    @property
    def usd_rate(self) -> Decimal:
        """USD for one unit of ``currency``."""
        return self.rate.usd if self.rate else Decimal(1)

    @property
    def conversion(self) -> str:
        """The rate, for the source of a price; empty where nothing is converted."""
        return f" ({self.currency} at {self.rate})" if self.rate else ""

    @abstractmethod
    def listed(self) -> Mapping[str, Decimal]:
        """Prices per bucket, in ``currency``: per million tokens, per 1,000 calls or searches."""

    def told(self) -> str:
        """How the prices come about, for their source."""
        return f"{self.why}{self.conversion}"

    def sold_as(self, provider: str, model: str) -> Name:
        """What the prices are for, once it is known what the book calls it."""
        return Name(provider, model)

    def rows(self, name: Name, source: str) -> Iterator[PriceRow]:
        """The rows of the book."""
        for bucket, price in complete(self.listed()).items():
            yield PriceRow(
                name, bucket, 0, price, self.valid_from, self.valid_to, source,
                currency=self.currency, usd_rate=self.usd_rate,
            )  # fmt: skip

    def clash(self, other: PriceList) -> str | None:
        """What both price, where they do."""
        mine, its = (entry.sold_as("", entry.model.lower()) for entry in (self, other))
        if mine != its:
            return None
        region = "" if mine.region == ANY else f" in {mine.region}"
        return f"price {self.provider}/{self.model} ({mine.tier}){region}"


class PriceOverride(PriceList):
    """Prices as listed or agreed."""

    service: Service = Field(STANDARD, description="Service tier the prices are for.")
    region: str = Field(
        ANY, min_length=1, description="Region in the model's address, such as eu; * for all."
    )
    prices: dict[str, Price] = Field(
        description="Price per million tokens, by token bucket, in `currency`."
    )

    @field_validator("prices", mode="after")
    @classmethod
    def _buckets(cls, prices: dict[str, Decimal]) -> dict[str, Decimal]:
        if unknown := sorted(set(prices) - set(PRICED)):
            raise ValueError(f"no such bucket: {', '.join(unknown)}; accepted: {', '.join(PRICED)}")
        if "uncached_input" not in prices:
            raise ValueError(
                "give at least uncached_input: an override is the model's whole price list, "
                "not a change to the catalogue's"
            )
        return prices

    def listed(self) -> Mapping[str, Decimal]:
        """Prices per bucket, in ``currency``."""
        return self.prices

    def sold_as(self, provider: str, model: str) -> Name:
        """One service tier, perhaps in one region."""
        return Name(provider, model, self.service, self.region.lower())


class SelfHosted(PriceList):
    """A model on GPUs that are paid by the hour, whatever they serve.

    The price of a token, of prompt or answer, is that of an hour over the tokens served in it.
    """

    gpu_hour: Decimal = Field(
        gt=0, le=1_000_000, decimal_places=12, description="Price of one GPU for one hour."
    )
    gpus: int = Field(gt=0, le=1_000_000, description="GPUs that serve it together.")
    full_load_tokens_per_second: Decimal | None = Field(
        None, gt=0, description="Tokens of prompts and answers at full load; needs utilisation."
    )
    utilisation: Decimal | None = Field(
        None, gt=0, le=1, description="Share of the paid time that they are at full load."
    )
    measured_tokens_per_second: Decimal | None = Field(
        None, gt=0, description="Tokens of prompts and answers, over all of the paid time."
    )

    @model_validator(mode="after")
    def _throughput(self) -> Self:
        full, share, measured = (
            getattr(self, name) is not None
            for name in ("full_load_tokens_per_second", "utilisation", "measured_tokens_per_second")
        )
        if (full, share, measured) not in {(True, True, False), (False, False, True)}:
            raise ValueError(
                "give full_load_tokens_per_second with utilisation, "
                "or measured_tokens_per_second alone"
            )
        return self

    def listed(self) -> Mapping[str, Decimal]:
        """One price for all tokens, half even to the 10^-12."""
        with localcontext(prec=80):
            hours = self._tokens_per_second() * 3600
            price = to_pico(self.gpu_hour * self.gpus * 1_000_000 / hours)
        return {"uncached_input": price, "output_text": price}

    def told(self) -> str:
        """The reason, and the division."""
        rate = (
            f"{self.measured_tokens_per_second} tokens/s measured"
            if self.utilisation is None
            else f"{self.full_load_tokens_per_second} tokens/s x {self.utilisation} utilisation"
        )
        price = self.listed()["output_text"].normalize()
        return (
            f"{self.why}; {self.gpus} GPU x {self.gpu_hour} {self.currency}/h / ({rate} x 3600 s)"
            f" = {price:f} {self.currency}/M{self.conversion}"
        )

    def _tokens_per_second(self) -> Decimal:
        if self.full_load_tokens_per_second is None or self.utilisation is None:
            return self.measured_tokens_per_second or Decimal(1)
        return self.full_load_tokens_per_second * self.utilisation

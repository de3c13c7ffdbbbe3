"""Amounts as people write them in another currency than dollars: ``1500 EUR``."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

USD: Final = "USD"

_WRITTEN: Final = re.compile(r"\s*(?P<number>[\d.]+)\s*(?P<currency>[A-Z]{3})\s*", re.ASCII)
_PICO: Final = Decimal("0.000000000001")
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)


class Rate(NamedTuple):
    """The report currency and what a dollar buys of it on a day: None where nobody knows."""

    currency: str = USD
    rate: Decimal | None = Decimal(1)
    rate_date: date | None = None
    rate_source: str | None = None

    def dollars(self, amount: Amount) -> Decimal | None:
        """``amount`` in dollars, half to even at 12 decimals; None without a rate of it."""
        if amount.currency != self.currency or self.rate is None:
            return None
        return _EXACT.quantize(_EXACT.divide(amount.number, self.rate), _PICO)


class Amount(BaseModel):
    """A number of units of a currency, written as one text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Decimal = Field(gt=0, le=10**12, max_digits=24, decimal_places=12)
    currency: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        written = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
        if written is None:
            raise ValueError(
                "is no amount with its currency; write number and code, such as 1500 EUR, or give "
                "dollars under the name that ends in usd"
            )
        return written.groupdict()

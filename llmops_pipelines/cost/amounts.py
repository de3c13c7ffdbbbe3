"""Amounts as people write them in another currency than dollars: ``1500 EUR``."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

USD: Final = "USD"

_WRITTEN: Final = re.compile(r"\s*(?P<number>[\d.]+)\s*(?P<currency>[A-Z]{3})\s*", re.ASCII)
_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}(\.\d{3})+")
"""What some write for 1500: a budget of 1.5 instead would be exceeded at once, or never seen."""
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
        if _THOUSANDS.fullmatch(written["number"]):
            raise ValueError(_ambiguous(written["number"], written["currency"]))
        return written.groupdict()


def _ambiguous(number: str, currency: str) -> str:
    """What to write for a number whose dots may stand between thousands."""
    meant = [f"{number.replace('.', '')} {currency}"]
    if number.count(".") == 1:
        decimals = f"{Decimal(number).normalize():f}"
        # With three decimals that are not 0 a fourth tells that they are no thousands.
        meant.append(f"{decimals}{'0' if _THOUSANDS.fullmatch(decimals) else ''} {currency}")
    return f"may have a dot between thousands, or decimals; write {' or '.join(meant)}"

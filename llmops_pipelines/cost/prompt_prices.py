"""What a fresh prompt token costs, and one written to the cache, where only their sum is known."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_APART: Final = 1e-6
"""Of the product of squares: how much the rows must differ in their share of written tokens."""
_DEAREST: Final = 4.5
"""Times a fresh token: no provider charges more for writing one. Nor does any charge less than for
a fresh one, but resellers that do are rare enough to have one price for both."""
_ROUNDED: Final = 1 - 1e-6


def squares(fresh: pl.Expr, written: pl.Expr) -> dict[str, pl.Expr]:
    """Sums of products over rows of ``COST_CUBE``, from which ``prices_apart`` finds two prices.

    Args:
        fresh: Tokens of prompts that were neither read from the cache nor written to it.
        written: Tokens that were written to it.

    Returns:
        Aggregations by name; ``tokens^2`` and ``tokens * usd``, rows without a cost left out.
    """
    cost = pl.col("input_cost").cast(pl.Float64)
    known = cost.is_not_null()
    one, other = (tokens.cast(pl.Float64).filter(known) for tokens in (fresh, written))
    return {
        "fresh_fresh": (one * one).sum(),
        "fresh_written": (one * other).sum(),
        "written_written": (other * other).sum(),
        "fresh_cost": (one * cost.filter(known)).sum(),
        "written_cost": (other * cost.filter(known)).sum(),
    }


def prices_apart(
    before: pl.DataFrame, after: pl.DataFrame
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Prices of fresh and of written tokens in either period, in USD; NaN where there are none.

    Least squares over the rows of a period tell them apart, exactly where no price changed in it.
    Where all its rows are alike, fresh tokens cost what they do in the other period, if that leaves
    a price that somebody would charge for writing; else both cost the same. Whatever they are, they
    come to what the tokens of the period cost together.

    Args:
        before: ``cells_of`` the earlier period, aligned with ``after``.
        after: Those of the later one.
    """
    own = [_Tokens(cells) for cells in (before, after)]
    fitted = [tokens.fitted() for tokens in own]
    alone = [
        np.where(tokens.written > 0, found, tokens.average)
        for tokens, found in zip(own, fitted, strict=True)
    ]
    return (
        own[0].prices(_first(fitted[0], own[0].plausible(alone[1]))),
        own[1].prices(_first(fitted[1], own[1].plausible(alone[0]))),
    )


class _Tokens:
    """One period's fresh and written tokens, and what they cost together."""

    def __init__(self, cells: pl.DataFrame) -> None:
        column = {
            name: cells[name].cast(pl.Float64).to_numpy()
            for name in (
                "prompt", "cache_read", "cache_write", "input_cost", "fresh_fresh",
                "fresh_written", "written_written", "fresh_cost", "written_cost",
            )
        }  # fmt: skip
        self._column = column
        self.written = column["cache_write"]
        self.fresh = column["prompt"] - column["cache_read"] - self.written
        self.cost = column["input_cost"]
        self.average = _over(self.cost, self.fresh + self.written)

    def fitted(self) -> Floats:
        """What a fresh token costs by the rows of this period; NaN where they do not tell."""
        c = self._column
        both = c["fresh_fresh"] * c["written_written"]
        apart = both - c["fresh_written"] ** 2
        apart = np.where(apart > _APART * both, apart, 0.0)
        fresh = _over(
            c["written_written"] * c["fresh_cost"] - c["fresh_written"] * c["written_cost"], apart
        )
        written = _over(
            c["fresh_fresh"] * c["written_cost"] - c["fresh_written"] * c["fresh_cost"], apart
        )
        # Where prices changed in between, two of them do not come to the cost: their ratio holds.
        scale = _over(self.cost, fresh * self.fresh + written * self.written)
        return self.plausible(fresh * scale)

    def plausible(self, fresh: Floats) -> Floats:
        """``fresh`` where it leaves written tokens a price that somebody charges, else NaN."""
        write = _over(self.cost - fresh * self.fresh, self.written)
        is_one = (write >= fresh * _ROUNDED) & (write <= fresh * _DEAREST) & (fresh > 0)
        found: Floats = np.where(is_one, fresh, np.nan)
        return found

    def prices(self, fresh: Floats) -> tuple[Floats, Floats]:
        """Both prices, where a fresh token costs ``fresh`` if there are written ones beside it."""
        mixed = (self.written > 0) & (self.fresh > 0)
        price = np.where(mixed & ~np.isnan(fresh), fresh, self.average)
        write = np.where(mixed, _over(self.cost - price * self.fresh, self.written), self.average)
        return (
            np.where(self.fresh > 0, price, np.nan),
            np.where(self.written > 0, write, np.nan),
        )


def _first(values: Floats, others: Floats) -> Floats:
    found: Floats = np.where(np.isnan(values), others, values)
    return found


def _over(part: Floats, whole: Floats) -> Floats:
    """NaN where ``whole`` is not above 0."""
    ratio: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return ratio

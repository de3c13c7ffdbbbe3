"""Fees, credits and shared costs, divided among those who use what they are paid for."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final, TypeVar

import polars as pl

from llmops_pipelines.finance.rates import PICO
from llmops_pipelines.finance.settings import Charge
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import TOKEN_BUCKETS

Owner = tuple[str, str | None]
"""Team and feature; no feature where the amount is the team's."""

_Name = TypeVar("_Name")

_PER_DOLLAR: Final = 10**12


def split(amount: int, weights: Mapping[_Name, Fraction]) -> dict[_Name, int]:
    """``amount`` in proportion to ``weights``, whole, by largest remainder; the parts add up to it.

    Of equal remainders the one that comes first in ``weights`` is served first.

    Raises:
        ValueError: The weights add up to nothing, or one is negative.
    """
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise ValueError(f"weights must be positive together and none negative: {dict(weights)}")
    sign, size = (-1 if amount < 0 else 1), abs(amount)
    exact = {name: size * weight / total for name, weight in weights.items()}
    parts = {name: int(part) for name, part in exact.items()}
    # Sorting is stable, so equal remainders keep their order.
    for name in sorted(exact, key=lambda name: parts[name] - exact[name])[
        : size - sum(parts.values())
    ]:
        parts[name] += 1
    return {name: sign * part for name, part in parts.items()}


def charge_lines(
    usage: pl.DataFrame, month: str, charges: Sequence[tuple[str, Charge]]
) -> list[dict[str, object]]:
    """The rows of one month's fees, credits and shared costs.

    Each is divided among the calls of its provider and model. Where there is nothing to divide it
    by (no such calls; by spend, none with a price) it is ``unattributed``, whole.

    Args:
        usage: ``usage`` rows of ``MONTHLY_COSTS`` of the month.
        month: The month, as 2026-10.
        charges: Every fee, credit and shared cost, with its kind.

    Returns:
        Rows of ``MONTHLY_COSTS`` without currency. The rows of a charge add up to it exactly.
    """
    rows: list[dict[str, object]] = []
    for kind, charge in charges:
        days, length = covered_days(charge, month)
        if not days:
            continue
        # Python rounds fractions half to even.
        amount = round(Fraction(charge.usd_per_month) * _PER_DOLLAR * Fraction(days, length))
        weights = _weights(_sharing(usage, charge), charge)
        total = sum(weights.values())
        if not total:
            weights, total = {(UNATTRIBUTED, None): Fraction(1)}, Fraction(0)
        for (team, feature), part in split(
            -amount if kind == "credit" else amount, weights
        ).items():
            basis = (
                f"{_told(weights[team, feature])} of {_told(total)}"
                if total
                else "nothing to divide it by"
            )
            rows.append(
                {
                    "month": month,
                    "kind": kind,
                    "name": charge.name,
                    "team": team,
                    "feature": feature,
                    "provider": charge.provider,
                    "model": charge.model,
                    "cost": (Decimal(part) / _PER_DOLLAR).quantize(PICO),
                    "rule": f"by {charge.by}: {basis}; ${charge.usd_per_month:f} a month, "
                    f"{days} of {length} days; {charge.why}",
                }
            )
    return rows


def covered_days(charge: Charge, month: str) -> tuple[int, int]:
    """Days of the month on which the charge holds, and days of the month."""
    first = date.fromisoformat(f"{month}-01")
    length = monthrange(first.year, first.month)[1]
    days = [first.replace(day=n) for n in range(1, length + 1)]
    return sum(charge.valid_from <= day < charge.valid_to for day in days), length


def _sharing(usage: pl.DataFrame, charge: Charge) -> pl.DataFrame:
    """The rows of the provider and model, with ``spend`` in dollars and ``tokens``."""
    if charge.provider is not None:
        usage = usage.filter(pl.col("provider").str.to_lowercase() == charge.provider.lower())
    if charge.model is not None:
        models = usage["model"].drop_nulls().unique()
        fits = [name for name in models if fnmatchcase(name, charge.model)]
        usage = usage.filter(pl.col("model").is_in(fits))
    return usage.with_columns(spend="cost", tokens=pl.sum_horizontal(TOKEN_BUCKETS)).sort(
        "team", "feature"
    )


def _weights(usage: pl.DataFrame, charge: Charge) -> dict[Owner, Fraction]:
    if charge.by == "shares":
        return _shares(usage, charge)
    owners = ["team", "feature"] if charge.to == "feature" else ["team"]
    basis = pl.lit(1).first() if charge.by == "evenly" else pl.col(charge.by).sum()
    found = usage.group_by(owners, maintain_order=True).agg(basis=basis)
    return {
        (row["team"], row.get("feature")): Fraction(row["basis"] or 0)
        for row in found.iter_rows(named=True)
    }


def _shares(usage: pl.DataFrame, charge: Charge) -> dict[Owner, Fraction]:
    """Fixed parts; a feature of several teams is divided among them by calls."""
    if charge.to == "team":
        return {(team, None): Fraction(share) for team, share in charge.shares.items()}
    weights: dict[Owner, Fraction] = {}
    for feature, share in charge.shares.items():
        calls = (
            usage.filter(pl.col("feature") == feature)
            .group_by("team", maintain_order=True)
            .agg(pl.col("calls").sum())
        )
        if not calls["calls"].sum():
            calls = pl.DataFrame({"team": [UNATTRIBUTED], "calls": [1]})
        for team, count in calls.iter_rows():
            weights[team, feature] = Fraction(share) * Fraction(count, int(calls["calls"].sum()))
    return weights


def _told(weight: Fraction) -> str:
    """A weight as people write it: whole, or with as many decimals as money has."""
    if weight.denominator == 1:
        return str(weight.numerator)
    decimal = (Decimal(weight.numerator) / Decimal(weight.denominator)).quantize(PICO)
    return f"{decimal:f}".rstrip("0")

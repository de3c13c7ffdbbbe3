"""What a reconciliation comes to: totals by state that add up, and what nothing explains."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

import polars as pl

STATES: Final = ("matched", "differs", "missing", "surplus", "empty", "unreadable")

_OPEN: Final = ("differs", "missing", "surplus")


class Totals(NamedTuple):
    """Sums over the rows of one file, in US dollars."""

    by_state: pl.DataFrame
    """``state``, ``rows``, ``lines``, and sums of both sides and their difference, in US dollars
    and (``invoiced_tokens``, ...) in tokens."""
    invoiced: Decimal
    """What the file bills: the sum of ``by_state``."""
    unexplained: Decimal
    """Sum of the differences, whatever their sign, that no figure proves the reason of."""
    unexplained_share: float | None
    """Of what is billed; of tokens where no money is billed. None of nothing."""


def totals(rows: pl.DataFrame) -> Totals:
    """The totals of ``INVOICE_RECONCILIATION`` rows of one file."""
    by_state = (
        rows.group_by("state")
        .agg(
            rows=pl.len().cast(pl.Int64),
            lines=pl.col("lines").sum(),
            invoiced=pl.col("invoiced").sum(),
            ours=pl.col("ours").sum(),
            evaluation=pl.col("evaluation").sum(),
            difference=pl.col("difference").sum(),
            invoiced_tokens=pl.col("invoiced_tokens").sum(),
            our_tokens=pl.col("our_tokens").sum(),
            evaluation_tokens=pl.col("evaluation_tokens").sum(),
            token_difference=pl.col("token_difference").sum(),
        )
        .sort(pl.col("state").cast(pl.Enum(STATES)))
    )
    unproven = rows.filter(pl.col("state").is_in(_OPEN), ~pl.col("proven"))
    invoiced = Decimal(rows["invoiced"].sum() or 0)
    unexplained = Decimal(unproven["difference"].abs().sum() or 0)
    billed = Decimal(rows["invoiced"].abs().sum() or 0)
    if billed:
        share = float(unexplained / billed)
    elif tokens := rows["invoiced_tokens"].sum():
        share = float(unproven["token_difference"].abs().sum() or 0) / float(tokens)
    else:
        share = None
    return Totals(by_state, invoiced, unexplained, share)

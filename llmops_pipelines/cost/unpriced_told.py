"""Unpriced calls in sentences, with what they could cost said to be an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl


def told_unpriced(unpriced: pl.DataFrame) -> str:
    """``unpriced_spend`` in a sentence: calls, reasons, and the range of what may be missing."""
    reasons = unpriced.group_by("reason").agg(pl.col("calls").sum()).sort("reason").rows()
    counted = ", ".join(f"{calls:,} {reason}" for reason, calls in reasons)
    models = unpriced.select("provider", "model").n_unique()
    return (
        f"{unpriced['calls'].sum():,} call(s) of {models:,} model(s) have no price ({counted}); "
        + _told_missing(unpriced)
    )


def told_estimate(row: Mapping[str, Any]) -> str:
    """What the calls of a row of ``unpriced_spend`` could cost, labelled as the estimate it is."""
    if row["low"] is None:
        return "unknown: nothing to compare with"
    calls = row["estimated_calls"]
    some = f" for {calls:,} of them" if calls < row["calls"] else ""
    return f"an estimated {_range(row['low'], row['high'])}{some}, at {row['estimated_from']}"


def _told_missing(unpriced: pl.DataFrame) -> str:
    known = unpriced.drop_nulls("low")
    if known.is_empty():
        return "what they cost cannot be estimated"
    return (
        f"spend leaves out an estimated {_range(known['low'].sum(), known['high'].sum())}, at the "
        "prices of other models"
    )


def _range(low: Any, high: Any) -> str:
    decimals = 4 if high >= 1 else 6
    ends = dict.fromkeys(f"${end:,.{decimals}f}" for end in (low, high))
    return " to ".join(ends)

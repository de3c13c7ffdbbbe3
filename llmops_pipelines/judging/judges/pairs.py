"""Two answers compared in both orders: a verdict counts only if it goes with the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isclose
from typing import Any

import polars as pl

from llmops_pipelines.judging.judges.item import Item
from llmops_pipelines.judging.judges.replies import Ruling
from llmops_pipelines.judging.judges.rubrics import VisibleField

_BOTH = r"^as given: (.+); swapped: (.+)$"
"""What `settle` writes; a label may hold blanks."""

_RATES = pl.Schema(
    [
        ("metric", pl.String),
        ("spec_id", pl.String),
        ("pairs", pl.Int64),
        ("flips", pl.Int64),
        ("to_first", pl.Int64),
        ("to_second", pl.Int64),
        ("flip_rate", pl.Float64),
        ("low", pl.Float64),
        ("high", pl.Float64),
    ]
)


def exchange(item: Item, fields: tuple[VisibleField, VisibleField]) -> Item:
    """``item`` with the two ``fields`` in each other's place."""
    one, other = fields
    turned: dict[str, Any] = {one: getattr(item, other), other: getattr(item, one)}
    return replace(item, **turned)


def settle(as_given: Ruling, swapped: Ruling, categories: Mapping[str, float | None]) -> Ruling:
    """The one ruling on a pair, from the ruling on it as given and the one with places exchanged.

    What was said decides, turned round (1 - score) for the second order. Where the two differ, the
    judge went by the place and not by the answer: the pair is ``undecided``, which is neither a tie
    nor a score. The verdicts of both orders are kept as evidence in every case.

    Args:
        as_given: Its ``evidence`` is the category.
        swapped: The same.
        categories: Of the rubric.
    """
    evidence = f"as given: {as_given.evidence}; swapped: {swapped.evidence}"
    said = categories[str(as_given.evidence)], _turned(categories[str(swapped.evidence)])
    if _same(*said):
        scores = as_given.score, _turned(swapped.score)
        known = [score for score in scores if score is not None]
        mean = sum(known) / len(known) if known else None
        return Ruling(as_given.outcome, mean, as_given.reason, evidence)
    reason = (
        f"the verdict changed with the order: {as_given.evidence} ({as_given.reason}), then "
        f"{swapped.evidence} ({swapped.reason})"
    )
    return Ruling("undecided", None, reason, evidence)


def flip_rates(verdicts: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """How often judges of pairs went by the place: one row per metric and judge, by metric.

    Args:
        verdicts: ``JUDGE_LEDGER`` or ``JUDGE_SCORES``; judges that compare nothing have no row.

    Returns:
        ``pairs`` asked in both orders, ``flips`` among them that came out undecided, of which
        ``to_first`` preferred the first place both times and ``to_second`` the second,
        ``flip_rate`` and the ends of its 95 % interval (Wilson). Contents, not calls, are counted:
        calls that share a verdict share a draw.
    """
    from llmops_pipelines.statistics import wilson

    low, high = wilson(pl.col("flips"), pl.col("pairs"))
    return (
        # An embedded scorer's evidence is a passage of somebody's document; it makes no attempts.
        verdicts.lazy()
        .filter(pl.col("attempts") > 0, pl.col("evidence").str.contains(_BOTH))
        .unique(["spec_id", "item_digest", "repetition"], keep="first", maintain_order=True)
        .with_columns(
            given=pl.col("evidence").str.extract(_BOTH, 1),
            swapped=pl.col("evidence").str.extract(_BOTH, 2),
            flipped=pl.col("outcome") == "undecided",
        )
        .group_by("metric", "spec_id")
        .agg(
            pairs=pl.len(),
            flips=pl.col("flipped").sum(),
            to_first=_both("first"),
            to_second=_both("second"),
        )
        .with_columns(flip_rate=pl.col("flips") / pl.col("pairs"), low=low, high=high)
        .select(_RATES.names())
        .cast(_RATES)
        .sort("metric", "spec_id")
        .collect()
    )


def _both(label: str) -> pl.Expr:
    """How many pairs got ``label`` in both orders: the same place, so the other answer."""
    return ((pl.col("given") == label) & (pl.col("swapped") == label)).sum()


def _turned(score: float | None) -> float | None:
    return None if score is None else 1 - score


def _same(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else isclose(one, other, abs_tol=1e-9)

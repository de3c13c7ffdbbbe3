"""Spend by scope: each feature, each team, and the total of them."""

from __future__ import annotations

from typing import Final

import polars as pl

FEATURE: Final = "feature"
TEAM: Final = "team"
TOTAL: Final = "total"
"""Kinds of scope; the last is also the name of its only one."""

SCOPE: Final = ("kind", "scope")


def by_scope(feature_costs: pl.DataFrame) -> pl.DataFrame:
    """Every row of ``FEATURE_COSTS`` three times: for its feature, for its team, for the total.

    A feature or a team that is itself called ``total`` is told apart by its kind in brackets, so
    that ``scope`` alone never confuses it with all of them.

    Returns:
        The rows with ``kind`` and ``scope``.
    """
    return pl.concat(
        feature_costs.with_columns(kind=pl.lit(kind), scope=scope)
        for kind, scope in (
            (FEATURE, _told_apart(FEATURE)),
            (TEAM, _told_apart(TEAM)),
            (TOTAL, pl.lit(TOTAL)),
        )
    )


def _told_apart(kind: str) -> pl.Expr:
    name = pl.col(kind)
    return pl.when(name == TOTAL).then(pl.lit(f"{TOTAL} ({kind})")).otherwise(name)

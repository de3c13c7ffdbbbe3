"""Means and percentiles with intervals for every group of a frame at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from llmops_pipelines.statistics.linearised import Codes, Linearised
from llmops_pipelines.statistics.means import Bounds, interval_of
from llmops_pipelines.statistics.quantiles import ranks


def mean_intervals(
    frame: pl.DataFrame,
    by: Sequence[str],
    value: str,
    *,
    cluster: str,
    bounds: Bounds,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """`mean_interval` of ``value`` per group: ``by``, then estimate, low, high and n.

    Args:
        frame: One observation per row; rows whose ``value`` is null or off the scale are left
            out.
        by: Columns that make a group.
        value: What is averaged.
        cluster: What an observation belongs to; null is a cluster by itself.
        bounds: The ends of the scale.
        confidence: 0.95 by default.

    Returns:
        One row per group with a value, sorted by ``by``. Rows are summed in sorted order on one
        thread: equal rows give equal bits, in whatever order they came.
    """
    ordered = (
        frame.filter(pl.col(value).is_between(*bounds))
        .select(*by, value, cluster)
        .sort(*by, cluster, value, nulls_last=True)
    )
    keys = [pl.col(name) for name in by]
    alone = pl.when(pl.col(cluster).is_null()).then(pl.int_range(pl.len())).alias("alone")
    group, member = _runs(ordered, keys), _runs(ordered, [*keys, pl.col(cluster), alone])
    values = ordered[value].cast(pl.Float64).to_numpy()
    n, size = np.bincount(group), np.bincount(member)
    mean = np.bincount(group, values) / n
    residual = np.bincount(member, (values - mean[group]) / n[group])
    owner = group[np.unique(member, return_index=True)[1]]
    clusters = np.bincount(owner)
    squares = np.bincount(owner, residual**2)
    whole = n**2 / np.bincount(owner, size.astype(np.float64) ** 2)
    spreads = (
        Linearised(m, v * c / (c - 1) if c > 1 else None, c - 1, k, float(k), w)
        for m, v, c, k, w in zip(
            *(column.tolist() for column in (mean, squares, clusters, n, whole)), strict=True
        )
    )
    rows = [interval_of(spread, bounds, confidence) for spread in spreads]
    found = pl.DataFrame(
        rows,
        schema={"estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64},
        orient="row",
    )
    return pl.concat([ordered.select(by).unique(maintain_order=True), found], how="horizontal")


def quantile_intervals(
    frame: pl.DataFrame,
    by: Sequence[str],
    value: str,
    quantiles: Sequence[float],
    *,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """`quantile_interval` of ``value`` per group and quantile.

    Args:
        frame: One observation per row; rows whose ``value`` is null or not finite are left out.
        by: Columns that make a group.
        value: What is ranked.
        quantiles: Such as 0.5 and 0.99.
        confidence: 0.95 by default.

    Returns:
        ``by``, quantile, estimate, low, high and n; one row per group with a value and quantile,
        sorted by quantile within a group.
    """
    ordered = (
        frame.filter(pl.col(value).is_finite()).select(*by, value).sort(*by, value, nulls_last=True)
    )
    group = _runs(ordered, [pl.col(name) for name in by])
    n = np.bincount(group)
    first = np.cumsum(n) - n
    padded = np.append(ordered[value].cast(pl.Float64).to_numpy(), np.nan)

    def at(rank: Codes) -> pl.Series:
        exists = (rank >= 1) & (rank <= n)
        return pl.Series(padded[np.where(exists, first + rank - 1, -1)], nan_to_null=True)

    keys = ordered.select(by).unique(maintain_order=True)
    parts = []
    for q in sorted(quantiles):
        middle, low, high = (at(rank) for rank in ranks(n, q, confidence))
        parts.append(
            keys.with_columns(
                quantile=pl.lit(q), estimate=middle, low=low, high=high, n=pl.Series(n)
            )
        )
    return pl.concat(parts).sort(*by, "quantile", nulls_last=True)


def _runs(frame: pl.DataFrame, columns: list[pl.Expr]) -> Codes:
    """Rows of a sorted frame numbered by the run of equal ``columns`` they are in, from 0."""
    runs = frame.select(pl.struct(columns).rle_id().cast(pl.Int64))
    return runs.to_series().to_numpy()

"""Percentiles of how long calls take and how fast they write, with order-statistic intervals."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.health.measures import KEYS
from llmops_pipelines.statistics import quantile_intervals

PERCENTILES = {
    "latency": (0.5, 0.95, 0.99),
    "ttft": (0.5, 0.95, 0.99),
    "output_tokens_per_s": (0.5,),
}


def durations(levels: pl.DataFrame) -> pl.DataFrame:
    """``latency_p50`` and so on for every group of ``at_every_level(measured_calls(...))``.

    Latency and speed have a row for every group, with n = 0 where no call could be timed; TTFT has
    one where a call was streamed, or where the log does not say that it was not.
    """
    return pl.concat(
        _percentiles(levels, measure, quantiles) for measure, quantiles in PERCENTILES.items()
    )


def _percentiles(levels: pl.DataFrame, measure: str, quantiles: tuple[float, ...]) -> pl.DataFrame:
    applies, value = pl.col(f"{measure}_applies"), pl.col(measure)
    groups = levels.group_by(KEYS).agg(
        applicable=applies.sum(), missing=(applies & value.is_null()).sum().cast(pl.Int64)
    )
    if measure == "ttft":
        groups = groups.filter(pl.col("applicable") > 0)
    names = pl.DataFrame(
        {
            "quantile": quantiles,
            "metric": [f"{measure}_p{round(100 * quantile)}" for quantile in quantiles],
        }
    )
    known = quantile_intervals(levels.filter(applies), KEYS, measure, quantiles)
    return (
        groups.join(names, how="cross")
        .join(known, on=[*KEYS, "quantile"], how="left")
        .select(*KEYS, "metric", "estimate", "low", "high", pl.col("n").fill_null(0), "missing")
    )

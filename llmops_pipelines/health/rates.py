"""Shares with Wilson intervals: errors, retries, refusals, formats, prices, rejected lines."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.health.measures import ALL, KEYS
from llmops_pipelines.statistics import wilson

ALWAYS = ("error", "retry", "refusal", "unpriced_call")
"""Rates that every group of calls has; with nothing known their row says n = 0."""


def rates(levels: pl.DataFrame) -> pl.DataFrame:
    """The call rates of every group of ``at_every_level(measured_calls(...))``, as long rows."""
    names = [*ALWAYS, "format_error"]
    counts = levels.group_by(KEYS).agg(
        expression
        for name in names
        for expression in (
            _count(name, pl.col(name)).alias(f"{name}/x"),
            _count(name, pl.col(name).is_not_null()).alias(f"{name}/n"),
            _count(name, pl.col(name).is_null()).alias(f"{name}/missing"),
        )
    )
    long = pl.concat(
        counts.select(
            *KEYS,
            pl.lit(f"{name}_rate").alias("metric"),
            *(pl.col(f"{name}/{part}").alias(part) for part in ("x", "n", "missing")),
        )
        for name in names
    )
    applies = pl.col("n") + pl.col("missing") > 0
    always = pl.col("metric").is_in([f"{name}_rate" for name in ALWAYS])
    return with_wilson(long.filter(applies | always))


def error_classes(levels: pl.DataFrame) -> pl.DataFrame:
    """``error_rate/<class>``, one row for each class that occurred in the group."""
    calls = levels.group_by(KEYS).agg(n=pl.len().cast(pl.Int64))
    classes = (
        levels.filter("error")
        .group_by(*KEYS, error_class=pl.col("error_class").fill_null("other"))
        .agg(x=pl.len().cast(pl.Int64))
    )
    return with_wilson(
        classes.join(calls, on=KEYS).select(
            *KEYS,
            pl.concat_str(pl.lit("error_rate/"), "error_class").alias("metric"),
            "x",
            "n",
            missing=pl.lit(0, pl.Int64),
        )
    )


def rejected_lines_rate(levels: pl.DataFrame, rejected_lines: pl.DataFrame) -> pl.DataFrame:
    """Lines that could not be read over calls plus such lines, per feature and for all.

    A line that cannot be read names no model, so there is no row per model.
    """
    rejected = rejected_lines.select("lines", feature=pl.col("feature").replace(ALL, f"'{ALL}'"))
    lines = (
        pl.concat([rejected, rejected.with_columns(feature=pl.lit(ALL))])
        .group_by("feature")
        .agg(x=pl.col("lines").sum())
    )
    calls = levels.filter(pl.col("model") == ALL).group_by("feature").agg(n=pl.len().cast(pl.Int64))
    both = calls.join(lines, on="feature", how="full", coalesce=True).with_columns(
        pl.col("x", "n").fill_null(0)
    )
    return with_wilson(
        both.select(
            "feature",
            model=pl.lit(ALL),
            metric=pl.lit("rejected_line_rate"),
            x="x",
            n=pl.col("n") + pl.col("x"),
            missing=pl.lit(0, pl.Int64),
        )
    )


def with_wilson(counts: pl.DataFrame) -> pl.DataFrame:
    """``x`` of ``n`` as estimate, low and high; null where ``n`` is 0."""
    x, n = pl.col("x"), pl.col("n")
    low, high = wilson(x, n)
    return counts.select(
        *KEYS,
        "metric",
        estimate=pl.when(n > 0).then(x / n),
        low=low,
        high=high,
        n="n",
        missing="missing",
    )


def _count(name: str, condition: pl.Expr) -> pl.Expr:
    return (pl.col(f"{name}_applies") & condition).sum().cast(pl.Int64)

"""The feature of records that name none: by ordered rules of features.yaml, the first that fits."""

from __future__ import annotations

import fnmatch
from functools import reduce

import polars as pl

from llmops_pipelines.reference import AttributionRule, Features


def attributed(records: pl.DataFrame, features: Features) -> pl.DataFrame:
    """``records`` with ``feature``, and ``team`` where it is open, as the first fitting rule says.

    A record that names its feature keeps it; one that no rule fits keeps null.
    """
    rules = features.rules
    if not rules or not records.select(pl.col("feature").is_null().any()).item():
        return records
    fits = [_fits(rule, records) for rule in rules]
    feature = _first(fits, [rule.feature for rule in rules])
    team = _first(fits, [rule.team for rule in rules])
    silent = pl.col("feature").is_null()
    return records.with_columns(
        feature=pl.when(silent).then(feature).otherwise("feature"),
        team=pl.when(silent & pl.col("team").is_null()).then(team).otherwise("team"),
    )


def _fits(rule: AttributionRule, records: pl.DataFrame) -> pl.Expr:
    return pl.all_horizontal(
        _matches(column, glob, records) for column, glob in rule.when.items()
    ).fill_null(value=False)


def _matches(column: str, glob: str, records: pl.DataFrame) -> pl.Expr:
    # fnmatch writes Python's spelling of "end of text".
    pattern = "^" + fnmatch.translate(glob).replace(r"\Z", "$").replace(r"\z", "$")
    if column == "tag":
        return pl.col("tags").list.eval(pl.element().str.contains(pattern)).list.any()
    if column not in records.columns:
        return pl.lit(value=False)
    return pl.col(column).str.contains(pattern)


def _first(fits: list[pl.Expr], values: list[str | None]) -> pl.Expr:
    none = pl.lit(None, pl.String)
    return reduce(
        lambda rest, pair: pl.when(pair[0]).then(pl.lit(pair[1], pl.String)).otherwise(rest),
        reversed(list(zip(fits, values, strict=True))),
        none,
    )

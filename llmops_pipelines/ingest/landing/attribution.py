"""The feature of records that name none: by ordered rules of features.yaml, the first that fits."""

from __future__ import annotations

import fnmatch
import re
from functools import reduce
from typing import Final

import polars as pl

from llmops_pipelines.reference import AttributionRule, Features

_WILD: Final = re.compile(r"(\*+|\?|\[!?\]?[^\]]*\])")
"""What stands for more than itself in a glob: stars, a question mark, a set of characters."""


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
    pattern = _regex(glob)
    if column == "tag":
        return pl.col("tags").list.eval(pl.element().str.contains(pattern)).list.any()
    if column not in records.columns:
        return pl.lit(value=False)
    return pl.col(column).str.contains(pattern)


def _regex(glob: str) -> str:
    """``glob`` for Rust's engine, which knows none of the groups that fnmatch writes for stars."""
    return "^(?s:" + "".join(map(_part, _WILD.split(glob))) + ")$"


def _part(part: str) -> str:
    match part[:1]:
        case "*":
            return ".*"
        case "?":
            return "."
        case "[" if _WILD.fullmatch(part):
            # A set that runs backwards, as [z-a], holds nothing.
            one = fnmatch.translate(part).replace("(?!)", r"[^\s\S]")
            return one.removesuffix(r"\Z").removesuffix(r"\z")
        case _:
            return re.escape(part)


def _first(fits: list[pl.Expr], values: list[str | None]) -> pl.Expr:
    none = pl.lit(None, pl.String)
    return reduce(
        lambda rest, pair: pl.when(pair[0]).then(pl.lit(pair[1], pl.String)).otherwise(rest),
        reversed(list(zip(fits, values, strict=True))),
        none,
    )

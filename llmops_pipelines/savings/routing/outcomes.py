"""Paired outcomes: the same question answered by the small and by the large model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from llmops_pipelines.savings.answer_cache.requests import normalised

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

PAIRED = pl.Schema(
    {
        "id": pl.String,
        "text": pl.String,
        "group": pl.String,
        "score_weak": pl.Float64,
        "score_strong": pl.Float64,
        "cost_weak": pl.Float64,
        "cost_strong": pl.Float64,
        "cost_router": pl.Float64,
    }
)
"""One row is one question that both models answered. ``text`` is what a router sees; ``group`` is
the source it comes from (data set, feature, customer), whose questions are never on both sides of
a split. Scores are on one scale, more is better; costs are US dollars per answer, ``cost_router``
what asking the router cost. Strong is the model that traffic would go to without a router."""

_MOST_SHARED = 0.5
"""Part of the rows whose question other groups ask too, above which groups are no sources."""

REQUIRED = ("text", "score_weak", "score_strong")
"""Columns that must be there; the rest is null where it is not given."""


class OutcomesError(ValueError):
    """Paired outcomes that cannot be read; the message names columns, counts and the remedy."""


class Outcomes(NamedTuple):
    """Usable pairs, and what was left out of them."""

    pairs: pl.DataFrame
    """``PAIRED`` by group, text and id; every score known, every group named."""
    left_out: dict[str, int]
    """Rows that are not replayed, counted by reason."""
    by: str
    """Whose questions are kept together: ``group``, or ``text`` where no row names a group."""


def paired_outcomes(given: pl.DataFrame) -> Outcomes:
    """Bring ``given`` into the shape of ``PAIRED``.

    Booleans count as 0 and 1. A row without a text or without one of the scores cannot be replayed
    and is counted. A row without a group is a group by itself with all rows of the same text. A
    cost that is null, negative or not finite is unknown. Rows are sorted, so that figures do not
    depend on the order of a file.

    Raises:
        OutcomesError: A required column is missing, or a column is no number.
    """
    if missing := [name for name in REQUIRED if name not in given.columns]:
        raise OutcomesError(
            f"no column {', '.join(missing)}; the columns are {', '.join(given.columns) or 'none'};"
            f" expected {', '.join(PAIRED)} (those besides {', '.join(REQUIRED)} may be missing)"
        )
    rows = given.select(_column(given, name, dtype) for name, dtype in PAIRED.items())
    costs = pl.col("cost_weak", "cost_strong", "cost_router")
    rows = rows.with_columns(
        pl.when(costs.is_finite() & (costs >= 0)).then(costs),
        pl.when(pl.col("text").str.strip_chars().str.len_chars() > 0).then("text").alias("text"),
        pl.col("id").fill_null(pl.int_range(1, pl.len() + 1).cast(pl.String)),
    )
    reason = (
        pl.when(pl.col("text").is_null())
        .then(pl.lit("no text"))
        .when(~(_known("score_weak") & _known("score_strong")))
        .then(pl.lit("a score is missing"))
    )
    rows = rows.with_columns(reason=reason)
    counts = rows.drop_nulls("reason").group_by("reason").len().sort("reason")
    pairs = rows.filter(pl.col("reason").is_null()).drop("reason")
    by = "group" if pairs["group"].null_count() < pairs.height else "text"
    return Outcomes(
        pairs.with_columns(group=pl.coalesce("group", "text"))
        .select(PAIRED.names())
        .sort("group", "text", "id", "score_weak", "score_strong"),
        dict(counts.iter_rows()),
        by,
    )


def by_source(outcomes: Outcomes) -> Outcomes:
    """The same pairs in the same order, by groups whose questions are mostly their own.

    Where most rows hold a question that another group holds too (the same benchmark run five
    times), groups are no sources: a fit without one of them has still seen its questions, and they
    are no independent draws. Equal questions are the groups then. A few shared questions leave
    groups as they are; folds leave those out by themselves (`complexity.held_out`).
    """
    pairs = outcomes.pairs
    same = same_question(pairs)
    if outcomes.by == "text":
        spelled_otherwise = same.n_unique() < pairs["group"].n_unique()
        own = pairs.with_columns(group=same) if spelled_otherwise else pairs
        return outcomes._replace(pairs=own)
    sources = pairs.select("group", same=same).group_by("same").agg(n=pl.col("group").n_unique())
    shared = sources.filter(pl.col("n") > 1)["same"].implode()
    if not pairs.height or float(same.is_in(shared).sum()) / pairs.height <= _MOST_SHARED:
        return outcomes
    return Outcomes(pairs.with_columns(group=same), outcomes.left_out, "text")


def same_question(pairs: pl.DataFrame) -> pl.Series:
    """What a question of ``PAIRED`` is known by: its text, case and white space aside."""
    return pairs.select(same=normalised(pl.col("text"))).to_series()


def question_numbers(pairs: pl.DataFrame) -> Codes:
    """The question of each row of ``PAIRED``, numbered from 0 as they come."""
    same = same_question(pairs)
    first = same.unique(maintain_order=True)
    number = pl.int_range(first.len(), eager=True)
    return same.replace_strict(first, number).to_numpy().astype(np.int64)


def _known(score: str) -> pl.Expr:
    return pl.col(score).is_finite().fill_null(value=False)


def _column(given: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Expr:
    """The column ``name`` of ``given`` as ``dtype``; null where it is not given."""
    if name not in given.columns:
        return pl.lit(None, dtype).alias(name)
    own = given.schema[name]
    if dtype == pl.Float64:
        return number(given[name]).alias(name)
    if own.is_nested():
        raise OutcomesError(f"{name} is {own}, expected a text")
    return pl.col(name).cast(pl.String)


def number(column: pl.Series) -> pl.Expr:
    """``column`` as floats; texts that are numbers, or true and false, are read as such.

    Raises:
        OutcomesError: It is of another type, or some of its texts are none of these.
    """
    if column.dtype == pl.String:
        spelled = column.str.strip_chars().str.to_lowercase()
        plain = spelled.replace(["true", "false", "", "null"], ["1", "0", None, None])
        read = plain.cast(pl.Float64, strict=False)
        if odd := column.filter(plain.is_not_null() & read.is_null()).to_list():
            raise OutcomesError(
                f"{column.name}: {len(odd):,} value(s) are no number, the first is {odd[0]!r}; "
                "scores and costs are numbers, or empty where unknown"
            )
        return pl.lit(read)
    if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        raise OutcomesError(f"{column.name} is {column.dtype}, expected a number")
    return pl.lit(column.cast(pl.Float64))

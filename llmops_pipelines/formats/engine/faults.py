"""What is wrong with a record: cheap conditions, and sentences made only where they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.formats.engine.reading import Place

_SHOWABLE: Final = r"^(?:[^\s\"]{1,40}|[0-9TZ :.,+-]{1,40})$"


class Fault(NamedTuple):
    """One thing that can be wrong: ``when`` tells the rows, ``says`` field, value and remedy."""

    when: pl.Expr
    says: pl.Expr


class Sorted(NamedTuple):
    """Rows without a fault, and the rest with a ``reason`` that lists all of theirs."""

    good: pl.DataFrame
    bad: pl.DataFrame


def sort_out(frame: pl.DataFrame, faults: Sequence[Fault]) -> Sorted:
    """Part ``frame`` by its faults. Sentences are built for faulty rows alone."""
    faulty = frame.select(
        pl.any_horizontal(fault.when.fill_null(value=False) for fault in faults)
    ).to_series()
    if not faulty.any():
        return Sorted(frame, frame.clear().with_columns(reason=pl.lit(None, pl.String)))
    bad = frame.filter(faulty)
    reason = pl.concat_str(
        [pl.when(fault.when.fill_null(value=False)).then(fault.says) for fault in faults],
        separator="; ",
        ignore_nulls=True,
    )
    return Sorted(frame.filter(~faulty), bad.with_columns(reason=reason))


def says(place: Place, value: pl.Expr, what: str) -> pl.Expr:
    """The sentence of a fault: where a value stands, the value itself, and ``what`` is wrong."""
    return sentence(f"{place.shown}: ", show(value), f" {what}")


def sentence(*parts: str | pl.Expr) -> pl.Expr:
    """Words and values as one text; whatever the words are, for a path may hold braces, too."""
    return pl.concat_str(pl.lit(part) if isinstance(part, str) else part for part in parts)


def show(raw: pl.Expr) -> pl.Expr:
    """The value as a message may show it: short words and numbers, never running text."""
    return (
        pl.when(raw.str.starts_with("{"))
        .then(pl.lit("an object"))
        .when(raw.str.starts_with("["))
        .then(pl.lit("a list"))
        .when(raw.str.contains(_SHOWABLE))
        .then("'" + raw + "'")
        .otherwise(pl.format("a text of {} characters", raw.str.len_chars()))
    )

"""A table written once: columns, types, units, nullability and key; validation derives from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

INSTANT = pl.Datetime("us")
"""A moment in UTC, without a zone: zoned timestamps shift with the host in DuckDB."""

MONEY = pl.Decimal(38, 12)
"""US dollars, exact to one pico-dollar, so that sums do not depend on the order of rows."""

Unit = Literal[
    "tokens", "usd", "usd/Mtok", "ms", "s", "fraction", "probability", "bytes", "chars", "calls",
    "lines", "traces", "tokens/s", "stars", "searches",
]  # fmt: skip


class TableError(ValueError):
    """A frame does not have the shape its table promises."""


@dataclass(frozen=True)
class Column:
    """One column: what it holds, in which type, counted in which unit."""

    name: str
    dtype: pl.DataType | type[pl.DataType]
    description: str
    unit: Unit | None = None
    nullable: bool = False
    default: Any = None
    """What rows of an older lake, written before there was this column, mean by its absence."""


def bounded(name: str, description: str, unit: Unit | None = None) -> tuple[Column, ...]:
    """A column of a figure, and two of the ends of its 95 % interval; null where it is unknown."""
    return tuple(
        Column(f"{name}{end}", pl.Float64, text, unit, nullable=True)
        for end, text in (
            ("", description),
            ("_low", f"Lower end of `{name}`."),
            ("_high", f"Upper end of `{name}`."),
        )
    )


@dataclass(frozen=True)
class Table:
    """A named set of columns and the key that identifies one row.

    ``row`` says what one row is. ``partitioned`` tables are stored by UTC day; the ``day`` column
    lives in the path, so scans add it and the columns here leave it out. ``volatile`` columns
    (clocks) stay out of the content digest.
    """

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partitioned: bool = True
    volatile: tuple[str, ...] = ()
    version: int = 1

    @property
    def schema(self) -> pl.Schema:
        """The table's Polars schema, in column order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def empty(self) -> pl.DataFrame:
        """No rows, with the schema: what a quiet day is."""
        return pl.DataFrame(schema=self.schema)

    def require(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return ``frame`` narrowed to this table's columns, in order, sorted by its key.

        Raises:
            TableError: Naming the table and every fault found, not only the first.
        """
        faults = list(self._faults(frame))
        names = [name for name in self.schema.names() if name in frame.columns]
        ordered = frame[names]
        if set(self.key) <= set(names) and not _ascends(ordered, self.key):
            ordered = ordered.sort(self.key, nulls_last=True)
            if not _ascends(ordered, self.key) and (
                repeated := ordered.select(self.key).is_duplicated().sum()
            ):
                faults.append(f"key {self.key}: {repeated:,} rows share a key, expected unique")
        if faults:
            raise TableError(
                f"{self.name}: {len(faults)} problem(s) in {frame.height:,} rows\n"
                + "\n".join(f"  - {fault}" for fault in faults)
            )
        return ordered

    def _faults(self, frame: pl.DataFrame) -> Iterator[str]:
        found = frame.schema
        for column in self.columns:
            if column.name not in found:
                yield f"{column.name}: missing; the frame has {', '.join(found)}"
            elif found[column.name] != column.dtype:
                yield f"{column.name}: is {found[column.name]}, expected {column.dtype}"
            elif not column.nullable and (nulls := frame[column.name].null_count()):
                yield f"{column.name}: {nulls:,} null(s), expected none"


def _ascends(frame: pl.DataFrame, key: tuple[str, ...]) -> bool:
    """Whether each row's ``key`` is greater than that of the row before: in order, and unique.

    Far cheaper than sorting what is sorted. A null in the key is in no order.
    """
    if frame.height < 2 or not key:
        return True
    greater, equal = pl.Series([False]), pl.Series([True])
    for name in key:
        # Column by column: for the few rows of a ledger part a query costs more than the answer.
        column, before = frame[name].slice(1), frame[name].slice(0, frame.height - 1)
        greater, equal = greater | (equal & (column > before)), equal & (column == before)
    return not greater.null_count() and bool(greater.all())

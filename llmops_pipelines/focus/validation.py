"""Whether a data set meets FOCUS 1.2: every rule it breaks, how often and first where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

import polars as pl

from llmops_pipelines.focus.specification import (
    COLUMNS,
    CURRENCIES,
    CUSTOM,
    PERIODS,
    PRODUCTS,
    SERVICES,
    UNITS,
    FocusColumn,
)

_NUMBER: Final = r"^-?\d+(\.\d+)?$"
_MOMENT: Final = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"
_UNIT: Final = r"^([1-9]\d* )?[A-Z][A-Za-z]*([ -][A-Z][A-Za-z]*)*(/([1-9]\d* )?[A-Z][A-Za-z]*)?$"
_CUSTOM_NAME: Final = r"^x_[A-Za-z0-9]+$"
_LONGEST_NAME: Final = 50


class Violation(NamedTuple):
    """One rule that rows of a data set break."""

    column: str
    rule: str
    rows: int
    """How many rows; 0 where the data set as a whole does."""
    first: str | None
    """The first value that does."""


def written(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` as its CSV reads: every cell a text, moments in the Date/Time Format, null null."""
    moments = [name for name, dtype in frame.schema.items() if dtype.is_temporal()]
    return frame.with_columns(
        pl.col(moments).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        pl.selectors.decimal().map_batches(_digits, return_dtype=pl.String),
    ).with_columns(pl.all().exclude(moments).cast(pl.String))


def violations(cells: pl.DataFrame) -> list[Violation]:
    """What breaks FOCUS 1.2 in a data set, as ``written`` or read from CSV as texts.

    Rules that only a provider can answer (whether an id is unique in its systems) are not checked.
    """
    return [*_of_names(cells), *_of_columns(cells), *_across(cells)]


def _of_names(cells: pl.DataFrame) -> Iterator[Violation]:
    for column in COLUMNS.values():
        if column.level == "mandatory" and column.name not in cells.columns:
            yield Violation(column.name, "must be present", 0, None)
    seen_custom = False
    for name in cells.columns:
        custom = name.startswith(CUSTOM)
        if name not in COLUMNS and not custom:
            yield Violation(name, f"is no column of FOCUS, so it must begin with {CUSTOM}", 0, None)
        elif custom and not pl.Series([name]).str.contains(_CUSTOM_NAME)[0]:
            yield Violation(name, "must be alphanumeric without special characters", 0, None)
        if len(name) > _LONGEST_NAME:
            yield Violation(name, f"should not exceed {_LONGEST_NAME} characters", 0, None)
        if seen_custom and not custom:
            yield Violation(name, "should stand before the custom columns", 0, None)
        seen_custom = seen_custom or custom


def _of_columns(cells: pl.DataFrame) -> Iterator[Violation]:
    for name in cells.columns:
        if (column := COLUMNS.get(name)) is not None:
            for rule, broken in _rules_of(column, cells.columns):
                yield from _broken(cells, name, rule, broken)
            if column.kind == "json":
                yield from _of_json(name, cells[name])


def _rules_of(column: FocusColumn, present: list[str]) -> Iterator[tuple[str, pl.Expr]]:
    value = pl.col(column.name)
    if not column.nullable:
        yield "must not be null", value.is_null()
    if column.of_usage and {"ChargeCategory", "ChargeClass"} <= set(present):
        yield "must not be null for usage and purchases", value.is_null() & _is_priced()
        yield "must be null for taxes", value.is_not_null() & (pl.col("ChargeCategory") == "Tax")
    if column.kind == "decimal":
        yield "must be a plain decimal number", ~value.str.contains(_NUMBER)
    if column.kind == "datetime":
        yield "must be YYYY-MM-DDTHH:mm:ssZ", ~value.str.contains(_MOMENT)
    if column.kind == "string":
        yield "must not be empty text", value == ""
    if column.allowed:
        yield f"must be one of {', '.join(column.allowed)}", ~value.is_in(column.allowed)
    if column.not_negative:
        yield "must not be negative", value.str.starts_with("-")
    if column.name in UNITS:
        yield "must be a unit such as `Tokens` or `1000000 Tokens`", ~value.str.contains(_UNIT)
    if column.name in CURRENCIES:
        yield "must be a currency code of three capitals", ~value.str.contains(r"^[A-Z]{3}$")


def _across(cells: pl.DataFrame) -> Iterator[Violation]:
    have = set(cells.columns)
    for start, end in PERIODS:
        if {start, end} <= have:
            yield from _broken(cells, end, f"must be after {start}", pl.col(end) <= pl.col(start))
    if {"ConsumedQuantity", "ConsumedUnit", "ChargeCategory"} <= have:
        other = pl.col("ChargeCategory") != "Usage"
        for name in ("ConsumedQuantity", "ConsumedUnit"):
            yield from _broken(cells, name, "must be null but for usage", other & _given(name))
        pair = _given("ConsumedQuantity") != _given("ConsumedUnit")
        yield from _broken(cells, "ConsumedUnit", "must come with ConsumedQuantity", pair)
    if {"SkuId", "SkuMeter"} <= have:
        lonely = _given("SkuMeter") & ~_given("SkuId")
        yield from _broken(cells, "SkuMeter", "must be null without SkuId", lonely)
    if {"ServiceCategory", "ServiceSubcategory"} <= have:
        for category, parts in SERVICES.items():
            stray = (pl.col("ServiceCategory") == category) & ~pl.col("ServiceSubcategory").is_in(
                parts
            )
            rule = f"must be a subcategory of {category}"
            yield from _broken(cells, "ServiceSubcategory", rule, stray)
    for quantity, price, cost in PRODUCTS:
        if {quantity, price, cost} <= have:
            yield from _products(cells, quantity, price, cost)


def _products(cells: pl.DataFrame, quantity: str, price: str, cost: str) -> Iterator[Violation]:
    """Quantity times price, which is exact however many digits it takes, against the cost."""
    correction = "ChargeClass" if "ChargeClass" in cells.columns else pl.lit(None)
    wrong = []
    for row in cells.select(quantity, price, cost, correction).iter_rows():
        *figures, is_correction = row
        if None in figures or is_correction:
            continue
        try:
            times, each, total = map(Decimal, figures)
        except ArithmeticError:
            continue  # told as no number
        if times * each != total:
            wrong.append(f"{times} x {each} is not {total}")
    if wrong:
        yield Violation(cost, f"must be {quantity} times {price}", len(wrong), wrong[0])


def _of_json(name: str, cells: pl.Series) -> Iterator[Violation]:
    wrong = [cell for cell in cells.drop_nulls() if not _is_key_value(cell)]
    if wrong:
        rule = "must be a JSON object of texts, numbers, booleans and nulls"
        yield Violation(name, rule, len(wrong), wrong[0][:80])


def _is_key_value(cell: str) -> bool:
    try:
        found: Any = json.loads(cell)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and not any(
        isinstance(value, (dict, list)) for value in found.values()
    )


def _broken(cells: pl.DataFrame, name: str, rule: str, broken: pl.Expr) -> Iterator[Violation]:
    found = cells.filter(broken.fill_null(value=False))
    if found.height:
        first = found[name][0]
        yield Violation(name, rule, found.height, None if first is None else str(first)[:80])


def _is_priced() -> pl.Expr:
    """Of usage or a purchase, and no correction."""
    priced = pl.col("ChargeCategory").is_in(["Usage", "Purchase"])
    return priced & pl.col("ChargeClass").is_null()


def _given(name: str) -> pl.Expr:
    return pl.col(name).is_not_null()


def _digits(amounts: pl.Series) -> pl.Series:
    """Plain digits without the zeros at their end."""
    texts = amounts.cast(pl.String)
    whole = texts.str.contains(".", literal=True).not_()
    return pl.select(
        pl.when(whole)
        .then(texts)
        .otherwise(texts.str.strip_chars_end("0").str.strip_chars_end("."))
    ).to_series()

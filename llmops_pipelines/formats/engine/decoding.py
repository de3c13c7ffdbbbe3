"""Raw fields to typed columns, each with what can be wrong with a value of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.formats.engine.faults import Fault, says
from llmops_pipelines.formats.engine.fields import FIELDS, QUOTED
from llmops_pipelines.formats.engine.reading import Place, Reading
from llmops_pipelines.formats.engine.times import read_times
from llmops_pipelines.tables import INSTANT, MONEY

_MILLISECONDS: Final = {None: 1.0, "ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6}
_DTYPES: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "time": INSTANT,
    "whole": pl.Int64,
    "duration": pl.Float64,
    "number": pl.Float64,
    "money": MONEY,
    "flag": pl.Boolean,
}
"""What a field of each kind becomes; the others stay what they are."""

_HOLDS_MORE: Final = r"""^(?s:\[\s*(?:(?:["\[{0-9-]|true|false|null).*)?\]|\{\s*(?:".*)?\})$"""
"""A list or an object, as JSON has it: a text may begin with a bracket, too (``[Scrubbed]``)."""

_MAY_HOLD_MORE: Final = ("error_message",)
"""Words of an error are often the JSON that a provider answered with."""

THOUSANDS: Final = r"^[1-9]\d{0,2}(?:,\d{3})+$"
"""A whole number as people write it, with commas between thousands."""

WITH_COMMA: Final = r"^-?(?:[1-9]\d{0,2}(?:[.'\s]\d{3})+|\d+)(?:,\d+)?$"
"""A number as people write it who put a comma before decimals."""

_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")


class Decoded(NamedTuple):
    """Typed columns named as in ``FIELDS``, raw ones as ``raw:<name>``, and what can be wrong."""

    frame: pl.DataFrame
    faults: list[Fault]


def decode(raw: pl.DataFrame, reading: Reading, names: Sequence[str]) -> Decoded:
    """Type the fields ``names`` of ``raw`` (``RAW`` rows). An absent field is null and no fault."""
    height = raw.height
    said = [name for name in names if raw[name].null_count() < height]
    raw = _unescaped(_with_quoted_ids(raw, said), said)
    columns: list[pl.Expr | pl.Series] = []
    faults = [Fault(pl.col("shape").is_not_null(), pl.col("shape"))]
    for name in names:
        if name not in said:  # nor can anything be wrong with it
            columns.append(pl.lit(None, _DTYPES.get(FIELDS[name], raw.schema[name])).alias(name))
            continue
        place, kind, value = reading.place(name), FIELDS[name], pl.col(f"raw:{name}")
        match kind:
            case "time":
                columns.append(
                    read_times(raw[name], unit=place.unit, zone=reading.zone).alias(name)
                )
                faults.append(
                    Fault(
                        _says_something(value) & pl.col(name).is_null(),
                        says(
                            place,
                            value,
                            "is not a time; log ISO 8601 (2026-11-10T09:15:02Z) or a number of"
                            " s, ms, us or ns since 1970",
                        ),
                    )
                )
            case "id" | "name":
                columns.append(_unquoted(value, place).alias(name))
                faults.append(
                    Fault(~value.str.starts_with('"'), says(place, value, "is not text; quote it"))
                )
            case "label":
                text = value.replace(dict(place.values)) if place.values else value
                columns.append(pl.when(text != "").then(text).alias(name))
                if name not in _MAY_HOLD_MORE:
                    faults.append(
                        Fault(
                            value.str.contains(_HOLDS_MORE),
                            says(place, value, "is not a text or number"),
                        )
                    )
            case "whole":
                columns.append(_whole(_plain_number(place, kind, value)).alias(name))
                faults += _numeric(place, name, value, "a whole number")
            case "duration" | "number":
                factor = _MILLISECONDS[place.unit] if kind == "duration" else 1.0
                number = _plain_number(place, kind, value).cast(pl.Float64, strict=False) * factor
                columns.append(pl.when(number.is_finite()).then(number).alias(name))
                faults += _numeric(place, name, value, "a finite number", signed=kind == "number")
            case "money":
                amount = _plain_number(place, kind, value).cast(MONEY, strict=False)
                if place.unit == "cents":
                    amount = (amount * pl.lit("0.01").cast(MONEY)).cast(MONEY)
                columns.append(amount.alias(name))
                faults += _numeric(place, name, value, "an amount of money")
            case "flag":
                word = value.str.to_lowercase()
                flag = pl.when(word.is_in(_TRUE)).then(statement=True)
                columns.append(flag.when(word.is_in(_FALSE)).then(statement=False).alias(name))
                faults.append(
                    Fault(
                        _says_something(value) & pl.col(name).is_null(),
                        says(place, value, "is neither true nor false"),
                    )
                )
            case _:  # texts and JSON are what they are
                columns.append(value.alias(name))
    frame = raw.rename({name: f"raw:{name}" for name in names})
    return Decoded(frame.with_columns(columns), faults)


def _says_something(value: pl.Expr) -> pl.Expr:
    """Whether a value is more than an empty text, which exports write where there is none."""
    return value != ""


def _with_quoted_ids(raw: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """``raw`` with ids that are whole numbers as text of their digits."""
    ids = [name for name in names if FIELDS[name] == "id"]
    plain = [name for name in ids if not raw[name].str.starts_with('"').all()]
    return raw.with_columns(pl.col(plain).str.replace(r"^-?[0-9]+$", '"$0"'))


def _unescaped(raw: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """``raw`` with the escapes of those few names that have any resolved; their quotes stay."""
    strings = [name for name in names if FIELDS[name] in QUOTED]
    backslash = raw.select(pl.col(strings).str.contains("\\", literal=True).any())
    for name in strings:
        if backslash[name].item():
            escaped = raw[name].str.contains(r'^".*\\').fill_null(value=False)
            text = raw[name].filter(escaped).str.json_decode(pl.String)
            raw = raw.with_columns(raw[name].scatter(escaped.arg_true(), '"' + text + '"'))
    return raw


def _unquoted(value: pl.Expr, place: Place) -> pl.Expr:
    """Text of JSON strings; null for other JSON and for empty text."""
    text = value.str.strip_prefix('"').str.strip_suffix('"')
    read: pl.Expr = pl.when(value.str.starts_with('"') & (text != "")).then(text)
    return read.replace(dict(place.values)) if place.values else read


def _plain_number(place: Place, kind: str, value: pl.Expr) -> pl.Expr:
    """Numbers as spreadsheets write them (``1.234,5``, ``$0.02``) as they can be cast.

    A comma in a count parts thousands; what stands before decimals ``place`` says.
    """
    if place.decimal == ",":
        plain = value.str.replace_all(r"[.'\s]", "").str.replace(",", ".", literal=True)
        return pl.when(value.str.contains(WITH_COMMA)).then(plain).otherwise(value)
    if place.decimal == "." and kind == "whole":
        thousands = value.str.contains(THOUSANDS)
        return pl.when(thousands).then(value.str.replace_all(",", "")).otherwise(value)
    if place.decimal == "." and kind == "money":
        return value.str.strip_prefix("$")
    return value


def _whole(value: pl.Expr) -> pl.Expr:
    number = value.cast(pl.Float64, strict=False)
    integral = pl.when(number.is_finite() & (number == number.floor()) & (number.abs() < 2**53))
    return value.cast(pl.Int64, strict=False).fill_null(
        integral.then(number).cast(pl.Int64, strict=False)
    )


def _numeric(
    place: Place, name: str, value: pl.Expr, what: str, *, signed: bool = False
) -> list[Fault]:
    unreadable = Fault(
        _says_something(value) & pl.col(name).is_null(), says(place, value, f"is not {what}")
    )
    negative = Fault(pl.col(name) < 0, says(place, value, "is negative"))
    return [unreadable] if signed else [unreadable, negative]

"""Times of every spelling to naive UTC microseconds, whatever zone the host is in."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.tables import INSTANT

MICROSECONDS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
_ZONE: Final = r" ?([Zz]|UTC|[+-]\d{2}(:?\d{2})?)"
_BASIC: Final = r"^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})"
_MAILED: Final = (
    r"^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}:\d{2}) "
    r"(GMT|UTC|[+-]\d{4})$"
)
_CLOCK: Final = r",?[ T](\d{1,2}:\d{2})(:\d{2})?(.*)$"
_DOTTED: Final = r"^(\d{1,2})\.(\d{1,2})\.(\d{4})" + _CLOCK
_SLASHED: Final = r"^(\d{4})/(\d{1,2})/(\d{1,2})" + _CLOCK
_HALVES: Final = (
    r"^(\d{1,2})/(\d{1,2})/(\d{4}),? (\d{1,2}):(\d{2})(?::(\d{2}))?[ \x{202f}]?([AaPp])\.?[Mm]\.?$"
)
_MONTHS: Final = {
    name: f"{number:02d}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_TAIL: Final = rf"^([.,]\d{{1,9}})?({_ZONE})?$"


class Limits(NamedTuple):
    """Moments, naive UTC, between which a record's time is believed."""

    earliest: datetime
    latest: datetime


def read_times(values: pl.Series, *, unit: str | None = None, zone: str = "UTC") -> pl.Series:
    """Read ISO 8601 times and epoch numbers (text) as ``INSTANT``; null where neither can be read.

    A time with Z or an offset is converted to UTC; one without is taken to be local time of
    ``zone`` (the earlier one where a clock was set back; null where it was set forward and no such
    time was).

    Args:
        values: Text; numbers as their digits.
        unit: s, ms, us or ns of the numbers; None tells them by size: below 1e11 seconds (until
            the year 5138), below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds.
        zone: IANA name of the zone of times that name none.
    """
    if values.null_count() == values.len():
        return pl.Series(values.name, [None], dtype=INSTANT).new_from_index(0, values.len())
    text = values.str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    if number.null_count() == 0:
        return _epochs(text, number, unit)
    read = _iso(text, 19, zone)
    if (missed := read.is_null() & number.is_null() & text.is_not_null()).any():
        read = read.zip_with(~missed, _iso(text, 16, zone))
    if (missed := read.is_null() & number.is_null() & text.is_not_null()).any():
        read = read.zip_with(~missed, _iso(_spelled_out(text), 19, zone))
    if number.null_count() == number.len():
        return read
    return read.zip_with(number.is_null(), _epochs(text, number, unit))


def _spelled_out(text: pl.Series) -> pl.Series:
    """Times in other spellings in ISO 8601's extended format.

    Those are its basic format, mail and HTTP (``10 Nov 2026 09:15:02 GMT``), and what spreadsheets
    make of times where day and month cannot be mistaken: ``10.11.2026 9:15``, ``2026/11/10 9:15``,
    ``11/10/2026 9:15 AM``.
    """
    month = pl.first().str.extract(_MAILED, 2).replace_strict(_MONTHS, default=None)
    day, year, clock, offset = _parts(_MAILED, 1, 3, 4, 5)
    mailed = _extended(year, month, day, clock, offset.str.replace("GMT", "Z"))
    day, month, year, clock, seconds, rest = _parts(_DOTTED, 1, 2, 3, 4, 5, 6)
    dotted = _extended(year, month, day, clock, seconds.fill_null(":00"), rest)
    year, month, day, clock, seconds, rest = _parts(_SLASHED, 1, 2, 3, 4, 5, 6)
    slashed = _extended(year, month, day, clock, seconds.fill_null(":00"), rest)
    month, day, year, hour, minute, seconds, half = _parts(_HALVES, 1, 2, 3, 4, 5, 6, 7)
    afternoon = half.str.to_lowercase() == "p"
    hour = hour.cast(pl.Int64) % 12 + pl.when(afternoon).then(12).otherwise(0)
    clock = pl.concat_str(hour, minute, separator=":")
    halves = _extended(year, month, day, clock, ":" + seconds.fill_null("00"))
    basic = pl.first().str.replace(_BASIC, "${1}-${2}-${3}T${4}:${5}:${6}")
    return text.to_frame().select(pl.coalesce(mailed, dotted, slashed, halves, basic)).to_series()


def _parts(pattern: str, *groups: int) -> list[pl.Expr]:
    return [pl.first().str.extract(pattern, group) for group in groups]


def _extended(
    year: pl.Expr, month: pl.Expr, day: pl.Expr, clock: pl.Expr, *rest: pl.Expr
) -> pl.Expr:
    """Null where a part is; ``clock`` may leave out the zero of its hour."""
    date = pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-")
    hour = pl.when(clock.str.contains(r"^\d:")).then("0" + clock).otherwise(clock)
    return pl.concat_str(date, pl.lit("T"), hour, *rest)


def _epochs(text: pl.Series, number: pl.Series, unit: str | None) -> pl.Series:
    frame = pl.DataFrame({"whole": text.cast(pl.Int64, strict=False), "number": number})
    size = pl.col("number").abs()
    whole, fraction = pl.col("whole"), pl.col("number")

    def scaled(factor: int) -> pl.Expr:
        exact = whole * factor
        return exact.fill_null((fraction * factor).round().cast(pl.Int64, strict=False))

    nanoseconds = (whole // 1000).fill_null((fraction / 1000).round().cast(pl.Int64, strict=False))
    match unit:
        case None:
            micros = (
                pl.when(size < 1e11)
                .then(scaled(MICROSECONDS["s"]))
                .when(size < 1e14)
                .then(scaled(MICROSECONDS["ms"]))
                .when(size < 1e17)
                .then(scaled(MICROSECONDS["us"]))
                .otherwise(nanoseconds)
            )
        case "ns":
            micros = nanoseconds
        case _:
            micros = scaled(MICROSECONDS[unit])
    reasonable = size.is_finite() & micros.is_between(
        -62_135_596_800_000_000, 253_402_300_799_999_999
    )
    return frame.select(pl.when(reasonable).then(micros).cast(INSTANT)).to_series()


def _iso(text: pl.Series, width: int, zone: str) -> pl.Series:
    """Times whose date and time of day take ``width`` characters: 19 with seconds, 16 without."""
    pattern = {19: "%Y-%m-%dT%H:%M:%S", 16: "%Y-%m-%dT%H:%M"}[width]
    local = (
        text.str.slice(0, width)
        .str.replace(r"[ t]", "T")
        .str.to_datetime(pattern, time_unit="us", strict=False)
    )
    frame = pl.DataFrame({"local": local, "tail": text.str.slice(width)})
    tail = pl.col("tail")
    digits = tail.str.extract(r"^[.,](\d{1,6})").str.pad_end(6, "0").cast(pl.Int64)
    offset = tail.str.extract(r"([+-]\d{2}:?(\d{2})?)$")
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    hours = offset.str.slice(1, 2).cast(pl.Int64)
    minutes = pl.when(offset.str.len_chars() > 3).then(offset.str.slice(-2)).cast(pl.Int64)
    frame = frame.with_columns(
        local=pl.when(tail.str.contains(_TAIL)).then("local"),
        fraction=pl.duration(microseconds=digits.fill_null(0)),
        offset=pl.duration(minutes=sign * (hours * 60 + minutes.fill_null(0))),
        zoned=tail.str.contains(rf"{_ZONE}$"),
    )
    naive = pl.col("local")
    if zone != "UTC":
        there = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        naive = (
            pl.when("zoned")
            .then(naive)
            .otherwise(there.dt.convert_time_zone("UTC").dt.replace_time_zone(None))
        )
    return frame.select(
        (naive - pl.col("offset").fill_null(pl.duration(minutes=0)) + pl.col("fraction")).cast(
            INSTANT
        )
    ).to_series()

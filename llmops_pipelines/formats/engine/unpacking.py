"""Lines that hold something else than one flat record: unpacked into canonical records first.

A canonical record is an object whose keys are those of ``FIELDS``, plus ``kind``: call, step,
feedback or ignored. A format says how one logged record becomes canonical ones; everything after
that (types, faults, tokens, times) is the same engine for every format.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, NamedTuple

import orjson
import polars as pl

from llmops_pipelines.formats.engine.reading import Record, Unpack
from llmops_pipelines.formats.engine.surrogates import without_halves

_IGNORED: Final = "ignored"
MISFITS: Final = (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError)
"""What a record that is built otherwise than documented makes a format raise."""

RECORDS: Final = pl.Schema(
    {"n": pl.Int64, "line": pl.Int64, "record": pl.Int64, "digest": pl.String, "raw": pl.String}
)
"""Canonical records: ``n`` numbers them, ``line`` is the ``n`` of their line, ``record`` their
place in it, from 0. ``digest`` is null where the line holds only this one: its own digest serves.
"""


class Unpacked(NamedTuple):
    """What lines hold: canonical records, lines without any, and lines that do not fit with why."""

    records: pl.DataFrame
    ignored: pl.DataFrame
    misfits: pl.DataFrame


def unpack_lines(lines: pl.DataFrame, unpack: Unpack) -> Unpacked:
    """Unpack ``lines`` (``n``, ``raw`` and ``date``) into canonical records.

    A record without a time of its own takes the ``date`` of its line (a time, such as midnight
    of the file's day), unless that is null.

    Returns:
        ``RECORDS``; ``line`` and ``count`` of ignored records; ``line`` and ``reason`` of the
        lines that are no JSON object or not built as the format documents.
    """
    rows: list[tuple[int, int, int, str | None, str]] = []
    ignored: list[tuple[int, int]] = []
    misfits: list[tuple[int, str]] = []
    for line, raw, date in lines.select("n", "raw", "date").iter_rows():
        try:
            found = _records(raw, unpack)
            if date is not None:
                _date(found, date)
            kept = [
                (place, orjson.dumps(record, default=str, option=orjson.OPT_NON_STR_KEYS))
                for place, record in enumerate(found)
                if record.get("kind") != _IGNORED
            ]
        except json.JSONDecodeError:
            misfits.append((line, _why_no_json(raw)))
            continue
        except RecursionError:
            misfits.append((line, "line: is nested too deeply; flatten the record"))
            continue
        except MISFITS as error:
            misfits.append((line, f"record: is not built as documented ({_named(error)})"))
            continue
        if left := max(len(found), 1) - len(kept):
            ignored.append((line, left))
        alone = len(found) == 1
        for place, text in kept:
            digest = None if alone else hashlib.sha256(text).hexdigest()[:32]
            rows.append((len(rows), line, place, digest, text.decode()))
    return Unpacked(
        pl.DataFrame(rows, schema=RECORDS, orient="row"),
        pl.DataFrame(ignored, schema={"line": pl.Int64, "count": pl.Int64}, orient="row"),
        pl.DataFrame(misfits, schema={"line": pl.Int64, "reason": pl.String}, orient="row"),
    )


def _records(raw: str, unpack: Unpack) -> list[Record]:
    record = read_json(raw)
    if not isinstance(record, dict):
        raise TypeError(f"is {type(record).__name__}, expected an object")
    return list(unpack(record))


def read_json(raw: str | bytes) -> Any:
    """The JSON of a line, also with what Python's encoder adds to it.

    That is halves of characters, and NaN or Infinity for numbers that are missing: null.

    Raises:
        ValueError: It is no JSON, or no UTF-8.
        RecursionError: It is too deep.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        text = raw if isinstance(raw, str) else raw.decode()
        return json.loads(without_halves(text), parse_constant=lambda _: None)


def _date(records: list[Record], date: str) -> None:
    for record in records:
        if record.get("started_at") is None:
            record["started_at"] = date


def _named(error: Exception) -> str:
    """What went wrong, without quoting what the record says."""
    return type(error).__name__ if isinstance(error, (KeyError, ValueError)) else str(error)[:100]


def _why_no_json(raw: str) -> str:
    text = raw.strip()
    if text.startswith("{") and not text.endswith("}"):
        return "line: not JSON, it ends before its closing brace; write one JSON object per line"
    return "line: not JSON; write one JSON object per line"

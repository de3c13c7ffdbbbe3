"""Requests of a file for ``llmops cache``, one a record."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.cli.logs.record_reading import read_records, warn_of_no_date
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.formats.engine.times import read_times
from llmops_pipelines.tables import MONEY

_SCOPE = ("tenant", "prompt_version", "model")
_QUESTIONS = ("question", "prompt", "query", "user_input", "input")
_ANSWERS = ("answer", "response", "completion", "output")
"""What the fields are called, the surest name first; of each record the first that it has."""
_REMEDY = 'expected {"id", "timestamp", "question" or "messages", "answer", "feature", "cost", ...}'


def read_requests(file: Path) -> pl.DataFrame:
    """``savings.ASKED`` of the records of a file.

    Raises:
        UnusableError: It cannot be read; line, field and remedy are named.
    """
    rows = [
        _row(f"{file}:{number}", number, record) for number, record in read_records(file, _REMEDY)
    ]
    if not rows:
        raise UnusableError(f"{file}: no records in it; {_REMEDY}")
    frame = pl.DataFrame(rows, schema=savings.ASKED | {"at": pl.String, "line": pl.Int64})
    frame = frame.with_columns(at=read_times(frame["at"]))
    if (odd := frame.filter(pl.col("at").is_null())).height:
        raise UnusableError(
            f"{file}:{odd['line'][0]}: timestamp cannot be read; write 2026-11-01T09:00:00Z, or "
            "seconds since 1970"
        )
    for what, names in (("messages", _QUESTIONS), ("answer", _ANSWERS)):
        if not any(row[what] for row in rows):
            raise UnusableError(
                f"{file}: no record has {' or '.join(dict.fromkeys((what, *names)))}; {_REMEDY}"
            )
    warn_of_no_date(file, frame["at"])
    return frame.select(savings.ASKED.names())


def _row(place: str, number: int, record: dict[str, Any]) -> dict[str, Any]:
    named, answer = _first(record, _ANSWERS, str)
    if answer is not None and not isinstance(answer, str):
        raise UnusableError(f"{place}: {named} is no text")
    record = {name: value for name, value in record.items() if value is not None}
    if "timestamp" not in record:
        raise UnusableError(f"{place}: no timestamp; {_REMEDY}")
    return {
        "line": number,
        "id": str(record.get("id", f"line {number}")),
        "at": str(record["timestamp"]),
        "latency_ms": _number(place, record, "latency_ms"),
        "feature": str(record.get("feature") or "unattributed"),
        "scope": "\x1f".join(str(record.get(name, "")) for name in _SCOPE),
        "messages": _messages(place, record),
        "answer": answer,
        "status": str(record.get("status", "ok")),
        "calls_tools": bool(_within_text(record.get("tool_calls"))),
        "cost": _money(place, record),
        "group": next(
            (str(record[name]) for name in ("session_id", "user_id") if record.get(name)), None
        ),
    }


def _messages(place: str, record: dict[str, Any]) -> list[dict[str, str]]:
    given = _within_text(record.get("messages"))
    if given is None:
        named, question = _first(record, _QUESTIONS, (str, list))
        if question is None:
            return []
        if isinstance(question, list):
            return _turns(f"{place}: {named} is", question)
        if not isinstance(question, str):
            raise UnusableError(f"{place}: {named} is no text")
        return [{"role": "user", "content": question}]
    return _turns(f"{place}: messages are", given)


def _turns(named: str, given: Any) -> list[dict[str, str]]:
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and isinstance(one.get("content", ""), str) for one in given
    ):
        raise UnusableError(f'{named} no list of {{"role", "content"}} with text')
    return [
        {"role": str(one.get("role", "user")), "content": one.get("content", "")} for one in given
    ]


def _first(
    record: dict[str, Any], names: tuple[str, ...], kinds: type | tuple[type, ...]
) -> tuple[str, Any]:
    """The first of ``names`` that is one of ``kinds`` in the record, and its value; else the first.

    Only the first name is meant for certain: what a log calls a response may be an object.
    """
    named = next((name for name in names if isinstance(record.get(name), kinds)), names[0])
    return named, record.get(named)


def _within_text(value: Any) -> Any:
    """The list that a cell of a table holds as text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value


def _number(place: str, record: dict[str, Any], name: str) -> float | None:
    value = record.get(name)
    if value is None:
        return None
    number = _decimal(value)
    if not number.is_finite() or number < 0:
        raise UnusableError(f"{place}: {name} is {value!r}, expected a number from 0 up, or null")
    return float(number)


def _decimal(value: Any) -> Decimal:
    """A number, or the text of one, as a cell of a table holds it; else NaN."""
    try:
        return Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return Decimal("NaN")


def _money(place: str, record: dict[str, Any]) -> Decimal | None:
    value = record.get("cost")
    if value is None:
        return None
    amount = _decimal(value)
    if not amount.is_finite() or amount < 0:
        raise UnusableError(f"{place}: cost is {value!r}, expected US dollars, or null if unknown")
    return amount.quantize(Decimal(1).scaleb(-MONEY.scale))

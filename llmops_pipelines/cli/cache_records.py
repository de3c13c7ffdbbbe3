"""Requests of a file for ``llmops cache``: one JSON object a line."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.formats.times import read_times
from llmops_pipelines.tables import MONEY

_SCOPE = ("tenant", "prompt_version", "model")
_REMEDY = 'expected {"id", "timestamp", "question" or "messages", "answer", "feature", "cost", ...}'


def read_requests(file: Path) -> pl.DataFrame:
    """``savings.ASKED`` of a JSONL file.

    Raises:
        UnusableError: It cannot be read; line, field and remedy are named.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise UnusableError(f"{file}: no such file; name a JSONL file of requests") from error
    except UnicodeDecodeError as error:
        raise UnusableError(f"{file}: is no text ({error.reason}); name a JSONL file") from error
    except OSError as error:
        raise of_file_system(error, remedy="name a JSONL file of requests") from error
    rows = [
        _row(f"{file}:{number}", number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip()
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
    return frame.select(savings.ASKED.names())


def _row(place: str, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise UnusableError(f"{place}: is no JSON ({error.msg}); {_REMEDY}") from error
    if not isinstance(record, dict):
        raise UnusableError(f"{place}: is no JSON object; {_REMEDY}")
    answer = record.get("answer")
    if answer is not None and not isinstance(answer, str):
        raise UnusableError(f"{place}: answer is no text")
    if record.get("timestamp") is None:
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
        "calls_tools": bool(record.get("tool_calls")),
        "cost": _money(place, record),
        "group": next(
            (str(record[name]) for name in ("session_id", "user_id") if record.get(name)), None
        ),
    }


def _messages(place: str, record: dict[str, Any]) -> list[dict[str, str]]:
    given = record.get("messages")
    if given is None:
        question = record.get("question")
        if question is None:
            return []
        if not isinstance(question, str):
            raise UnusableError(f"{place}: question is no text")
        return [{"role": "user", "content": question}]
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and isinstance(one.get("content", ""), str) for one in given
    ):
        raise UnusableError(f'{place}: messages are no list of {{"role", "content"}} with text')
    return [
        {"role": str(one.get("role", "user")), "content": one.get("content", "")} for one in given
    ]


def _number(place: str, record: dict[str, Any], name: str) -> float | None:
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value < 0:
        raise UnusableError(f"{place}: {name} is {value!r}, expected a number from 0 up, or null")
    return float(value)


def _money(place: str, record: dict[str, Any]) -> Decimal | None:
    value = record.get("cost")
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise UnusableError(f"{place}: cost is {value!r}, expected US dollars, or null if unknown")
    return amount.quantize(Decimal(1).scaleb(-MONEY.scale))

"""Small records and the shortest way to read them."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from llmops_pipelines.formats import (
    FORMATS,
    Limits,
    Reading,
    Rows,
    connect,
    read_lines,
    unpack_lines,
)


def utc(text: str) -> datetime:
    """A moment as the tables hold it: UTC, without a zone."""
    return datetime.fromisoformat(text)


_LINES = {"n": pl.Int64, "raw": pl.String, "date": pl.String}
CONNECTION = connect()
LIMITS = Limits(utc("2026-01-01T00:00:00"), utc("2026-11-21T00:00:00"))
OPENAI = FORMATS["openai"].reading()


def usage(prompt: Any = 512, completion: Any = 96, **more: Any) -> dict[str, Any]:
    """The usage object of a chat completion."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


def response(content: Any = "An answer.", **more: Any) -> dict[str, Any]:
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [
            {"finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        ],
        "usage": usage(),
        **more,
    }


def call(**changes: Any) -> dict[str, Any]:
    """A successful call in the envelope; ``changes`` replace its keys, None drops one."""
    record = {
        "id": "c-1",
        "timestamp": "2026-11-10T09:15:02.123Z",
        "feature": "support_assistant",
        "request": {
            "model": "gpt-4.1-mini",
            "messages": [{"role": "user", "content": "Where is my order?"}],
        },
        "response": response(),
    }
    return {key: value for key, value in (record | changes).items() if value is not None}


def read(*records: Any, reading: Reading = OPENAI) -> Rows:
    """Read records (text as it stands) as lines 0, 1, 2, ..."""
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    frame = pl.DataFrame(
        {"n": range(len(lines)), "raw": lines}, schema={"n": pl.Int64, "raw": pl.String}
    )
    return read_lines(CONNECTION, frame, reading, LIMITS)


def read_as(name: str, *records: Any, date: str | None = None) -> Rows:
    """Read records as lines 0, 1, 2, ... of the format ``name``, unpacked if it says so.

    ``date`` is that of their file, for records without a time.
    """
    reading = FORMATS[name].reading()
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    frame = pl.DataFrame({"n": range(len(lines)), "raw": lines, "date": date}, schema=_LINES)
    if reading.unpack is None:
        return read_lines(CONNECTION, frame.select("n", "raw"), reading, LIMITS)
    unpacked = unpack_lines(frame, reading.unpack)
    assert unpacked.misfits.is_empty(), unpacked.misfits["reason"].to_list()
    return read_lines(CONNECTION, unpacked.records.select("n", "raw"), reading, LIMITS)


def one(record: Any, reading: Reading = OPENAI) -> dict[str, Any]:
    """The one call that ``record`` is."""
    rows = read(record, reading=reading)
    assert rows.rejected.is_empty(), rows.rejected["reason"].to_list()
    (found,) = rows.calls.to_dicts()
    return found


def reasons(*records: Any, reading: Reading = OPENAI) -> list[str]:
    """Why each of ``records`` is rejected; all of them must be."""
    rows = read(*records, reading=reading)
    assert rows.rejected["n"].to_list() == list(range(len(records)))
    return rows.rejected["reason"].to_list()


def reason(record: Any, reading: Reading = OPENAI) -> str:
    """Why ``record`` is rejected."""
    rows = read(record, reading=reading)
    assert rows.calls.height + rows.steps.height + rows.feedback.height == 0
    (found,) = rows.rejected["reason"].to_list()
    return str(found)


def one_as(name: str, record: Any, date: str | None = None) -> dict[str, Any]:
    """The one call that ``record`` of the format ``name`` is."""
    rows = read_as(name, record, date=date)
    assert rows.rejected.is_empty(), rows.rejected["reason"].to_list()
    (found,) = rows.calls.to_dicts()
    return found


def values(found: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """What ``found`` has in the fields ``names``."""
    return tuple(found[name] for name in names)


def payload(name: str) -> list[dict[str, Any]]:
    """The records of a file beside the tests."""
    text = (Path(__file__).parent / "payloads" / name).read_text()
    return [json.loads(line) for line in text.splitlines()]


def damaged(record: Any, top: bool = True) -> Iterator[Any]:
    """``record`` again and again, each time with another of its values replaced by nonsense."""
    if not top:
        yield from (None, 3, "x", [], {}, True, [[]], {"type": "message"})
    if isinstance(record, (dict, list)):
        for key, value in record.items() if isinstance(record, dict) else enumerate(record):
            for wrong in damaged(value, top=False):
                copy = record.copy()
                copy[key] = wrong
                yield copy


def unpacked_kinds(name: str, *records: Any) -> list[str]:
    """The kinds of the canonical records that ``records`` of the format ``name`` hold."""
    unpack = FORMATS[name].unpack
    assert unpack is not None
    return [str(found.get("kind")) for record in records for found in unpack(record)]

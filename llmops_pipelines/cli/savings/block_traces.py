"""Traces of serving that have lengths and hashes of blocks in place of prompts, as Mooncake's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import polars as pl
import typer

from llmops_pipelines import savings
from llmops_pipelines.cli.logs.record_reading import content_of, read_records
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.formats import connect
from llmops_pipelines.ingest import LandingOptions
from llmops_pipelines.ingest.log_files.lines import Refused
from llmops_pipelines.ingest.log_files.record_files import record_lines
from llmops_pipelines.ingest.records.prompt_records import read_prompts

_EXPECTED: Final = (
    "a request of a trace: timestamp (ms, or seconds with a fraction), input_length, "
    "output_length, hash_ids"
)
_OF_A_CALENDAR: Final = 10**11
"""Milliseconds since 1970 are more; less counts from a trace's own beginning."""
_MOST: Final = 10**13
"""Milliseconds; the year 2286."""


class _Request(NamedTuple):
    line: int
    sent: int
    """In ms."""
    record: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"line {self.line}"


class Trace(NamedTuple):
    """The requests of a trace as calls of a model, with nothing read from a cache."""

    calls: pl.DataFrame
    """As ``read_prompts`` returns them, in the order of time."""
    marks: savings.PromptMarks


def is_trace(path: Path) -> bool:
    """Whether the first record of the file at ``path`` has hashes of blocks.

    Raises:
        UnusableError: It is missing, no file, or cannot be read.
    """
    first = next(record_lines(content_of(path), LandingOptions.max_line_bytes), None)
    if first is None or isinstance(first, Refused) or first[1] is None:
        return False
    try:
        record = orjson.loads(first[1])
    except orjson.JSONDecodeError:
        return False
    return isinstance(record, dict) and "hash_ids" in record


def read_trace(path: Path, model: str | None, block: int) -> Trace:
    """Read the trace at ``path``; where times count from its beginning, it ends today.

    Args:
        path: The file.
        model: Of requests that name none.
        block: Tokens that a hash stands for.

    Raises:
        UnusableError: A record is no request, has no model, or hashes of other blocks.
    """
    requests = sorted(_requests(path), key=lambda one: one.sent)
    start = requests[0].sent
    began = datetime.fromtimestamp(start / 1000, UTC)
    if start < _OF_A_CALENDAR:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        began = today - timedelta(milliseconds=requests[-1].sent - start)
        typer.echo(f"{path}: times count from its start; priced as if it ended today", err=True)
    typer.echo(
        f"{path}: it does not tell what was read; all that could be counts as missed", err=True
    )
    calls = (
        (one.line, orjson.dumps(_as_call(one, model, began, start)).decode()) for one in requests
    )
    read = read_prompts(connect(), calls)
    for line, reason in read.refused.iter_rows():
        raise UnusableError(f"{path}:{line}: {reason}")
    if read.calls["model"].null_count():
        raise UnusableError(f"{path}: a trace names no model; say whose cache with --model")
    names = read.calls["call_id"].to_list()
    own = {one.name: one for one in requests}
    try:
        marks = savings.block_marks(
            names,
            [own[name].record["input_length"] for name in names],
            [own[name].record["hash_ids"] for name in names],
            block,
        )
    except ValueError as error:
        raise UnusableError(f"{path}: {error}; say how many with --block-tokens") from error
    return Trace(read.calls, marks)


def _requests(path: Path) -> Iterator[_Request]:
    for line, record in read_records(path, _EXPECTED):
        sent = _milliseconds(record.get("timestamp"))
        lengths = (record.get(name) for name in ("input_length", "output_length"))
        hashes = record.get("hash_ids")
        if sent is None or not all(map(_is_count, lengths)):
            raise UnusableError(
                f"{path}:{line}: a time or a length is missing or no count; expected {_EXPECTED}"
            )
        if not isinstance(hashes, list) or not all(type(one) is int for one in hashes):
            raise UnusableError(f"{path}:{line}: hash_ids: expected a list of whole numbers")
        yield _Request(line, sent, record)


def _milliseconds(value: object) -> int | None:
    if isinstance(value, Decimal) and value.is_finite() and 0 <= value < _MOST // 1000:
        return int(value * 1000)
    return value if isinstance(value, int) and _is_count(value) else None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _as_call(one: _Request, model: str | None, began: datetime, start: int) -> dict[str, Any]:
    return {
        "id": one.name,
        "timestamp": (began + timedelta(milliseconds=one.sent - start)).isoformat(),
        "model": one.record.get("model") or model,
        "provider": one.record.get("provider"),
        "prompt_tokens": one.record["input_length"],
        "completion_tokens": one.record["output_length"],
    }

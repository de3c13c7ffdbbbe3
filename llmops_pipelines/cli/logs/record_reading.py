"""The records of a file that a command was given: lines of JSON, one array, CSV or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
import typer

from llmops_pipelines.cli.logs.filing import File
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.ingest import LandingOptions
from llmops_pipelines.ingest.log_files.files import Content, read_content
from llmops_pipelines.ingest.log_files.lines import Refused
from llmops_pipelines.ingest.log_files.record_files import record_lines

_EARLIEST: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - instants here are UTC without a zone


def content_of(path: Path) -> Content:
    """What the file at ``path`` holds.

    Raises:
        UnusableError: It is missing, no file, or cannot be read.
    """
    file = File.at(path)
    content = read_content(file.log(path.name))
    if content.failure:
        raise UnusableError(f"{path}: {content.failure}")
    return content


def read_records(path: Path, expected: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each record of the file at ``path`` with its number, from 1; fractions are Decimals.

    Args:
        path: The file, packed or not.
        expected: What a record looks like, for messages.

    Raises:
        UnusableError: It cannot be read, or one of its records is no JSON object.
    """
    try:
        for item in record_lines(content_of(path), LandingOptions.max_line_bytes):
            if isinstance(item, Refused):
                raise UnusableError(f"{path}:{item.line}: {item.reason.removeprefix('line: ')}")
            yield item[0], _object(f"{path}:{item[0]}", item[1], expected)
    except OSError as error:
        raise of_file_system(error, remedy="mend that, then try again") from error


def warn_of_no_date(path: Path, times: pl.Series) -> None:
    """Say on stderr where times lie before any such log: they count from a beginning of their own.

    Small numbers are seconds since 1970 as far as anybody can tell. A trace that counts in
    milliseconds from its start would lie a thousand times too far apart.
    """
    early = times.filter(times < _EARLIEST)
    if early.len():
        typer.echo(
            f"{path}: {early.len():,} time(s) lie before {_EARLIEST:%Y}, the first {early[0]}: "
            "small numbers are read as seconds since 1970; where they count something else, or "
            "from another beginning, write the moments themselves",
            err=True,
        )


def _object(place: str, raw: str | None, expected: str) -> dict[str, Any]:
    if raw is None:
        raise UnusableError(f"{place}: is no UTF-8 text; {expected}")
    try:
        record = json.loads(raw, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", error)
        raise UnusableError(f"{place}: is no JSON ({why}); {expected}") from error
    if not isinstance(record, dict):
        raise UnusableError(f"{place}: is no JSON object; {expected}")
    return record

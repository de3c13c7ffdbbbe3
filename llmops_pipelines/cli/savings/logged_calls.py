"""The successful calls of a file that a replay was given: a log, or records of calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

import polars as pl
import typer

from llmops_pipelines import ingest, pricing
from llmops_pipelines.cli.logs.filing import File, place_of
from llmops_pipelines.cli.logs.importing import reference_of
from llmops_pipelines.cli.logs.record_reading import content_of, warn_of_no_date
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.definitions import Settings
from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.log_files.lines import Refused
from llmops_pipelines.ingest.log_files.record_files import record_lines
from llmops_pipelines.ingest.previewing.read_alone import read_alone
from llmops_pipelines.ingest.records.prompt_records import NEEDED, read_prompts
from llmops_pipelines.reference import Feature, Features

_MANY_BYTES: Final = 20_000_000
_ANY: Final = (date(1970, 1, 1), datetime(2199, 1, 1))  # noqa: DTZ001 - only a bound
"""Between which days calls are read: all, for nothing lands."""


@dataclass(frozen=True)
class LoggedCalls:
    """``calls`` succeeded and have their ``cost``; ``messages`` are those of calls that have any.

    ``book`` is what they were priced by, ``features`` what features.yaml says.
    """

    calls: pl.DataFrame
    messages: pl.DataFrame
    book: pl.DataFrame
    features: Features


def read_calls(settings: Settings, path: Path) -> LoggedCalls:
    """Read the file at ``path`` as landing would; else its records one by one.

    Texts are taken as they are, without redaction, and none is kept.

    Raises:
        UnusableError: It cannot be read, or holds no successful call.
    """
    file = File.at(path)
    if file.size > _MANY_BYTES:
        typer.echo(f"reading {file.size / 1e6:,.0f} MB", err=True)
    options, overrides = reference_of(settings)
    whole = _WholeTexts(features=options.features.features, rules=options.features.rules)
    place = place_of(file, settings.log_root, options.sources)
    book = pricing.price_book(overrides)
    try:
        found = read_alone(
            file.log(place), replace(options, features=whole, start=_ANY[0], now=_ANY[1])
        )
        calls, texts = found.calls, found.texts
        if calls.is_empty():
            calls = texts = _records(path)
    except OSError as error:
        raise of_file_system(error, remedy="mend that, then try again") from error
    calls = pricing.price_tokens(calls, book).filter(pl.col("status") == "ok")
    if calls.is_empty():
        raise UnusableError(f"{path}: no successful model call in it; a record has {NEEDED}")
    warn_of_no_date(path, calls["started_at"])
    messages = texts.filter(pl.col("messages").list.len() > 0).select("call_id", "messages")
    return LoggedCalls(calls.sort("started_at", "call_id"), messages, book, options.features)


def _records(path: Path) -> pl.DataFrame:
    """The calls of a file that is in no known format."""
    lines: list[tuple[int, str]] = []
    left_out = []
    for item in record_lines(content_of(path), ingest.LandingOptions.max_line_bytes):
        if isinstance(item, Refused):
            left_out.append((item.line, item.reason.partition(": ")[2]))
        elif item[1] is None:
            left_out.append((item[0], "is no UTF-8 text"))
        else:
            lines.append((item[0], item[1]))
    read = read_prompts(connect(), lines)
    left_out = sorted([*left_out, *read.refused.iter_rows()])
    if left_out:
        line, reason = left_out[0]
        typer.echo(f"{len(left_out):,} line(s) left out; line {line}: {reason}", err=True)
    return read.calls.unique("call_id", keep="first", maintain_order=True)


class _WholeTexts(Features):
    """The same features; all texts are kept, for as long as the command runs."""

    def of(self, name: str) -> Feature:
        """The settings of ``name``, with all its texts."""
        return super().of(name).model_copy(update={"content": "full"})

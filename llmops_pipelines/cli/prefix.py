"""``llmops prefix``: what a provider's prompt cache could have served of a log file's prompts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
import typer

from llmops_pipelines import ingest, pricing, savings
from llmops_pipelines.adapters.prefix_chart import prompt_cache_bars
from llmops_pipelines.cli.filing import File, place_of
from llmops_pipelines.cli.importing import reference_of
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.cli.replays import CANNOT_TELL, bounded, percent, usd, write_chart
from llmops_pipelines.definitions import Settings
from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.files import read_content
from llmops_pipelines.ingest.lines import Refused, line_frame, read_blocks
from llmops_pipelines.ingest.prompt_records import NEEDED, read_prompts
from llmops_pipelines.ingest.read_alone import read_alone
from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.tables import CACHE_REASONS

_MANY_BYTES: Final = 20_000_000
_ANY: Final = (date(1970, 1, 1), datetime(2199, 1, 1))  # noqa: DTZ001 - only a bound
"""Between which days calls are read: all, for nothing lands."""


@dataclass(frozen=True)
class Order:
    """What is asked of the file."""

    file: Path
    chart_out: Path | None


def replay_file(settings: Settings, order: Order, *, as_json: bool) -> int:
    """Replay the file's prompts, print what came of it, write what was asked for.

    Texts are compared as they are, without redaction, and none is kept.

    Raises:
        UnusableError: The file cannot be read, or holds no prompt that can be replayed.
    """
    rows = _rows(settings, order.file)
    if order.chart_out:
        write_chart(order.chart_out, prompt_cache_bars(rows), "prompt tokens and the cache")
    code = 0 if (rows["state"] == savings.WORTH_IT).any() else CANNOT_TELL
    if as_json:
        told = {
            "file": str(order.file),
            "prompts": [_finite(row) for row in rows.drop("inputs_digest").to_dicts()],
            "chart_out": str(order.chart_out) if order.chart_out else None,
            "exit_code": code,
        }
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _tell(rows)
        if order.chart_out:
            typer.echo(f"chart in {order.chart_out}")
    return code


def _rows(settings: Settings, path: Path) -> pl.DataFrame:
    file = File.at(path)
    if file.size > _MANY_BYTES:
        typer.echo(f"reading {file.size / 1e6:,.0f} MB", err=True)
    options, overrides = reference_of(settings)
    whole = _WholeTexts(features=options.features.features, rules=options.features.rules)
    place = place_of(file, settings.log_root, options.sources)
    book = pricing.price_book(overrides)
    try:
        options = replace(options, features=whole, start=_ANY[0], now=_ANY[1])
        found = read_alone(file.log(place), options)
        calls, texts = found.calls, found.texts
        if calls.is_empty():
            calls = texts = _records(file)
    except OSError as error:
        raise of_file_system(error, remedy="mend that, then try again") from error
    calls = pricing.price_tokens(calls, book).filter(pl.col("status") == "ok")
    if calls.is_empty():
        raise UnusableError(f"{path}: no successful model call in it; a record has {NEEDED}")
    texts = texts.filter(pl.col("messages").list.len() > 0).select("call_id", "messages")
    return _replayed(calls.select(savings.REPLAYED).sort("started_at", "call_id"), texts, book)


def _records(file: File) -> pl.DataFrame:
    """The calls of a file that is in no known format."""
    content = read_content(file.log(file.path.name))
    lines: list[tuple[int, str]] = []
    for block in read_blocks(content.chunks(), ingest.LandingOptions.max_line_bytes):
        if not isinstance(block, Refused):
            frame = line_frame(block)
            lines += frame.filter(~frame["blank"]).select("line", "raw").drop_nulls().iter_rows()
    read = read_prompts(connect(), lines)
    if read.refused.height:
        line, reason = read.refused.row(0)
        typer.echo(f"{read.refused.height:,} line(s) left out; line {line}: {reason}", err=True)
    return read.calls.unique("call_id", keep="first", maintain_order=True)


def _replayed(calls: pl.DataFrame, texts: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    has_text = pl.col("call_id").is_in(texts["call_id"].implode())
    why = calls.select(savings.not_replayed(has_text)).to_series()
    kept = calls.filter(why.is_null())
    missing = calls.with_columns(why).drop_nulls("why").select(*savings.CACHE_SCOPE, "why")
    days: list[date] = calls["started_at"].dt.date().unique().sort().to_list()
    if kept.is_empty():
        return savings.prompt_cache_rows(None, missing, days, {}, "")
    prompts = kept.select("call_id", savings.leads_with_system()).join(
        texts, on="call_id", maintain_order="left"
    )
    replayed = savings.replay_prompt_cache(kept, savings.prompt_marks(prompts), book)
    differing = savings.divergences(savings.examples(replayed), texts)
    return savings.prompt_cache_rows(replayed, missing, days, differing, "")


class _WholeTexts(Features):
    """The same features; all texts are kept, for as long as the command runs."""

    def of(self, name: str) -> Feature:
        """The settings of ``name``, with all its texts."""
        return super().of(name).model_copy(update={"content": "full"})


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: float(value)
        if isinstance(value, Decimal)
        else value.isoformat()
        if isinstance(value, date)
        else value
        for name, value in row.items()
    }


def _tell(rows: pl.DataFrame) -> None:
    """The same for people: each kind of prompt, what became of its tokens, and what to do."""
    for row in rows.filter(pl.col("feature") != "*").iter_rows(named=True):
        typer.echo(f"{_name(row)}: {row['calls']:,} calls, {row['prompt_tokens']:,} prompt tokens")
        for line in (*_reasons(row), *_money(row), *_advice(row)):
            typer.echo(f"  {line}")


def _name(row: dict[str, Any]) -> str:
    version = f" {row['prompt_version']}" if row["prompt_version"] else ""
    return f"{row['feature']}{version}, {row['model'] or 'unknown model'}"


def _reasons(row: dict[str, Any]) -> Iterator[str]:
    """The tokens of each reason that has any."""
    for name, meaning in CACHE_REASONS:
        if row[name]:
            share = percent(row[name] / row["prompt_tokens"])
            yield f"{row[name]:>12,} {share:>7}  {name.replace('_', ' ')}: {meaning}"


def _money(row: dict[str, Any]) -> Iterator[str]:
    if row["saved"]:
        yield (
            f"reading what could be read saves {bounded(row, 'saved', lambda sum_: usd(sum_, 4))} "
            f"of {usd(row['paid'], 4)} in this file, {bounded(row, 'saved_a_year', usd)} a year of "
            "such traffic; the model sees the same prompts, so quality is the same"
        )
    elif row["saved"] is not None:
        yield f"nothing to save as these prompts are: {usd(row['paid'], 4)} paid in this file"
    if row["rule"] and row["state"] != savings.UNKNOWN_RULE:
        yield f"rule: {row['rule']}"


def _advice(row: dict[str, Any]) -> Iterator[str]:
    """What a reader can do, or why nothing is claimed."""
    if row["left_out"]:
        yield f"left out {row['left_out_why']}"
    if row["state"] == savings.UNKNOWN_RULE:
        yield f"nothing is claimed: {row['rule'] or 'no rule of its cache is written down'}"
    elif row["state"] == savings.COSTS_MORE:
        yield "writing to the cache would cost more than reading from it saves; leave it off"
    elif row["not_switched_on"]:
        yield f"set a breakpoint {row['arrangement']}; writing is paid for in the figure above"
    if row["volatile_shape"]:
        after = f" after {row['volatile_after']!r}" if row["volatile_after"] else ""
        gain = row["reorder_saved"]
        yield (
            f"prompts differ from token {row['volatile_at']:,} on by a {row['volatile_shape']}"
            f"{after}; move it behind what all have in common: {row['order']:,} tokens"
            + ("" if gain is None else f", worth {usd(gain, 4)} in this file")
        )

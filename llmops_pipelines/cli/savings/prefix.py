"""``llmops prefix``: what a provider's prompt cache could have served of a log file's prompts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import typer

from llmops_pipelines import pricing, savings
from llmops_pipelines.adapters.charting.prefix_chart import prompt_cache_bars
from llmops_pipelines.cli.logs.importing import reference_of
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.cli.savings.block_traces import is_trace, read_trace
from llmops_pipelines.cli.savings.logged_calls import read_calls
from llmops_pipelines.cli.savings.replays import (
    CANNOT_TELL,
    NO_YEAR,
    bounded,
    days_of_traffic,
    finite,
    of_a_year,
    percent,
    tell,
    usd,
    write_chart,
)
from llmops_pipelines.definitions import Settings
from llmops_pipelines.tables import CACHE_REASONS

_NO_ADVICE = (savings.UNKNOWN_RULE, savings.COSTS_MORE, savings.CANNOT_TELL)


@dataclass(frozen=True)
class Order:
    """What is asked of the file."""

    file: Path
    calls_per_day: float | None
    chart_out: Path | None
    model: str | None
    """Of a trace that names none."""
    block_tokens: int
    """Of a trace's hashes."""


def replay_file(settings: Settings, order: Order, *, as_json: bool) -> int:
    """Replay the file's prompts, print what came of it, write what was asked for.

    Texts are compared as they are, without redaction, and none is kept.

    Raises:
        UnusableError: The file cannot be read, or holds no prompt that can be replayed.
    """
    try:
        rows = _of_trace(settings, order) if is_trace(order.file) else _of_log(settings, order)
    except savings.WindowError as error:
        raise UnusableError(f"{order.file}: {error}") from error
    if order.chart_out:
        write_chart(order.chart_out, prompt_cache_bars(rows), "prompt tokens and the cache")
    told = {
        "file": str(order.file),
        "prompts": [finite(row) for row in rows.drop("inputs_digest").to_dicts()],
        "chart_out": str(order.chart_out) if order.chart_out else None,
        "exit_code": 0 if (rows["state"] == savings.WORTH_IT).any() else CANNOT_TELL,
    }
    return tell(told, lambda: _tell(rows), as_json=as_json)


def _of_log(settings: Settings, order: Order) -> pl.DataFrame:
    if order.model:
        raise UnusableError(
            f"{order.file}: is no trace with hash_ids; its records name their models themselves: "
            "leave out --model"
        )
    read = read_calls(settings, order.file)
    lasted = days_of_traffic(read.calls["started_at"], order.calls_per_day)
    return _replayed(read.calls.select(savings.REPLAYED), read.messages, read.book, lasted)


def _of_trace(settings: Settings, order: Order) -> pl.DataFrame:
    trace = read_trace(order.file, order.model, order.block_tokens)
    book = pricing.price_book(reference_of(settings)[1])
    calls = pricing.price_tokens(trace.calls, book).select(savings.REPLAYED)
    replayed = savings.replay_prompt_cache(calls, trace.marks, book)
    days: list[date] = calls["started_at"].dt.date().unique().sort().to_list()
    nothing = calls.clear().select(*savings.CACHE_SCOPE, why=pl.lit(""))
    lasted = days_of_traffic(calls["started_at"], order.calls_per_day)
    return savings.prompt_cache_rows(replayed, nothing, days, {}, "", lasted)


def _replayed(
    calls: pl.DataFrame, texts: pl.DataFrame, book: pl.DataFrame, lasted: float | None
) -> pl.DataFrame:
    has_text = pl.col("call_id").is_in(texts["call_id"].implode())
    why = calls.select(savings.not_replayed(has_text)).to_series()
    kept = calls.filter(why.is_null())
    missing = calls.with_columns(why).drop_nulls("why").select(*savings.CACHE_SCOPE, "why")
    days: list[date] = calls["started_at"].dt.date().unique().sort().to_list()
    if kept.is_empty():
        return savings.prompt_cache_rows(None, missing, days, {}, "", lasted)
    prompts = kept.select("call_id", savings.leads_with_system()).join(
        texts, on="call_id", maintain_order="left"
    )
    replayed = savings.replay_prompt_cache(kept, savings.prompt_marks(prompts), book)
    differing = savings.divergences(savings.examples(replayed), texts)
    return savings.prompt_cache_rows(replayed, missing, days, differing, "", lasted)


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
            f"of {usd(row['paid'], 4)} in this file{of_a_year(row)}; the model "
            "sees the same prompts, so quality is the same"
        )
        if row["saved_a_year"] is None:
            yield NO_YEAR
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
    elif row["reason"]:
        yield f"{row['state'].replace('_', ' ')}: {row['reason']}"
    if row["not_switched_on"] and row["state"] not in _NO_ADVICE:
        yield f"set a breakpoint {row['arrangement']}; writing is paid for in the figure above"
    if row["volatile_shape"]:
        after = f" after {row['volatile_after']!r}" if row["volatile_after"] else ""
        gain = row["reorder_saved"]
        yield (
            f"prompts differ from token {row['volatile_at']:,} on by a {row['volatile_shape']}"
            f"{after}; move it behind what all have in common: {row['order']:,} tokens"
            + ("" if gain is None else f", worth {usd(gain, 4)} in this file")
        )

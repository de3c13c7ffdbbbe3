"""``llmops plan``: what all savings come to together, as the last night replayed them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from llmops_pipelines import savings
from llmops_pipelines.adapters.charting.chart_parts import written
from llmops_pipelines.adapters.charting.plan_chart import savings_waterfall
from llmops_pipelines.cli.folder import read_plainly
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.cli.savings.replays import CANNOT_TELL, write_chart
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.reporting.plan_figures import overlap_a_year
from llmops_pipelines.tables import SAVINGS_PLAN

_COLUMNS = ("step", "calls", "a year", "95 % interval", "alone", "loss")

_CENT = 0.01

_HEADS = (
    "calls: changed by the step; alone: saved by it without the steps before it; loss: of answers, "
    "or of their score, at most (95 % confidence for each step)"
)


def tell_plan(settings: Settings, chart_out: Path | None, *, as_json: bool) -> int:
    """Print the stored plan, draw it where that was asked; the exit code.

    Raises:
        UnusableError: No plan is stored, the lake is damaged, or the chart cannot be written.
    """
    rows = _stored(settings)
    if chart_out:
        figure = savings_waterfall(rows.filter(feature=savings.ALL), title="All savings as one")
        write_chart(chart_out, figure, "waterfall of savings")
    wholes = rows.filter("is_taken", step=savings.WHOLE)
    code = 0 if wholes.select(savings.is_proven("saved").any()).item() else CANNOT_TELL
    if as_json:
        told = {
            "steps": rows.drop("inputs_digest").to_dicts(),
            "chart_out": str(chart_out) if chart_out else None,
            "exit_code": code,
        }
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _show(rows)
    return code


def _stored(settings: Settings) -> pl.DataFrame:
    """The plan, features by name and all together last, steps as they are taken."""
    with read_plainly():
        rows = resources_of(settings).lake.open().read(SAVINGS_PLAN)
    if rows.is_empty():
        raise UnusableError(
            "no savings plan is stored: `llmops nightly` makes one once calls with texts were "
            "sampled, which is after the end of their day"
        )
    order = {step: place for place, step in enumerate((*savings.STEPS, savings.WHOLE))}
    return rows.with_columns(overlap_a_year=overlap_a_year()).sort(
        pl.col("feature") == savings.ALL, "feature", pl.col("step").replace_strict(order)
    )


def _show(rows: pl.DataFrame) -> None:
    """The steps that are taken with what they save, then why the others are not."""
    console = Console()
    for (feature,), own in rows.filter("is_taken").group_by("feature", maintain_order=True):
        name = "all features" if feature == savings.ALL else str(feature)
        title = f"{name}: saved a year, by {own['calls'][0]:,} sampled calls"
        table = Table(
            title=escape(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD
        )
        for column in _COLUMNS:
            table.add_column(column, no_wrap=True, justify="left" if column == "step" else "right")
        for row in own.iter_rows(named=True):
            table.add_row(*_cells(row))
        console.print(table)
    if rows["is_taken"].any():
        console.print(_HEADS, highlight=False, markup=False, soft_wrap=True)
    for line in _sentences(rows):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _cells(row: dict[str, Any]) -> Iterator[str]:
    yield "as one" if row["step"] == savings.WHOLE else row["step"]
    yield f"{row['changed']:,}"
    low, high = row["saved_a_year_low"], row["saved_a_year_high"]
    yield _usd(row["saved_a_year"])
    yield "unknown" if low is None or high is None else f"{_usd(low)} to {_usd(high)}"
    alone, year = row["saved_alone"], row["calls_per_day"]
    yield _usd(None if None in (alone, year) else alone * year * savings.DAYS_A_YEAR)
    lost = row["loss_at_most"]
    yield "unknown" if lost is None else "none" if lost < 0 else f"{100 * lost:.2g} %"


def _sentences(rows: pl.DataFrame) -> Iterator[str]:
    whole = rows.row(-1, named=True)
    if not whole["is_taken"]:
        yield "nothing is recommended to any feature:"
    elif whole["overlap_a_year"] is not None:
        yield _overlap(whole)
    steps = rows.filter(pl.col("feature") != savings.ALL, pl.col("step") != savings.WHOLE)
    for row in steps.filter("is_taken").iter_rows(named=True):
        yield f"{row['feature']}, {row['step']}: {row['setting']}{_dearer(row)}{_doubt(row)}"
    for row in rows.filter(step=savings.WHOLE).iter_rows(named=True):
        if row["feature"] != savings.ALL and (row["loss_at_most"] or 0) > savings.MAX_LOSS:
            yield _too_much(row)
    left_out = steps.filter(~pl.col("is_taken")).group_by("step", "setting", maintain_order=True)
    for (step, why), own in left_out:
        yield f"no {step} for {', '.join(own['feature'])}: {why}"
    if whole["unpriced"]:
        yield f"{whole['unpriced']:,} sampled call(s) without a known cost are in no figure"


def _overlap(whole: dict[str, Any]) -> str:
    a_year, more = whole["calls_per_day"] * savings.DAYS_A_YEAR, whole["overlap_a_year"]
    told = f"these calls cost {_usd(a_year * whole['paid_per_call'])} a year"
    if abs(more) < _CENT:
        return f"{told}; the steps do not overlap"
    return (
        f"{told}; the steps alone would add up to {_usd(abs(more))} "
        f"{'more' if more > 0 else 'less'} than they save as one"
    )


def _too_much(row: dict[str, Any]) -> str:
    """Each step is held to what may be lost by itself; all of them together are not."""
    return (
        f"{row['feature']}, as one: up to {100 * row['loss_at_most']:.2g} % may be lost together, "
        f"more than the {100 * savings.MAX_LOSS:g} % that each step was held to; for less, leave "
        "out the step that saves least for what it loses"
    )


def _dearer(row: dict[str, Any]) -> str:
    count = row["dearer"]
    return f"; {count:,} call(s) would be dearer so, or have no price, and stay" if count else ""


def _doubt(row: dict[str, Any]) -> str:
    """What a step's own interval says that is recommended by itself."""
    if not row["changed"]:
        return "; changes none of the sampled calls: nobody knows what it saves in the plan"
    if row["saved_low"] is None:
        return "; by how much nobody can tell: too few sessions for an interval"
    if row["saved_low"] <= 0:
        return "; not proven to save anything behind the steps before it: better left out"
    return ""


def _usd(amount: float | None) -> str:
    if amount is None:
        return "unknown"
    return f"{'-' if amount < 0 else ''}{written(abs(amount), 'usd')}"

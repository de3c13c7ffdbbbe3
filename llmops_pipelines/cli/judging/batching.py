"""``llmops batches``: judge requests that wait in batches, and what they brought."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from llmops_pipelines.adapters.endpoints.batch_api import BatchRefusedError, BatchUnclearError
from llmops_pipelines.adapters.endpoints.batch_apis import batches_at
from llmops_pipelines.adapters.endpoints.batch_book import event_frame, seen_as
from llmops_pipelines.adapters.endpoints.batch_collecting import Progress
from llmops_pipelines.cli.folder import read_plainly
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.judging import open_batches
from llmops_pipelines.orchestration.judging.batches import LakeBook, all_batches, open_days
from llmops_pipelines.orchestration.judging.endpoints import read_judges, read_setup
from llmops_pipelines.orchestration.judging.judging import collect_day, endpoints_of

OK, FAILED = 0, 1
_SHOWN = 12
_COLLECT = "`llmops batches collect`"
_ASKS_ANEW = "the next `llmops nightly` (or `llmops score` of the same file)"


def tell_batches(settings: Settings, *, as_json: bool) -> None:
    """List every batch as the lake knows it; the endpoint is not asked.

    Raises:
        UnusableError: The lake cannot be used.
    """
    rows = [_listed(row) for row in _all(settings).iter_rows(named=True)]
    if as_json:
        typer.echo(json.dumps({"batches": rows}, indent=2))
        return
    if not rows:
        typer.echo("no batches; LLMOPS_JUDGE_BATCH=openai makes the nightly job judge in batches")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("batch", "day", "state", "asked", "verdicts", "without", "dollars"):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(
            row["batch"][:_SHOWN],
            row["day"],
            row["state"],
            f"{row['requests']:,}",
            _count(row["verdicts"]),
            _count(row["unanswered"]),
            _dollars(row),
        )
    Console().print(table)
    for row in rows:
        if row["event"] == "ended":
            typer.echo(
                f"{row['batch'][:_SHOWN]} is over, and {row['detail']}: {_COLLECT} reads it again; "
                f"what is still missing a day after its end is given up, and {_ASKS_ANEW} asks "
                "about it anew"
            )
    if any(row["event"] in ("submitted", "cancelled") for row in rows):
        typer.echo(f"states are those last heard of; {_COLLECT} asks the endpoint")


def collect(settings: Settings, *, as_json: bool) -> int:
    """Take in what open batches have brought, and print how each stands; the exit code.

    Raises:
        UnusableError: The lake cannot be used.
    """
    resources = resources_of(settings)
    lake = resources.lake.open()
    standing: list[tuple[str, Progress]] = []
    with read_plainly():
        setup = read_setup(resources.reference, resources.judge)
        for entry in open_days(lake):
            found = collect_day(lake, setup, resources.clock, entry.day)
            standing += [(entry.day.isoformat(), progress) for progress in found]
    if as_json:
        rows = [{"day": day} | _progress(progress) for day, progress in standing]
        typer.echo(json.dumps({"batches": rows}, indent=2))
    else:
        for day, one in standing:
            typer.echo(f"{one.batch[:_SHOWN]} of {day}: {one.state}; {one.told}")
        if not standing:
            typer.echo("no batch is open")
        elif any(one.over for _, one in standing):
            typer.echo("`llmops nightly` takes the verdicts into the scores of their days")
    return FAILED if any(one.faulty for _, one in standing) else OK


def cancel(settings: Settings, batch: str) -> None:
    """Ask the endpoint to leave the rest of a batch, called by our id or the endpoint's.

    Raises:
        UnusableError: No open batch is called so, or the endpoint does not do it.
    """
    row = _open_batch(settings, batch)
    resources = resources_of(settings)
    with read_plainly():
        judges = read_judges(resources.reference)
    endpoint = endpoints_of(resources.judge, judges).get(row["base_url"])
    if endpoint is None:
        raise UnusableError(f"{batch} is at {row['base_url']}; set JUDGE_BASE_URL to that")
    if not row["batch_id"]:
        raise UnusableError(f"{batch} is not known to have been submitted; collect first")
    try:
        seen = batches_at(endpoint, row["api"]).cancel(row["batch_id"])
    except (BatchRefusedError, BatchUnclearError) as error:
        raise UnusableError(f"{batch} could not be cancelled: {error}") from error
    event = event_frame(row, "cancelled", at=resources.clock.now(), **seen_as(seen))
    LakeBook(resources.lake.open(), row["day"]).note(event)
    typer.echo(
        f"{row['batch'][:_SHOWN]} ({row['batch_id']}) is {seen.state}; {_COLLECT} takes in what "
        f"was done by then, which is billed, and {_ASKS_ANEW} asks about the rest anew"
    )


def _open_batch(settings: Settings, name: str) -> dict[str, Any]:
    """The open batch whose id, ours or the endpoint's, begins with ``name``."""
    known = _all(settings)
    by_name = pl.any_horizontal(
        pl.col(column).str.starts_with(name).fill_null(False) for column in ("batch", "batch_id")
    )
    called = known.filter(by_name) if name else known.clear()
    found = open_batches(called)
    exact = found.filter(pl.col("batch_id") == name)
    if exact.height == 1:  # the endpoint may number its batches: one id begins another
        found = exact
    if found.height == 1:
        return found.row(0, named=True)
    if found.is_empty() and called.height == 1:
        over = _listed(called.row(0, named=True))
        raise UnusableError(f"{name} is over ({over['state']}): there is nothing left to cancel")
    raise UnusableError(
        f"{found.height} open batches begin with {name!r}; `llmops batches` lists them"
    )


def _all(settings: Settings) -> pl.DataFrame:
    with read_plainly():
        return all_batches(resources_of(settings).lake.open())


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    """A batch as ``--json`` lists it."""
    told = {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
        if name not in ("at", "day", "event", "state", "reserved", "cost")
    }
    return told | {
        "day": row["day"].isoformat(),
        "at": row["at"].isoformat(),
        "event": row["event"],
        "state": row["event"] if row["event"] in ("intended", "dropped") else row["state"],
        "reserved_usd": _number(row["reserved"]),
        "cost_usd": _number(row["cost"]),
    }


def _progress(progress: Progress) -> dict[str, Any]:
    return {
        "batch": progress.batch,
        "state": progress.state,
        "told": progress.told,
        "over": progress.over,
    }


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _count(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _dollars(row: dict[str, Any]) -> str:
    if row["cost_usd"] is not None:
        return f"${row['cost_usd']:.4f}"
    if row["event"] in ("collected", "dropped"):
        return "" if row["event"] == "dropped" else "unknown"
    return "no price" if row["reserved_usd"] is None else f"at most ${row['reserved_usd']:.4f}"

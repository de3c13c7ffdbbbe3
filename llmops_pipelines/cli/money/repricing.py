"""``llmops reprice``: before and after first, then the days whose figures change, both kept."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

import dagster as dg
import typer
from rich.console import Console

from llmops_pipelines.cli import telling
from llmops_pipelines.cli.folder import alone_on, read_plainly
from llmops_pipelines.cli.money import repricing_telling as said
from llmops_pipelines.cli.night import FAILED, INTERRUPTED, OK, check_folder
from llmops_pipelines.cli.problems import UnusableError, of_file_system, typed
from llmops_pipelines.definitions import Settings, build_definitions, resources_of
from llmops_pipelines.orchestration.graph.staleness import daily_assets
from llmops_pipelines.orchestration.runs.nightly import Failure, NightlyRunner, open_instance
from llmops_pipelines.orchestration.runs.repricing import (
    DayPlan,
    Repricing,
    book_of,
    history,
    plan_day,
    restate_days,
)
from llmops_pipelines.orchestration.storage.lake import LakeError
from llmops_pipelines.tables import CALL_COSTS, LLM_CALLS, PRICE_RESTATEMENTS


@dataclass(frozen=True)
class Order:
    """What ``llmops reprice`` was asked for."""

    first: date
    last: date
    why: str = ""
    yes: bool = False
    dry_run: bool = False


def reprice(settings: Settings, order: Order, *, as_json: bool) -> int:
    """Compare, ask, restate; 0 when all is done or nothing changes, 1 when something is left.

    Raises:
        UnusableError: Nothing could be done, and why.
    """
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        check_folder(settings)
        try:
            days = _days(settings, order.first, order.last)
            definitions = build_definitions(settings)
            plans = _planned(settings, definitions, days)
            said.show(plans, order.first, order.last)
            due = [plan.day for plan in plans if plan.state in ("changes", "unfinished")]
            restated: list[date] = []
            failures: list[Failure] = []
            if due and not order.dry_run:
                _agree(plans, yes=order.yes)
                restated, failures = _restate(settings, definitions, due, order.why)
        except KeyboardInterrupt:
            typer.echo("stopped; restated days stay, and the same command goes on", err=True)
            return INTERRUPTED
        except LakeError as error:
            raise UnusableError(str(error)) from error
        except OSError as error:
            raise of_file_system(error, remedy="mend that, then run again") from error
        left = [plan.day for plan in plans if plan.state == "not_computed"]
        expired = [plan.day for plan in plans if plan.state == "expired"]
        _tell_end(settings, restated, left, failures)
        if expired:
            typer.echo(
                f"{len(expired):,} day(s) keep their costs, the last {expired[-1]}: their calls "
                "are gone, as retention_days in privacy.yaml asks"
            )
    if as_json:
        typer.echo(json.dumps(said.as_dict(plans, restated, failures), indent=2))
    return FAILED if failures or left else OK


def print_history(
    settings: Settings, first: date | None, last: date | None, *, as_json: bool
) -> None:
    """Print every restatement of the days, with both figures and whether it still holds.

    Raises:
        UnusableError: The lake cannot be used.
    """
    lake = resources_of(settings).lake.open()
    with read_plainly():
        days = [
            day for day in lake.days(PRICE_RESTATEMENTS) if (first or day) <= day <= (last or day)
        ]
        rows = history(lake, days)
    if as_json:
        typer.echo(json.dumps(said.history_as_list(rows), indent=2))
    else:
        said.show_history(rows)


def _planned(
    settings: Settings, definitions: dg.Definitions, days: Sequence[date]
) -> list[DayPlan]:
    resources = resources_of(settings)
    lake, book = resources.lake.open(), book_of(resources.reference)
    assets = daily_assets(definitions.resolve_all_asset_specs())
    plans = []
    with telling.progress(Console(stderr=True)) as show:
        for done, day in enumerate(days):
            show("pricing again", done, len(days))
            plans.append(plan_day(lake, book, assets, day))
    return plans


def _days(settings: Settings, first: date, last: date) -> list[date]:
    lake = resources_of(settings).lake.open()
    there = sorted({*lake.days(LLM_CALLS), *lake.days(CALL_COSTS)})
    if days := [day for day in there if first <= day <= last]:
        return days
    held = f"; the lake holds {there[0]} to {there[-1]}" if there else ""
    raise UnusableError(
        f"no calls from {first} to {last} to price again{held}: choose --from and --to in there, "
        f"or run {typed('--data', settings.data, 'nightly')} first"
    )


def _agree(plans: Sequence[DayPlan], *, yes: bool) -> None:
    changing = sum(plan.state == "changes" for plan in plans)
    if yes or not changing:
        return
    if not sys.stdin.isatty():
        raise UnusableError("nobody is here to agree to that; add --yes, or --dry-run to only look")
    if not typer.confirm(f"Restate {changing:,} day(s)? Both figures are kept.", err=True):
        raise UnusableError("nothing was restated")


def _restate(
    settings: Settings, definitions: dg.Definitions, days: Sequence[date], why: str
) -> tuple[list[date], list[Failure]]:
    """The days that went well, and what went wrong with others."""
    asked = Repricing(restatement=uuid4().hex[:12], why=why)
    with (
        alone_on(settings),
        telling.progress(Console(stderr=True)) as show,
        open_instance(settings.home) as instance,
    ):
        runner = NightlyRunner(definitions, instance, lambda _: None)
        restated = restate_days(
            runner,
            resources_of(settings).lake.open(),
            daily_assets(definitions.resolve_all_asset_specs()),
            days,
            asked,
            on_day=lambda day, done: show(f"restating {day}", done, len(days)),
        )
        show("restated", len(days), len(days))
    return restated, runner.failures


def _tell_end(
    settings: Settings,
    restated: Sequence[date],
    left: Sequence[date],
    failures: Sequence[Failure],
) -> None:
    nightly = typed("--data", settings.data, "nightly")
    if restated:
        typer.echo(
            f"{len(restated):,} day(s) restated; both figures are kept: "
            + typed("--data", settings.data, "reprice", "--history")
        )
        typer.echo(f"what looks back on them from other days follows with the next {nightly}")
    for failure in failures:
        typer.echo(f"failed: {failure.day or 'prices'}, {failure.step}: {failure.error}", err=True)
    if left:
        typer.echo(
            f"{len(left):,} day(s) have logs that are not computed yet and were left, the first "
            f"{left[0]}: run {nightly}, then the same command again",
            err=True,
        )

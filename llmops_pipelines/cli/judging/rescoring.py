"""``llmops rescore``: past samples under another judge, quoted first, as one backfill."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import dagster as dg
import polars as pl
import typer
from rich.console import Console

from llmops_pipelines import judging
from llmops_pipelines.cli import telling
from llmops_pipelines.cli.folder import alone_on
from llmops_pipelines.cli.judging import quoting
from llmops_pipelines.cli.night import FAILED, INTERRUPTED, OK, check_folder
from llmops_pipelines.cli.problems import UnusableError, of_file_system, typed
from llmops_pipelines.definitions import Settings, build_definitions, resources_of
from llmops_pipelines.orchestration.judging.asking import table_of_verdicts
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup, read_setup
from llmops_pipelines.orchestration.judging.quoting import DayQuote, UnknownSpecError, spec_called
from llmops_pipelines.orchestration.judging.rescoring import RESCORE_TAG, unreachable
from llmops_pipelines.orchestration.runs.backfills import (
    BackfillCanceledError,
    backfill_of,
    close_abandoned,
)
from llmops_pipelines.orchestration.runs.nightly import (
    JUDGED,
    Failure,
    NightlyRunner,
    open_instance,
)
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError
from llmops_pipelines.tables import JUDGE_RESCORES, JUDGE_SPECS

_BY = {"llmops/by": "llmops rescore"}
_JUDGE_TAG = "llmops/judge"

_COUNTS = ("items", "judged", "scored", "failed", "over_budget", "over_policy", "pending")


def rescore_days(
    settings: Settings,
    first: date,
    last: date,
    name: str,
    model: str | None,
    *,
    yes: bool,
    as_json: bool,
    repetition: int = 0,
) -> int:
    """Quote, ask, judge, show; return 0, or 1 when something failed or was left.

    Raises:
        UnusableError: Nothing could be done, and why.
    """
    with contextlib.redirect_stdout(sys.stderr):
        check_folder(settings)
        resources = resources_of(settings)
        setup = read_setup(resources.reference, resources.judge)
        spec = _spec(resources.lake.open(), setup, name, model)
        if problem := unreachable(spec, setup):
            raise UnusableError(problem)
        quotes = quoting.quoted(settings, first, last, [name], model, repetition=repetition)
        _refuse_nothing(quotes)
        quoting.show(quotes)
        quoting.show_past(settings, quotes)
        _agree(settings, quotes, repetition, yes=yes)
        days = sorted({each.day for each in quotes})
        try:
            done = _shown(settings, days, spec, repetition)
            failures = [] if done else _run(settings, days, spec, repetition)
        except KeyboardInterrupt:
            typer.echo("stopped; what was paid for stays, and the same command goes on", err=True)
            return INTERRUPTED
        except BackfillCanceledError as error:
            typer.echo(str(error), err=True)
            return INTERRUPTED
        except (LakeError, OSError) as error:
            raise (
                of_file_system(error, remedy="mend that, then run again")
                if isinstance(error, OSError)
                else UnusableError(str(error))
            ) from error
    told = _outcome(resources_of(settings).lake.open(), quotes, spec.spec_id, repetition)
    failed = [{"day": str(f.day), "step": f.step, "error": f.error} for f in failures]
    if as_json:
        found: dict[str, Any] = {"spec_id": spec.spec_id, "metric": spec.metric}
        found |= {"model": spec.model, "repetition": repetition}
        quoted = quoting.as_dict(quotes)
        typer.echo(json.dumps({**found, **quoted, "rescored": told, "failures": failed}, indent=2))
    else:
        typer.echo(_sentence(spec, told))
    for failure in failures:
        typer.echo(f"{failure.day}: {failure.step}: {failure.error}", err=True)
    waiting = sum(day["pending"] for day in told)
    left = sum(day["items"] - day["judged"] - day["over_policy"] for day in told)
    if waiting:
        collect = typed("--data", settings.data, "batches", "collect")
        typer.echo(
            f"{waiting:,} call(s) wait in batches: {collect} takes in what is ready, and so does "
            "Dagster's sensor; then the same command goes on",
            err=True,
        )
    if left > waiting:
        typer.echo(
            f"{left - waiting:,} call(s) have no verdict yet; the same command tries them again "
            "and pays for nothing twice",
            err=True,
        )
    return FAILED if failures or left else OK


def _refuse_nothing(quotes: Sequence[DayQuote]) -> None:
    if not any(each.quote.items or each.quote.already_paid for each in quotes):
        raise UnusableError(
            "nothing to rescore: no sampled call of these days belongs to a feature that says "
            "`judging: judge` in features.yaml, or its text is not kept"
        )


def _agree(settings: Settings, quotes: Sequence[DayQuote], repetition: int, *, yes: bool) -> None:
    """Have somebody agree to the quote, where there is anything to pay for."""
    (whole,) = judging.total(each.quote for each in quotes)
    if not whole.items:
        typer.echo(
            "all of it is paid for already, or waits in a batch: nobody will be asked; "
            f"--repetition {repetition + 1} asks the same judge once more"
        )
        return
    held = (
        f"capped at {settings.judge_max_calls_per_run:,} calls, since no price is known"
        if whole.usd is None
        else f"capped at ${settings.judge_max_usd_per_run:.2f} for this rescoring and "
        f"${settings.judge_max_usd_per_day:.2f} a day"
    )
    typer.echo(f"{held}; what is over waits for the next time")
    if yes:
        return
    if not sys.stdin.isatty():
        raise UnusableError("nobody is here to agree to that; add --yes")
    if not typer.confirm("Judge?", err=True):
        raise UnusableError("nothing was judged")


def _spec(lake: Lake, setup: JudgeSetup, name: str, model: str | None) -> judging.JudgeSpec:
    try:
        return spec_called(name, lake, setup, override=model)
    except UnknownSpecError as error:
        raise UnusableError(str(error)) from error


def _run(
    settings: Settings, days: Sequence[date], spec: judging.JudgeSpec, repetition: int
) -> list[Failure]:
    """Judge day by day, then compute what rests on verdicts; failures are returned."""
    # Runs name the judge by its id, so that an edit of rubrics.yaml meanwhile changes nothing.
    kept = resources_of(settings).lake.open()
    kept.append(JUDGE_SPECS, judging.judge_specs([spec]), name=spec.spec_id)
    # The list of backfills shows the first eight characters, and tags, but no title.
    backfill_id = uuid4().hex[:12]
    judge = f"{spec.metric} by {spec.model}"
    with (
        alone_on(settings),
        telling.progress(Console(stderr=True)) as show,
        open_instance(settings.home) as instance,
    ):
        definitions = build_definitions(settings)
        runner = NightlyRunner(definitions, instance, lambda progress: show(*progress))
        (key,) = runner.keys(JUDGE_RESCORES.name)
        asked = {"spec": spec.spec_id, "model": "", "repetition": repetition}
        config = {"ops": {key.to_python_identifier(): {"config": asked}}}
        close_abandoned(instance, _BY)
        with backfill_of(
            definitions,
            instance,
            backfill_id,
            key=key,
            days=days,
            title=f"llmops rescore: {judge} ({spec.spec_id})"
            + (f", repetition {repetition}" if repetition else ""),
            tags={**_BY, RESCORE_TAG: backfill_id, _JUDGE_TAG: judge},
            run_config=config,
        ) as backfill:
            for number, day in enumerate(days):
                show(f"rescoring {day}", number, len(days))
                backfill.begin(day)
                well = runner.execute("rescore_job", day, config=config, tags=backfill.run_tags)
                backfill.end(day, well=well)
        _refresh(settings, instance, runner, backfill.done, spec, show)
        return runner.failures


def _refresh(
    settings: Settings,
    instance: dg.DagsterInstance,
    judged: NightlyRunner,
    days: Sequence[date],
    spec: judging.JudgeSpec,
    show: telling.Show,
) -> None:
    """Compute verdicts and what rests on them again, without asking anybody about anything."""
    asking_nobody = settings.model_copy(update={"judge_within_days": 0})
    runner = NightlyRunner(
        build_definitions(asking_nobody), instance, lambda progress: show(*progress)
    )
    resources = resources_of(settings)
    anew = [table_of_verdicts(spec).name]
    runner.compute(resources.lake.open(), days, resources.clock.today(), anew=anew)
    runner.refresh(*JUDGED, "warehouse")
    judged.failures += runner.failures


def _shown(
    settings: Settings, days: Sequence[date], spec: judging.JudgeSpec, repetition: int
) -> bool:
    """Whether every day was rescored to the end: there is nothing to ask and nothing to compute."""
    rows = resources_of(settings).lake.open().read(JUDGE_RESCORES, days)
    ended = rows.filter(
        pl.col("spec_id") == spec.spec_id,
        pl.col("repetition") == repetition,
        pl.col("judged") + pl.col("over_policy") == pl.col("items"),
    )
    return set(ended["day"]) == set(days)


def _outcome(
    lake: Lake, quotes: Sequence[DayQuote], spec_id: str, repetition: int
) -> list[dict[str, Any]]:
    """What the record says of each day."""
    rows = lake.read(JUDGE_RESCORES, [each.day for each in quotes]).filter(
        spec_id=spec_id, repetition=repetition
    )
    return [
        {"day": str(row["day"]), **{name: row[name] for name in _COUNTS}}
        for row in rows.sort("day").iter_rows(named=True)
    ]


def _sentence(spec: judging.JudgeSpec, told: Sequence[dict[str, Any]]) -> str:
    sums = {name: sum(day[name] for day in told) for name in _COUNTS}
    rest = ", ".join(f"{sums[name]:,} {name}" for name in _COUNTS[3:] if sums[name])
    return (
        f"{spec.metric} by {spec.model} ({spec.spec_id}): {sums['judged']:,} of {sums['items']:,} "
        f"calls on {len(told):,} day(s) have a verdict{f'; {rest}' if rest else ''}"
    )

"""``llmops quote``: what judging would cost, before a cent is spent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines import judging
from llmops_pipelines.cli import telling
from llmops_pipelines.cli.night import check_folder
from llmops_pipelines.cli.problems import UnusableError, typed
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.judging.endpoints import read_setup
from llmops_pipelines.orchestration.judging.judge_quotes import errors
from llmops_pipelines.orchestration.judging.quoting import (
    DayQuote,
    UnknownSpecError,
    quote_days,
    sampled_days,
    spec_called,
)
from llmops_pipelines.orchestration.storage.lake import LakeError
from llmops_pipelines.tables import LANDED_DAYS, SAMPLED_TRACES

_STRETCHES = 10
"""Stretches of days that are named; the rest is counted."""

PLAIN_COUNT = "tokens are counted by text length: no vocabulary of the model is on this machine"


def print_quote(
    settings: Settings,
    first: date,
    last: date,
    names: Sequence[str],
    model: str | None,
    *,
    as_json: bool,
) -> None:
    """Quote the days and print it.

    Raises:
        UnusableError: No such judge, no such days, or the lake cannot be used.
    """
    check_folder(settings)
    found = quoted(settings, first, last, names, model)
    if as_json:
        past = errors(resources_of(settings).lake.open()).to_dicts()
        typer.echo(json.dumps({**as_dict(found), "past_quotes": past}, indent=2))
        return
    show(found)
    show_past(settings, found)


def quoted(
    settings: Settings,
    first: date,
    last: date,
    names: Sequence[str],
    model: str | None,
    *,
    repetition: int = 0,
) -> list[DayQuote]:
    """What the judges that ``names`` call would cost on the sampled days.

    Raises:
        UnusableError: No such judge, no such days, or the lake cannot be used.
    """
    resources = resources_of(settings)
    lake, setup = resources.lake.open(), read_setup(resources.reference, resources.judge)
    try:
        specs = [spec_called(name, lake, setup, override=model) for name in names]
        days = days_to_judge(settings, first, last)
        if model and not specs:
            setup = replace(setup, judge=setup.judge.model_copy(update={"model": model}))
        with telling.progress(Console(stderr=True)) as show_progress:
            found = quote_days(
                days,
                specs or None,
                lake=lake,
                setup=setup,
                clock=resources.clock,
                on_day=lambda day, done: show_progress(f"quoting {day}", done, len(days)),
                repetition=repetition,
            )
    except (UnknownSpecError, LakeError) as error:
        raise UnusableError(str(error)) from error
    if not found:
        raise UnusableError(
            "nothing to quote: no feature of features.yaml says `judging: judge`, or JUDGE_MODEL "
            "is not set; name a judge with --spec and --model"
        )
    return found


def days_to_judge(settings: Settings, first: date, last: date) -> list[date]:
    """The sampled days from ``first`` to ``last``; which ones are left out is told.

    Raises:
        UnusableError: There are none.
    """
    lake = resources_of(settings).lake.open()
    days = sampled_days(lake, first, last)
    computed = set(lake.days(SAMPLED_TRACES))
    unsampled = [d for d in lake.days(LANDED_DAYS) if first <= d <= last and d not in computed]
    run = typed("--data", settings.data, "nightly", "--from", first, "--to", last)
    if not days:
        raise UnusableError(f"no day from {first} to {last} has a sample to judge; run {run}")
    if unsampled:
        typer.secho(
            f"warning: {len(unsampled):,} day(s) with logs have no sample yet and are left out, "
            f"the first {unsampled[0]}; run {run}",
            err=True,
            fg="yellow",
        )
    whole_range = (first + timedelta(days=n) for n in range((last - first).days + 1))
    if empty := [day for day in whole_range if day not in {*days, *unsampled}]:
        telling.say(f"left out, without a sampled call: {len(empty):,} day(s), {_stretches(empty)}")
    return days


def _stretches(days: Iterable[date]) -> str:
    """Days, oldest first, as in "2026-06-03 to 2026-06-05, 2026-06-09"; many are cut short."""
    found: list[list[date]] = []
    for day in days:
        if found and day - found[-1][-1] == timedelta(days=1):
            found[-1][1:] = [day]
        else:
            found.append([day])
    told = [" to ".join(map(str, stretch)) for stretch in found[:_STRETCHES]]
    more = len(found) - len(told)
    return ", ".join(told) + (f" and {more:,} more stretches" if more else "")


def as_dict(found: Sequence[DayQuote]) -> dict[str, Any]:
    """Quotes as ``--json`` tells them: one a judge, and one a judge and day."""
    return {
        "quotes": [
            {**_plain(asdict(total)), "seconds": _seconds(found, total.spec_id)}
            for total in judging.total(each.quote for each in found)
        ],
        "days": [
            {"day": str(each.day), **_plain(asdict(each.quote)), "seconds": each.seconds}
            for each in found
        ],
    }


def show(found: Sequence[DayQuote]) -> None:
    """Print one row a judge, and in words how it was counted."""
    # Narrow enough for the judge's name beside the figures where a line has 80 characters.
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for heading in ("judge", "to\njudge", "paid", "calls", "tokens\nin", "out", "about",
                    "as\nbatch", "at\nmost", "time"):  # fmt: skip
        # Figures are never broken over lines: an id of hex digits may be, and a long name.
        judge = heading == "judge"
        table.add_column(heading, overflow="fold", no_wrap=not judge,
                         justify="left" if judge else "right")  # fmt: skip
    totals = judging.total(each.quote for each in found)
    for total in totals:
        table.add_row(
            Text(f"{total.metric}\nby {total.model}\n{total.spec_id}"),
            f"{total.items:,}",
            f"{total.already_paid:,}",
            f"{total.calls:,}",
            f"{total.input_tokens:,}",
            f"{total.output_tokens:,}",
            _usd(total.usd),
            "-" if total.usd_in_batches is None else _usd(total.usd_in_batches),
            _usd(total.usd_at_most),
            _time(_seconds(found, total.spec_id)),
        )
    console = Console()
    console.print(table)
    counted = {total.counted_by for total in totals if total.items}
    for how in sorted(counted):
        typer.echo(PLAIN_COUNT if how == judging.BY_LENGTH else f"tokens are counted with {how}")


def show_past(settings: Settings, found: Sequence[DayQuote]) -> None:
    """Print how far past quotes of the same judges were from what was spent."""
    asked = {each.quote.spec_id for each in found}
    for error in errors(resources_of(settings).lake.open()).iter_rows(named=True):
        if error["spec_id"] in asked:
            typer.echo(judging.told_error(error))


def _usd(amount: Decimal | None) -> str:
    return "no price" if amount is None else judging.in_dollars(amount)


def _time(seconds: float | None) -> str:
    """A duration in words; nothing is known before a first call was timed."""
    if seconds is None:
        return "unknown"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _seconds(found: Sequence[DayQuote], spec_id: str) -> float | None:
    """Days come one after the other; null where one of them is not known."""
    each = [day.seconds for day in found if day.quote.spec_id == spec_id]
    known = [seconds for seconds in each if seconds is not None]
    return sum(known) if len(known) == len(each) else None


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: float(v) if isinstance(v, Decimal) else v for name, v in row.items()}

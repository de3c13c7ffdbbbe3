"""``llmops score``: one file of samples in front of one judge."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import typer

from llmops_pipelines import judging, pricing
from llmops_pipelines.adapters.cross_encoder import EntailmentModelError
from llmops_pipelines.adapters.scoring import SampleFile, SampleFileError
from llmops_pipelines.cli.folder import prepare_files, read_plainly
from llmops_pipelines.cli.judging.score_progress import Progress
from llmops_pipelines.cli.judging.score_telling import sentences, tell_all, write
from llmops_pipelines.cli.logs.filing import File
from llmops_pipelines.cli.night import INTERRUPTED
from llmops_pipelines.cli.problems import UNUSABLE, UnusableError, of_file_system
from llmops_pipelines.cli.telling import say
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.judging.bounds import Bound
from llmops_pipelines.judging.execution.preflight import Finding
from llmops_pipelines.judging.juries import Combine
from llmops_pipelines.orchestration.graph.all_resources import Resources
from llmops_pipelines.orchestration.graph.reference_files import check_reference
from llmops_pipelines.orchestration.graph.resources import JUDGE
from llmops_pipelines.orchestration.judging.endpoints import Bench, Seat, benches, read_judges
from llmops_pipelines.orchestration.judging.judging import endpoints_of
from llmops_pipelines.orchestration.judging.purses import desk_of, price_of
from llmops_pipelines.orchestration.scoring.scoring import (
    Chosen,
    NoSuchRubricError,
    PreflightError,
    Telling,
    Terms,
    choose,
    score_file,
)
from llmops_pipelines.orchestration.scoring.scoring_batches import NoBatchesError
from llmops_pipelines.orchestration.scoring.scoring_juries import hear_jury
from llmops_pipelines.orchestration.storage.lake import LakeError
from llmops_pipelines.orchestration.storage.locks import alone
from llmops_pipelines.reference import Features

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Order:
    """What the command line asks for; None leaves it to the settings."""

    file: Path
    rubric: str
    model: str | None = None
    endpoint: str = JUDGE
    out: Path | None = None
    concurrency: int | None = None
    max_usd: float | None = None
    bounds: tuple[Bound, ...] = ()
    preflight: bool = True
    canaries: bool = True
    logprobs: bool = False
    batch: bool = False


def read_bounds(under: Sequence[str], over: Sequence[str]) -> tuple[Bound, ...]:
    """The bounds in ``METRIC=X`` options.

    Raises:
        UnusableError: One is none.
    """
    bounds = []
    for side, texts in (("under", under), ("over", over)):
        for text in texts:
            metric, sign, bound = text.partition("=")
            try:
                value = float(bound)
            except ValueError:
                value = -1.0
            if not (metric and sign and 0 <= value <= 1):
                raise UnusableError(
                    f"--fail-{side} {text}: write it as METRIC=X with X from 0 to 1, as in "
                    f"--fail-{side} groundedness=0.9"
                )
            bounds.append(Bound(metric.strip(), value, "under" if side == "under" else "over"))
    return tuple(bounds)


def score(settings: Settings, order: Order, *, as_json: bool) -> int:
    """Judge the file, print, and return the exit code.

    0: judged, and every bound holds. 1: some lines were left without a verdict, a later run tries
    them again, or nothing was scored. 2: nothing could be done. 3: a bound is broken. 4: none is
    broken, but the scores cannot tell whether one holds.

    Raises:
        UnusableError: Nothing was asked, and why.
    """
    started = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            told = judge_file(settings, order)
    except UnusableError as error:
        if as_json:
            typer.echo(json.dumps({"exit_code": UNUSABLE, "error": str(error)}, indent=2))
        raise
    except KeyboardInterrupt as stop:
        kept = "stopped; verdicts so far are kept, and the next run goes on from there"
        typer.echo(str(stop) or kept, err=True)
        return INTERRUPTED
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        for line in sentences(told, time.monotonic() - started):
            typer.echo(line)
    return int(told["exit_code"])


def judge_file(settings: Settings, order: Order) -> dict[str, Any]:
    """Everything there is to tell about the file once it is judged.

    Raises:
        UnusableError: Nothing was asked, and why.
    """
    file = _file(order)
    prepare_files(settings)
    resources = resources_of(settings)
    with read_plainly():
        check_reference(Path(settings.reference_root))
    judges = read_judges(resources.reference)
    seats, combine, unset = seats_of(order, benches(resources.judge, judges))
    bench = _bench(order, seats, resources, offline=bool(unset))
    first, seat = bench[0]
    _refuse_bounds(order.bounds, first)
    _say_judge(first, seat, unset)
    terms = terms_of(settings, order, seats, resources)
    with _out(order.out) as out, Progress(first.spec.metric) as progress:

        def before(quote: judging.Quote, seat: Seat) -> None:
            progress.begin(quote.items, f"{quote.metric} by {quote.model}")
            _say_quote(quote, first, seat, terms.caps, in_batches=order.batch)

        def checked(finding: Finding, asked: bool) -> None:
            _say_finding(finding, asked)
            if not finding.problem:
                progress.done(0)

        tell = Telling(before, checked, progress.done, progress.wait)
        lake = resources.lake.open()
        try:
            turn = _alone_with(order, first, terms)
            scorings = score_file(file, bench, lake, terms, tell, turn)
            scoring = hear_jury(scorings, combine, lake) if len(bench) > 1 else scorings[0]
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(progress.left_behind) from stop
        except PreflightError as error:
            raise UnusableError(
                f"preflight: {error}\nnothing of {order.file} was sent; mend that, or go without "
                "it: --no-preflight"
            ) from error
        except NoBatchesError as error:
            raise UnusableError(f"--batch: {error}") from error
        except (LakeError, EntailmentModelError) as error:
            raise UnusableError(str(error)) from error
        except OSError as error:
            raise of_file_system(error, remedy="mend that, then run again") from error
        with contextlib.closing(scoring):
            if out:
                write(scoring, out)
            return tell_all(scoring, order.file, order.out, order.bounds)


def _alone_with(
    order: Order, chosen: Chosen, terms: Terms
) -> contextlib.AbstractContextManager[None]:
    """One process at a time has a file judged: the next finds paid what it would pay again."""
    if terms.desk is None or chosen.local:
        return contextlib.nullcontext()
    name = sha256(f"{order.file.resolve()}\n{chosen.spec.spec_id}".encode()).digest()
    return alone(
        terms.desk.folder / f"score-{int.from_bytes(name) % _LOCKS}.lock",
        lambda: say("another process is having this file judged; waiting for it"),
    )


_LOCKS = 512
"""So many lock files there are at most; files that share one wait for each other."""


def terms_of(
    settings: Settings, order: Order, seats: Sequence[Seat], resources: Resources
) -> Terms:
    """What the settings, the reference files and the command line say of how to judge."""
    reference, clock = resources.reference, resources.clock
    overrides = reference.read("prices.yaml", pricing.PriceOverrides)
    book = cache(lambda: pricing.price_book(overrides))
    return Terms(
        features=reference.read("features.yaml", Features),
        price=lambda service: price_of(book(), clock.now(), service),
        caps=_caps(settings, order, seats),
        desk=desk_of(resources.judge),
        now=clock.now,
        preflight_days=settings.judge_preflight_days if order.preflight else 0,
        canaries=order.canaries,
        batch=order.batch,
        endpoints=endpoints_of(resources.judge, read_judges(reference)),
    )


def _bench(
    order: Order, seats: Sequence[Seat], resources: Resources, *, offline: bool
) -> list[tuple[Chosen, Seat]]:
    """The judge that each seat is asked to be; one where it works on this machine."""
    rubrics = resources.reference.read("rubrics.yaml", judging.Rubrics)
    found = []
    for seat in seats:
        try:
            chosen = choose(
                order.rubric,
                rubrics,
                model=seat.endpoint.model,
                logprobs=seat.logprobs,
                offline=offline,
                entailment_model=resources.judge.entailment_model,
            )
        except NoSuchRubricError as error:
            raise UnusableError(str(error)) from error
        except EntailmentModelError as error:
            raise UnusableError(f"LLMOPS_ENTAILMENT_MODEL: {error}") from error
        if chosen.local:
            return [(chosen, seat)]
        found.append((chosen, seat))
    models = [chosen.spec.model for chosen, _ in found]
    if len({chosen.spec.spec_id for chosen, _ in found}) < len(found):
        raise UnusableError(
            f"--judge {order.endpoint}: a jury has each model once; this one has "
            f"{', '.join(models)}"
        )
    return found


def _file(order: Order) -> SampleFile:
    """The file, if it may hold samples."""
    File.at(order.file)
    if order.out and order.out.exists() and order.out.samefile(order.file):
        raise UnusableError(f"--out {order.out} is the file itself; choose another name")
    try:
        file = SampleFile(order.file)
        file.check()
    except SampleFileError as error:
        raise UnusableError(
            f"{order.file}: {error}; samples are JSON lines, one object a line, plain, .gz or .zst"
        ) from error
    except OSError as error:
        raise of_file_system(error, remedy="change who may read it") from error
    return file


def seats_of(order: Order, known: dict[str, Bench]) -> tuple[list[Seat], Combine, tuple[str, ...]]:
    """Where to ask, how several verdicts become one, and the variables that are not set.

    What the command line says goes on top of judges.yaml and the environment.
    """
    bench = known.get(order.endpoint)
    if bench is None:
        raise UnusableError(
            f"--judge {order.endpoint}: there is no such judge; known: {', '.join(known)}"
        )
    seats = bench.seats
    if order.model:
        own = [seat for seat in seats if seat.endpoint.model == order.model]
        if not own and len({seat.endpoint.base_url for seat in seats}) > 1:
            models = ", ".join(seat.endpoint.model for seat in seats)
            raise UnusableError(
                f"--judge {order.endpoint} --model {order.model}: no seat of that jury has that "
                f"model; it has {models}"
            )
        seats = tuple(own[:1]) or seats[:1]
    model = order.model or seats[0].endpoint.model
    missing = tuple(name for name in bench.missing if not (name == "JUDGE_MODEL" and model))
    if missing and order.endpoint != JUDGE:
        raise UnusableError(f"--judge {order.endpoint} needs {' and '.join(missing)} to be set")
    return [_as_ordered(seat, order) for seat in seats], bench.combine, missing


def _as_ordered(seat: Seat, order: Order) -> Seat:
    limits = seat.limits
    if order.concurrency:
        limits = replace(limits, concurrency=order.concurrency)
    return seat._replace(
        endpoint=replace(seat.endpoint, model=order.model or seat.endpoint.model),
        logprobs=seat.logprobs or order.logprobs,
        limits=limits,
        pace=replace(seat.pace, in_flight=limits.concurrency),
    )


def _refuse_bounds(bounds: Sequence[Bound], chosen: Chosen) -> None:
    for bound in bounds:
        if bound.metric not in (chosen.spec.metric, chosen.stands_in_for):
            raise UnusableError(f"{bound}: this run measures {chosen.spec.metric} alone")
        lower = chosen.spec.direction == "lower_is_better"
        if bound.metric == chosen.spec.metric and lower == (bound.side == "under"):
            other = "over" if lower else "under"
            raise UnusableError(
                f"{bound}: {bound.metric} is {chosen.spec.direction}; say --fail-{other}"
            )


def _caps(settings: Settings, order: Order, seats: Sequence[Seat]) -> judging.Caps:
    """The caps of the settings; judges on this machine that have no price may be asked freely."""
    hosts = {urlsplit(seat.endpoint.base_url).hostname for seat in seats}
    calls = sys.maxsize if hosts <= set(_LOOPBACK) else settings.judge_max_calls_per_run
    usd = settings.judge_max_usd_per_run if order.max_usd is None else order.max_usd
    return judging.Caps(
        usd_per_run=Decimal(str(usd)),
        usd_per_day=Decimal(str(settings.judge_max_usd_per_day)),
        calls_per_run=calls,
        calls_per_day=4 * calls,
    )


@contextlib.contextmanager
def _out(path: Path | None) -> Iterator[TextIO | None]:
    """A file beside ``path`` that takes its name once all is written; told before money is spent.

    Raises:
        UnusableError: Nothing can be written there.
    """
    if path is None:
        yield None
        return
    staged = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        if path.is_dir():
            raise UnusableError(f"--out {path} is a folder; name a file")
        handle = staged.open("w", encoding="utf-8")
    except OSError as error:
        raise of_file_system(error, remedy="choose another --out") from error
    try:
        with handle:
            yield handle
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _say_judge(chosen: Chosen, seat: Seat, unset: Sequence[str]) -> None:
    if chosen.stands_in_for:
        say(
            f"{' and '.join(unset)} not set: no model judges {chosen.stands_in_for}; the embedded "
            f"scorer {chosen.spec.metric} stands in, which measures likeness and not truth. Its "
            "scores are no judge's and no text leaves this machine",
            warn=True,
        )
    elif chosen.local:
        say(f"{chosen.spec.metric} is computed here; no text leaves this machine")
    if seat.logprobs and chosen.spec.kind != "rubric":
        say(f"--logprobs weighs rubrics alone; {chosen.spec.metric} is none", warn=True)


def _say_quote(
    quote: judging.Quote, chosen: Chosen, seat: Seat, caps: judging.Caps, *, in_batches: bool
) -> None:
    if not quote.items:
        return
    host = urlsplit(seat.endpoint.base_url).netloc.rpartition("@")[2]
    fields = ", ".join(chosen.spec.sees)
    way = " in batches" if in_batches else ""
    say(f"sending {fields} of {quote.items:,} samples to {seat.endpoint.model} at {host}{way}")
    say(f"quote: {quote}; {cap_told(quote, caps)}")


def cap_told(quote: judging.Quote, caps: judging.Caps) -> str:
    """What keeps the run from costing more than it may."""
    if quote.usd is None:
        return "no cap on calls to this machine" if caps.calls_per_run == sys.maxsize else (
            f"at most {caps.calls_per_run:,} calls a run (LLMOPS_JUDGE_MAX_CALLS_PER_RUN)"
        )  # fmt: skip
    run, day = judging.in_dollars(caps.usd_per_run), judging.in_dollars(caps.usd_per_day)
    return f"capped at {run} a run and {day} a day"


def _say_finding(finding: Finding, asked: bool) -> None:
    if asked and not finding.problem:
        on = "; going on all the same, and no bound can rest on it" if finding.doubt else ""
        say(f"preflight: {finding}{on}", warn=bool(finding.doubt))

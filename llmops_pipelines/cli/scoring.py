"""``llmops score``: one file of samples in front of one judge."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import typer
from rich.console import Console

from llmops_pipelines import judging, pricing
from llmops_pipelines.adapters.scoring import REJECTED, SampleFile, SampleFileError
from llmops_pipelines.cli import telling
from llmops_pipelines.cli.filing import File
from llmops_pipelines.cli.folder import prepare_files
from llmops_pipelines.cli.night import FAILED, INTERRUPTED, OK
from llmops_pipelines.cli.problems import UNUSABLE, UnusableError, of_file_system
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.judging.bounds import Bound, Judgement, judged, score_interval
from llmops_pipelines.judging.preflight import Finding
from llmops_pipelines.judging.samples import meant
from llmops_pipelines.orchestration.endpoints import Bench, Seat, benches, read_judges
from llmops_pipelines.orchestration.judging import desk_of, price_of
from llmops_pipelines.orchestration.lake import LakeError
from llmops_pipelines.orchestration.reference_files import check_reference
from llmops_pipelines.orchestration.resources import JUDGE
from llmops_pipelines.orchestration.scoring import (
    Chosen,
    NoSuchRubricError,
    PreflightError,
    Scoring,
    Telling,
    choose,
    score_file,
)
from llmops_pipelines.reference import Features, ReferenceFileError

BELOW, CANNOT_TELL = 3, 4
"""Exit codes: a bound is broken; the scores cannot tell whether one holds."""

_QUIET_S = 2.0
"""Whoever waits no longer than this sees no progress."""

_SHOWN = 3
"""Rejected lines, repeated ids and reasons that are told one by one."""

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
    them again. 2: nothing could be done. 3: a bound is broken. 4: none is broken, but the scores
    cannot tell whether one holds.

    Raises:
        UnusableError: Nothing was asked, and why.
    """
    started = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            told = _score(settings, order)
    except UnusableError as error:
        if as_json:
            typer.echo(json.dumps({"exit_code": UNUSABLE, "error": str(error)}, indent=2))
        raise
    except KeyboardInterrupt:
        typer.echo("stopped; verdicts so far are kept, and the next run goes on from there",
                   err=True)  # fmt: skip
        return INTERRUPTED
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        for line in _sentences(told, time.monotonic() - started):
            typer.echo(line)
    return int(told["exit_code"])


def _score(settings: Settings, order: Order) -> dict[str, Any]:
    """Everything there is to tell about the file once it is judged."""
    file = _file(order)
    prepare_files(settings)
    resources = resources_of(settings)
    try:
        check_reference(Path(settings.reference_root))
    except ReferenceFileError as error:
        raise UnusableError(f"the reference files cannot be used:\n{error}") from error
    reference = resources.reference
    seat, unset = _seat(order, benches(resources.judge, read_judges(reference)))
    try:
        chosen = choose(
            order.rubric,
            reference.read("rubrics.yaml", judging.Rubrics),
            model=seat.endpoint.model,
            logprobs=seat.logprobs,
            offline=bool(unset),
        )
    except NoSuchRubricError as error:
        raise UnusableError(str(error)) from error
    _refuse_bounds(order.bounds, chosen)
    _say_judge(chosen, seat, unset)
    features = reference.read("features.yaml", Features)
    overrides = reference.read("prices.yaml", pricing.PriceOverrides)
    clock = resources.clock

    def book() -> judging.Price:
        return price_of(pricing.price_book(overrides), clock.now())

    with _out(order.out) as out, _Progress(chosen.spec.metric) as progress:

        def before(quote: judging.Quote) -> None:
            progress.total = quote.items
            _say_quote(quote, chosen, seat, settings, order)

        try:
            scoring = score_file(
                file, chosen, seat, resources.lake.open(), features,
                book=book, caps=_caps(settings, order, seat), desk=desk_of(resources.judge),
                now=clock.now,
                telling=Telling(before, _say_finding, progress.done),
                preflight_days=settings.judge_preflight_days if order.preflight else 0,
                canaries=order.canaries,
            )  # fmt: skip
        except PreflightError as error:
            raise UnusableError(
                f"preflight: {error}\nnothing of {order.file} was sent; mend that, or go without "
                "it: --no-preflight"
            ) from error
        except LakeError as error:
            raise UnusableError(str(error)) from error
        except OSError as error:
            raise of_file_system(error, remedy="mend that, then run again") from error
        with scoring.spool:
            if out:
                _write(scoring, out)
            return _told(scoring, order, seat)


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


def _seat(order: Order, known: dict[str, Bench]) -> tuple[Seat, tuple[str, ...]]:
    """Where to ask, with what the command line says on top; and the variables that are not set."""
    bench = known.get(order.endpoint)
    if bench is None or (order.endpoint != JUDGE and len(bench.seats) != 1 and not order.model):
        single = [name for name, one in known.items() if len(one.seats) == 1]
        raise UnusableError(
            f"--judge {order.endpoint}: "
            + ("it has several models; choose one with --model" if bench else
               f"there is no such judge; known: {', '.join(single)}")
        )  # fmt: skip
    seat = bench.seats[0]
    model = order.model or seat.endpoint.model
    missing = tuple(name for name in bench.missing if not (name == "JUDGE_MODEL" and model))
    if missing and order.endpoint != JUDGE:
        raise UnusableError(f"--judge {order.endpoint} needs {' and '.join(missing)} to be set")
    limits = seat.limits
    if order.concurrency:
        limits = replace(limits, concurrency=order.concurrency)
    return (
        Seat(
            replace(seat.endpoint, model=model),
            seat.logprobs or order.logprobs,
            limits,
            replace(seat.pace, in_flight=limits.concurrency),
        ),
        missing,
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


def _caps(settings: Settings, order: Order, seat: Seat) -> judging.Caps:
    """The caps of the settings; a judge on this machine that has no price may be asked freely."""
    own = urlsplit(seat.endpoint.base_url).hostname in _LOOPBACK
    calls = sys.maxsize if own else settings.judge_max_calls_per_run
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


def _write(scoring: Scoring, out: TextIO) -> None:
    """One row per line of the file that is not blank, in its order."""
    spec = scoring.chosen.spec.spec_id
    for row in scoring.spool.rows():
        cost = None if row.cost is None else float(row.cost)
        told = {
            "id": row.id, "outcome": row.outcome, "score": row.score, "reason": row.reason,
            "attempts": row.attempts, "cost_usd": cost, "spec": spec,
        }  # fmt: skip
        out.write(json.dumps(told, ensure_ascii=False) + "\n")


class _Progress(contextlib.ExitStack):
    """Shows how many contents are done, once that takes a while."""

    def __init__(self, metric: str) -> None:
        super().__init__()
        self.total = 0
        self._metric = metric
        self._started = time.monotonic()
        self._show: telling.Show | None = None

    def done(self, count: int) -> None:
        """``count`` contents are done."""
        if self._show is None:
            if time.monotonic() - self._started < _QUIET_S:
                return
            self._show = self.enter_context(telling.progress(Console(stderr=True)))
        self._show(self._metric, count, max(count, self.total))


def _say(text: str, *, warn: bool = False) -> None:
    typer.secho(text, err=True, fg="yellow" if warn else None)


def _say_judge(chosen: Chosen, seat: Seat, unset: Sequence[str]) -> None:
    if chosen.stands_in_for:
        _say(
            f"{' and '.join(unset)} not set: no model judges {chosen.stands_in_for}; the embedded "
            f"scorer {chosen.spec.metric} stands in, which measures likeness and not truth. Its "
            "scores are no judge's and no text leaves this machine",
            warn=True,
        )
    elif chosen.embedded:
        _say(f"{chosen.spec.metric} is computed here; no text leaves this machine")
    elif seat.logprobs and chosen.spec.kind != "rubric":
        _say(f"--logprobs weighs rubrics alone; {chosen.spec.metric} is none", warn=True)


def _say_quote(
    quote: judging.Quote, chosen: Chosen, seat: Seat, settings: Settings, order: Order
) -> None:
    if not quote.items:
        return
    host = urlsplit(seat.endpoint.base_url).netloc.rpartition("@")[2]
    fields = ", ".join(chosen.spec.sees)
    _say(f"sending {fields} of {quote.items:,} samples to {seat.endpoint.model} at {host}")
    _say(f"quote: {quote}; {_cap(quote, settings, order, seat)}")


def _cap(quote: judging.Quote, settings: Settings, order: Order, seat: Seat) -> str:
    caps = _caps(settings, order, seat)
    if quote.usd is None:
        return "no cap on calls to this machine" if caps.calls_per_run == sys.maxsize else (
            f"at most {caps.calls_per_run:,} calls a run (LLMOPS_JUDGE_MAX_CALLS_PER_RUN)"
        )  # fmt: skip
    run, day = judging.in_dollars(caps.usd_per_run), judging.in_dollars(caps.usd_per_day)
    return f"capped at {run} a run and {day} a day"


def _say_finding(finding: Finding, asked: bool) -> None:
    if asked and not (finding.problem or finding.doubt):
        _say(f"preflight: {finding}")


def _told(scoring: Scoring, order: Order, seat: Seat) -> dict[str, Any]:
    """The one object of ``--json``."""
    spool, spec = scoring.spool, scoring.chosen.spec
    outcomes = spool.outcomes()
    scores = spool.scores()
    silent = outcomes.get("not_applicable", 0)
    unscored = sum(outcomes.values()) - len(scores) - silent
    repeated, examples = spool.repeated_ids(_SHOWN)
    bounds = [_judged(bound, scoring.chosen, scores, unscored) for bound in order.bounds]
    held = {judgement.held for judgement in bounds}
    read = scoring.lines - scoring.blank
    failures = sum(outcomes.get(name, 0) for name in ("failed",))
    code = OK
    if not read or outcomes.get(REJECTED, 0) == read:
        code = UNUSABLE
    elif "broken" in held:
        code = BELOW
    elif "cannot_tell" in held:
        code = CANNOT_TELL
    elif failures and not bounds:
        code = FAILED
    found = score_interval(scores)
    return {
        "file": str(order.file),
        "metric": spec.metric,
        "spec": spec.spec_id,
        "model": spec.model,
        "stands_in_for": scoring.chosen.stands_in_for,
        "endpoint": None if scoring.chosen.embedded else urlsplit(seat.endpoint.base_url).netloc,
        "lines": scoring.lines,
        "blank_lines": scoring.blank,
        "outcomes": outcomes,
        "score": {
            "estimate": found.estimate, "low": found.low, "high": found.high, "n": found.n,
            "unscored": unscored, "not_applicable": silent,
        },
        "calls": scoring.calls,
        "calls_saved": spool.saved_calls(),
        "faults": scoring.faults,
        "cost_usd": _float(scoring.cost),
        "preflight": _preflight(scoring),
        "canaries": [
            {
                "state": c.state, "expects": c.expects, "detail": c.detail, "calls": c.calls,
                "cost_usd": _float(c.cost),
            }
            for c in scoring.canaries
        ],
        "rejected": [
            {"line": line, "id": name, "reason": reason}
            for line, name, reason in spool.reasons(REJECTED, _SHOWN)
        ],
        "without_verdict": [
            {"outcome": outcome, "line": line, "id": name, "reason": reason}
            for outcome in ("failed", "over_budget", "over_policy", "unreadable", "refused")
            for line, name, reason in spool.reasons(outcome, 1)
        ],
        "repeated_ids": repeated,
        "repeated": [{"id": name, "first_line": line, "lines": n} for name, line, n in examples],
        "unread_fields": {**scoring.unread},
        "bounds": [
            {"bound": str(j.bound), "held": j.held, "low": j.low, "high": j.high, "why": j.why}
            for j in bounds
        ],
        "out": str(order.out) if order.out else None,
        "exit_code": code,
        "error": _why_useless(order, read, spool) if code == UNUSABLE else None,
    }  # fmt: skip


def _judged(bound: Bound, chosen: Chosen, scores: Sequence[float], unscored: int) -> Judgement:
    if chosen.stands_in_for == bound.metric:
        why = f"{bound.metric} was not measured: {chosen.spec.metric} stood in for it"
        return Judgement(bound, "cannot_tell", None, None, why)
    return judged(bound, scores, unscored)


def _preflight(scoring: Scoring) -> dict[str, Any] | None:
    finding = scoring.finding
    if finding is None:
        return None
    return {
        "calls": scoring.preflight_calls,
        "cost_usd": _float(scoring.preflight_cost),
        "checked_at": finding.checked_at.isoformat(),
        "response_format": finding.response_format,
        "model_served": finding.model_served,
        "right": finding.right,
    }


def _float(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)


def _why_useless(order: Order, read: int, spool: Any) -> str:
    if not read:
        return f"{order.file}: no samples in it; write one JSON object a line"
    first = spool.reasons(REJECTED, 1)[0]
    return f"{order.file}: no line is a sample; line {first[0]} {first[2]}"


def _sentences(told: dict[str, Any], seconds: float) -> Iterator[str]:
    """The same for people."""
    if told["error"]:
        _say(told["error"])
        return
    outcomes = ", ".join(f"{count:,} {name}" for name, count in told["outcomes"].items())
    yield f"{told['lines'] - told['blank_lines']:,} samples: {outcomes}"
    score = told["score"]
    if score["n"]:
        spread = (
            ""
            if score["low"] is None
            else f", 95 % interval {score['low']:.4g} to {score['high']:.4g}"
        )
        yield (
            f"{told['metric']} {score['estimate']:.4g}{spread}, n = {score['n']:,}, "
            f"{score['unscored']:,} without a score, {score['not_applicable']:,} not applicable"
        )
    yield (
        f"{told['calls']:,} calls made, {told['calls_saved']:,} saved by the ledger, "
        f"{_dollars(told['cost_usd'])}, {seconds:.1f} s{_apart(told)}"
    )
    yield from _warnings(told)
    for bound in told["bounds"]:
        word = {"holds": "holds", "broken": "BROKEN", "cannot_tell": "cannot tell"}[bound["held"]]
        yield f"{bound['bound']}: {word}; {bound['why']}"
    if told["out"]:
        yield f"rows in {told['out']}"


def _apart(told: dict[str, Any]) -> str:
    """What was paid besides the file's own verdicts."""
    parts = {
        "preflight": [told["preflight"]] if told["preflight"] else [],
        "canaries": told["canaries"],
    }
    return "".join(
        f"; {name} apart: {calls} calls, {_dollars(_sum(part['cost_usd'] for part in bought))}"
        for name, bought in parts.items()
        if (calls := sum(part["calls"] for part in bought))
    )


def _sum(dollars: Iterable[float | None]) -> float | None:
    """Null as soon as one of them is."""
    known = list(dollars)
    return None if None in known else sum(cost for cost in known if cost is not None)


def _warnings(told: dict[str, Any]) -> Iterator[str]:
    for row in told["rejected"]:
        yield f"rejected: line {row['line']:,} ({row['id']}): {row['reason']}"
    for row in told["without_verdict"]:
        yield f"{row['outcome']}, first on line {row['line']:,} ({row['id']}): {row['reason']}"
    for canary in told["canaries"]:
        if canary["state"] != "held":
            yield (
                f"a canary of {told['metric']} was {canary['state']}: {canary['detail']}; look "
                "at these verdicts before you trust them"
            )
    if told["repeated_ids"]:
        first = told["repeated"][0]
        yield (
            f"{told['repeated_ids']:,} id(s) stand on several lines, such as {first['id']} from "
            f"line {first['first_line']:,}; every line has its own row"
        )
    for field, found in meant(told["unread_fields"]).items():
        yield f"nothing reads the field {found!r}; {field} may be meant"


def _dollars(cost: float | None) -> str:
    return "cost unknown (the judge has no price)" if cost is None else f"${cost:.4f}"

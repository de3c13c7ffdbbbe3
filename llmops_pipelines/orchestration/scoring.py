"""One file, one judge: what is known of it, what it would cost, and having it done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.judge_desk import Desk
from llmops_pipelines.adapters.judging_day import judge_of
from llmops_pipelines.adapters.named_judges import spec_named
from llmops_pipelines.adapters.scoring import (
    Done,
    SampleFile,
    ask_about,
    estimates,
    score_embedded,
    take_in,
    unjudged_items,
)
from llmops_pipelines.adapters.spool import Spool, verdicts_in
from llmops_pipelines.judging.embedded import RELEVANCE, SUPPORT
from llmops_pipelines.judging.preflight import Finding
from llmops_pipelines.judging.samples import Sample
from llmops_pipelines.orchestration.endpoints import Seat
from llmops_pipelines.orchestration.judging import gate_of, purse_of
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.preflights import checked
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER, JUDGE_SPECS


@dataclass(frozen=True)
class Chosen:
    """The judge that was asked for; ``stands_in_for`` names the metric it is a stopgap of."""

    spec: judging.JudgeSpec
    stands_in_for: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether it works on this machine."""
        return self.spec.kind == "embedded"


class NoSuchRubricError(ValueError):
    """Nothing is called that, or nothing can stand in for it. The message says what there is."""


def choose(
    name: str, rubrics: judging.Rubrics, *, model: str, logprobs: bool, offline: bool
) -> Chosen:
    """The spec of the judge called ``name``: a rubric, a guest metric, or an embedded scorer.

    Args:
        name: As rubrics.yaml, the guests or the embedded scorers spell it; rubrics.yaml goes first.
        rubrics: ``rubrics.yaml``.
        model: Model to request.
        logprobs: Whether a rubric's scores are weighed by token probabilities.
        offline: No endpoint is configured: an embedded scorer stands in where one can.

    Raises:
        NoSuchRubricError: The name is unknown, or needs an endpoint that is not there.
    """
    embedded = {s.metric: s for s in judging.embedded_specs(weights=minilm.weights())}
    if name not in rubrics.rubrics and name in embedded:
        return Chosen(embedded[name])
    try:
        spec = spec_named(name, model=model or "none", rubrics=rubrics)
    except (ValueError, ModuleNotFoundError) as error:
        raise NoSuchRubricError(f"--rubric {name}: {error}; here are {', '.join(embedded)}") from (
            error
        )
    if logprobs and spec.rubric is not None:
        spec = judging.rubric_spec(name, spec.rubric, model=spec.model, logprobs=True)
    if not offline:
        return Chosen(spec)
    stopgap = _stopgap(spec)
    if stopgap is None:
        raise NoSuchRubricError(
            f"--rubric {name} needs a judge model: set JUDGE_BASE_URL (root of an "
            "OpenAI-compatible endpoint, ending in /v1), JUDGE_MODEL and, if it wants one, "
            f"JUDGE_API_KEY; without them there is {' and '.join(embedded)}"
        )
    return Chosen(embedded[stopgap], stands_in_for=name)


def _stopgap(spec: judging.JudgeSpec) -> str | None:
    """The embedded scorer that looks at the same question, if one does."""
    if spec.metric in ("groundedness", "faithfulness"):
        return SUPPORT
    return RELEVANCE if spec.metric == "answer_relevancy" else None


@dataclass
class Scoring:
    """What judging a file came to; the lines themselves are in ``spool``."""

    spool: Spool
    chosen: Chosen
    lines: int = 0
    blank: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    quote: judging.Quote | None = None
    finding: Finding | None = None
    preflight_calls: int = 0
    preflight_cost: Decimal | None = Decimal(0)
    canaries: tuple[judging.CanaryResult, ...] = ()
    calls: int = 0
    faults: int = 0
    cost: Decimal | None = Decimal(0)


class PreflightError(RuntimeError):
    """The endpoint cannot be asked, or its verdicts tell nothing. The message says what it did."""


@dataclass(frozen=True)
class Telling:
    """Who is told what while a file is judged."""

    before: Callable[[judging.Quote], None]
    checked: Callable[[Finding, bool], None]
    done: Done


def score_file(
    file: SampleFile,
    chosen: Chosen,
    seat: Seat,
    lake: Lake,
    features: Features,
    *,
    book: Callable[[], judging.Price],
    caps: judging.Caps,
    desk: Desk | None,
    now: Callable[[], datetime],
    telling: Telling,
    preflight_days: float,
    canaries: bool = True,
) -> Scoring:
    """Judge every line of ``file``, paying only for what the ledger does not hold.

    A file is sent because its owner says so, but a line that names a feature of features.yaml goes
    only where that feature's texts may go.

    Args:
        file: Samples.
        chosen: The judge.
        seat: Where it is asked; unused by embedded scorers.
        lake: Holds the ledger.
        features: ``features.yaml``.
        book: Gives the prices, once they are needed.
        caps: Most that may be spent.
        desk: Where caps and pace are shared with other processes, if they are.
        now: The UTC time, without a zone.
        telling: Who is told.
        preflight_days: How long findings about the endpoint hold; 0: none are looked for.
        canaries: Whether the judge's canaries are asked first.

    Raises:
        PreflightError: Nothing was asked about the file.
        LakeError: The ledger is damaged or of a newer release.
    """
    scoring = Scoring(Spool(), chosen)
    spec, spool = chosen.spec, scoring.spool
    forbids = _nothing if chosen.embedded else _policy(features, seat.endpoint.name)
    intake = take_in(file, spec, spool, forbids)
    scoring.lines, scoring.blank, scoring.unread = intake.lines, intake.blank, intake.unread
    if chosen.embedded:
        score_embedded(file, spec, spool, now(), telling.done)
        return scoring
    _recall(lake, spec, spool)
    if not spool.count("unjudged"):
        return scoring
    judge, run_id = judge_of(spec), uuid4().hex
    price = book()
    scoring.quote = _quote(file, judge, spool, price, canaries=canaries)
    telling.before(scoring.quote)
    keep = _Keeper(lake, now)
    purse = purse_of(lake, desk, caps, now(), run_id)
    specs = judging.judge_specs([spec])
    lake.append(JUDGE_SPECS, specs, name=spec.spec_id)
    if scoring.quote.calls and preflight_days:
        seat = _preflight(scoring, seat, lake, purse, price, keep, now, run_id, telling,
                          preflight_days)  # fmt: skip
    tally, scoring.canaries = ask_about(
        file,
        judge,
        spool,
        seat.endpoint,
        purse,
        keep,
        price=price,
        limits=seat.limits,
        gate=gate_of(seat, desk),
        now=now,
        run_id=run_id,
        done=telling.done,
        canaries=canaries and bool(scoring.quote.calls),
        halves=judging.halves_of(lake.scan(JUDGE_LEDGER), [judge.spec]),
    )
    scoring.calls, scoring.faults = tally.calls, tally.faults
    scoring.cost = tally.cost if tally.calls else Decimal(0)
    return scoring


def _quote(
    file: SampleFile, judge: judging.Judge, spool: Spool, price: judging.Price, *, canaries: bool
) -> judging.Quote:
    """What the file's unjudged contents would cost, and the canaries before them."""
    tried = judging.canary_estimates(judge) if canaries else []

    def each() -> Iterator[judging.Estimate]:
        found = estimates(unjudged_items(file, judge.spec, spool), judge)
        for number, estimate in enumerate(found):
            if number == 0:
                yield from tried
            yield estimate

    quoted = judging.quote(
        each(),
        metric=judge.spec.metric,
        spec_id=judge.spec.spec_id,
        model=judge.spec.model,
        already_paid=spool.count("known"),
        price=price,
    )
    # Canaries are paid for like items, and are none.
    return replace(quoted, items=quoted.items - len(tried)) if quoted.items else quoted


@dataclass(frozen=True)
class _Keeper:
    """Appends to the ledger, under the day on which it is done."""

    lake: Lake
    now: Callable[[], datetime]

    def __call__(self, verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        part, day = uuid4().hex, self.now().date()
        self.lake.append(JUDGE_CALLS, attempts, name=part, day=day)
        if not verdicts.is_empty():
            self.lake.append(JUDGE_LEDGER, verdicts, name=part, day=day)


def _preflight(
    scoring: Scoring,
    seat: Seat,
    lake: Lake,
    purse: judging.Purse,
    price: judging.Price,
    append: judging.OnResults,
    now: Callable[[], datetime],
    run_id: str,
    telling: Telling,
    days: float,
) -> Seat:
    """The seat as its endpoint wants to be asked."""
    finding, asked = checked(
        lake,
        seat.endpoint,
        purse=purse,
        price=price,
        append=append,
        now=now,
        run_id=run_id,
        logprobs=scoring.chosen.spec.weighs,
        days=days,
    )
    scoring.finding = finding
    if asked:
        scoring.preflight_calls, scoring.preflight_cost = finding.calls, finding.cost
    telling.checked(finding, asked)
    if fault := finding.problem or finding.doubt:
        raise PreflightError(fault)
    return seat._replace(
        endpoint=replace(seat.endpoint, response_format=finding.response_format or "json_schema")
    )


def _recall(lake: Lake, spec: judging.JudgeSpec, spool: Spool) -> None:
    """Put the ledger's verdicts on the file's contents into the spool; the earliest count."""
    wanted = pl.LazyFrame({"item_digest": pl.Series(list(spool.digests()), dtype=pl.String)})
    known = (
        lake.scan(JUDGE_LEDGER)
        .filter(pl.col("spec_id") == spec.spec_id, pl.col("repetition") == 0)
        .select("item_digest", "outcome", "score", "reason", "attempts", "cost", "scored_at")
        .join(wanted, on="item_digest", how="semi")
        .sort("item_digest", "scored_at")
        .collect()
    )
    spool.add_verdicts(verdicts_in(known.iter_rows(named=True)), bought=False)


def _nothing(_sample: Sample) -> None:
    return None


def _policy(features: Features, endpoint: str) -> Callable[[Sample], str | None]:
    def forbids(sample: Sample) -> str | None:
        feature = features.features.get(sample.feature or "")
        if feature is None or feature.judging == endpoint:
            return None
        return (
            f"features.yaml says `judging: {feature.judging}` for {sample.feature}: its texts may "
            f"not go to {endpoint!r}"
        )

    return forbids

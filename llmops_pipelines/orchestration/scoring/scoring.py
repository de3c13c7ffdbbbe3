"""One file, one judge: what is known of it, what it would cost, and having it done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging, pricing
from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.cross_encoder import EntailmentModel, open_entailment_model
from llmops_pipelines.adapters.endpoints.batch_collecting import Progress
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.endpoints.judge_desk import Desk
from llmops_pipelines.adapters.judging_plans import judge_of
from llmops_pipelines.adapters.named_judges import spec_named
from llmops_pipelines.adapters.scoring import (
    Done,
    SampleFile,
    ask_about,
    estimates,
    score_by_entailment,
    score_embedded,
    take_in,
    unjudged_items,
)
from llmops_pipelines.adapters.spool import Spool
from llmops_pipelines.judging.embedded import RELEVANCE, SUPPORT
from llmops_pipelines.judging.entailment import LEAST, MEAN
from llmops_pipelines.judging.execution.preflight import Finding
from llmops_pipelines.judging.ledger import attempt_frame, cost_of
from llmops_pipelines.judging.samples import Sample
from llmops_pipelines.orchestration.judging.endpoints import Seat
from llmops_pipelines.orchestration.judging.preflights import checked
from llmops_pipelines.orchestration.judging.purses import gate_of, purse_of
from llmops_pipelines.orchestration.scoring.scoring_batches import (
    BatchTerms,
    FileBatches,
    canary_results,
    dollars,
    known_of,
    recall,
    refuse_what_asks_more,
    wait_for,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER, JUDGE_SPECS


@dataclass(frozen=True)
class Chosen:
    """The judge that was asked for; ``stands_in_for`` names the metric it is a stopgap of."""

    spec: judging.JudgeSpec
    stands_in_for: str | None = None
    entailment: EntailmentModel | None = None
    """The model of one's own that it is."""

    @property
    def local(self) -> bool:
        """Whether it works on this machine."""
        return self.spec.kind in ("embedded", "entailment")


class NoSuchRubricError(ValueError):
    """Nothing is called that, or nothing can stand in for it. The message says what there is."""


def choose(
    name: str,
    rubrics: judging.Rubrics,
    *,
    model: str,
    logprobs: bool,
    offline: bool,
    entailment_model: str,
) -> Chosen:
    """The spec of the judge called ``name``: a rubric, a guest metric, or an embedded scorer.

    Args:
        name: As rubrics.yaml, the guests or the embedded scorers spell it; rubrics.yaml goes first.
        rubrics: ``rubrics.yaml``.
        model: Model to request.
        logprobs: Whether a rubric's scores are weighed by token probabilities.
        offline: No endpoint is configured: an embedded scorer stands in where one can.
        entailment_model: Folder or name of an entailment model of one's own; empty for none.

    Raises:
        NoSuchRubricError: The name is unknown, or needs an endpoint or a model that is not there.
        EntailmentModelError: The entailment model cannot be used.
    """
    if name not in rubrics.rubrics and name in (MEAN, LEAST):
        return _entailment(name, entailment_model)
    embedded = {s.metric: s for s in judging.embedded_specs(weights=minilm.weights())}
    if name not in rubrics.rubrics and name in embedded:
        return Chosen(embedded[name])
    try:
        spec = spec_named(name, model=model or "none", rubrics=rubrics)
    except (ValueError, ModuleNotFoundError) as error:
        here = ", ".join([*embedded, MEAN, LEAST])
        raise NoSuchRubricError(f"--rubric {name}: {error}; here are {here}") from error
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


def _entailment(name: str, model: str) -> Chosen:
    """The entailment model of the settings as the judge of ``name``."""
    if not model:
        raise NoSuchRubricError(
            f"--rubric {name} needs an entailment model of your own: set LLMOPS_ENTAILMENT_MODEL "
            "to a folder, or to a name in the Hugging Face cache"
        )
    opened = open_entailment_model(model)
    specs = judging.entailment_specs(model=opened.name, weights=opened.weights)
    return Chosen(next(spec for spec in specs if spec.metric == name), entailment=opened)


def _stopgap(spec: judging.JudgeSpec) -> str | None:
    """The embedded scorer that looks at the same question, if one does."""
    if spec.metric in ("groundedness", "faithfulness"):
        return SUPPORT
    return RELEVANCE if spec.metric == "answer_relevancy" else None


@dataclass
class Scoring:
    """What one judge's work on a file came to; the lines themselves are in ``spool``."""

    spool: Spool
    chosen: Chosen
    seat: Seat
    lines: int = 0
    blank: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    quote: judging.Quote | None = None
    finding: Finding | None = None
    preflighted: bool = False
    """Whether the endpoint was asked for ``finding`` now."""
    canaries: tuple[judging.CanaryResult, ...] = ()
    calls: int = 0
    faults: int = 0
    uncosted: int = 0
    """Calls that may have been billed, at an unknown cost; they are not in ``cost``."""
    cost: Decimal | None = Decimal(0)
    batches: FileBatches | None = None
    members: tuple[Scoring, ...] = ()
    """Of a jury: what each of its seats came to."""

    @property
    def calls_saved(self) -> int:
        """Calls that the verdicts known before took when they were bought."""
        return sum(m.calls_saved for m in self.members) or self.spool.saved_calls()

    @property
    def doubt(self) -> str | None:
        """Why the preflight doubts that the verdicts tell anything, of any seat; None if not."""
        known = (each.finding for each in (self, *self.members) if each.finding)
        return next((finding.doubt for finding in known if finding.doubt), None)

    @property
    def progress(self) -> list[Progress]:
        """How the batches stand, of all seats."""
        own = self.batches.standing.values() if self.batches else ()
        return [*own, *(one for member in self.members for one in member.progress)]

    def close(self) -> None:
        """Let go of the temporary files."""
        for scoring in (self, *self.members):
            scoring.spool.close()


class PreflightError(RuntimeError):
    """The endpoint cannot be asked. The message says what it did."""


@dataclass(frozen=True)
class Telling:
    """Who is told what while a file is judged."""

    before: Callable[[judging.Quote, Seat], None]
    checked: Callable[[Finding, bool], None]
    done: Done
    waiting: Callable[[list[Progress]], None]


@dataclass(frozen=True)
class Terms:
    """How a file is judged.

    Args:
        features: ``features.yaml``: a line that names a feature goes only where its texts may go.
        price: Gives the prices of a tier, once they are needed.
        caps: Most that may be spent, by all seats of a jury together.
        desk: Where caps and pace are shared with other processes, if they are.
        now: The UTC time, without a zone.
        preflight_days: How long findings about the endpoint hold; 0: none are looked for.
        canaries: Whether the rubric's canary is asked too.
        batch: Whether samples are submitted in batches.
        endpoints: Where batches may wait, by root.
    """

    features: Features
    price: Callable[[pricing.Service], judging.Price]
    caps: judging.Caps
    desk: Desk | None
    now: Callable[[], datetime]
    preflight_days: float
    canaries: bool
    batch: bool
    endpoints: Mapping[str, Endpoint]


def score_file(
    file: SampleFile,
    bench: Sequence[tuple[Chosen, Seat]],
    lake: Lake,
    terms: Terms,
    telling: Telling,
    turn: AbstractContextManager[None] | None = None,
) -> list[Scoring]:
    """Have every seat judge every line of ``file``, paying only for what the ledger does not hold.

    A file is sent because its owner says so, but a line that names a feature of features.yaml goes
    only where that feature's texts may go. What waits in a batch is not asked about again: it is
    ``pending``, unless the run is one in batches, which waits for it.

    Args:
        file: Samples.
        bench: The judges, each with where it is asked; a seat is unused by embedded scorers.
        lake: Holds the ledger.
        terms: Caps, policy and the like.
        telling: Who is told.
        turn: Held from the first look at the ledger until all is asked or submitted. Nobody holds
            it while batches are waited for: what is in one, the next process finds there.

    Raises:
        PreflightError: Nothing was asked about the file.
        NoBatchesError: The judge or the endpoint takes no batches.
        EntailmentModelError: The entailment model cannot be used.
        LakeError: The ledger is damaged or of a newer release.
    """
    for chosen, seat in bench if terms.batch else ():
        refuse_what_asks_more(chosen.spec, seat.batch_api)
    run = _Run(file, lake, terms, telling)
    with turn or nullcontext():
        scorings = [run.take_in(chosen, seat) for chosen, seat in bench]
        asking = [scoring for scoring in scorings if scoring.spool.count("unjudged")]
        # A seat that cannot be asked is known before any other is paid.
        for scoring in asking:
            run.prepare(scoring)
        for scoring in asking:
            run.ask(scoring)
    waiting = [scoring.batches for scoring in scorings if scoring.batches]
    if terms.batch:
        wait_for(waiting, telling.waiting)
    for scoring in scorings:
        _count_batches(scoring)
    return scorings


@dataclass
class _Run:
    """One file, and the money and the pace that its judges share."""

    file: SampleFile
    lake: Lake
    terms: Terms
    telling: Telling
    run_id: str = field(default_factory=lambda: uuid4().hex)

    @cached_property
    def purse(self) -> judging.Purse:
        terms = self.terms
        return purse_of(self.lake, terms.desk, terms.caps, terms.now(), self.run_id)

    @cached_property
    def price(self) -> judging.Price:
        return self.terms.price(pricing.STANDARD)

    def take_in(self, chosen: Chosen, seat: Seat) -> Scoring:
        """What is in the file, and what the ledger knows of it."""
        scoring = Scoring(Spool(), chosen, seat)
        spool, terms = scoring.spool, self.terms
        forbids = _nothing if chosen.local else policy_of(terms.features, seat.endpoint.name)
        intake = take_in(self.file, chosen.spec, spool, forbids)
        scoring.lines, scoring.blank, scoring.unread = intake.lines, intake.blank, intake.unread
        if chosen.spec.kind != "embedded":
            recall(self.lake, chosen.spec, spool)
        if spool.count("unjudged") and not chosen.local:
            scoring.batches = self._open_batches(scoring)
        return scoring

    def _score_here(self, scoring: Scoring) -> None:
        chosen, spool, done = scoring.chosen, scoring.spool, self.telling.done
        if chosen.entailment is None:
            score_embedded(self.file, chosen.spec, spool, self.terms.now(), done)
            return
        specs = judging.entailment_specs(
            model=chosen.entailment.name, weights=chosen.entailment.weights
        )
        self._keep_specs(specs)
        keep = Keeper(self.lake, self.terms.now)
        keys = known_of(self.lake, specs, spool).select(judging.LEDGER_KEY).collect()
        for verdicts in score_by_entailment(
            self.file, chosen.spec, specs, chosen.entailment, spool, keys, self.terms.now
        ):
            keep(verdicts, attempt_frame([]))
            done(spool.count("bought"))

    def _open_batches(self, scoring: Scoring) -> FileBatches:
        """The batches that hold contents of the file already, with what they have collected."""
        terms = BatchTerms(
            scoring.seat.batch_api if self.terms.batch else "",
            self.terms.endpoints,
            self.terms.price("batch"),
            self.price,
        )
        found = FileBatches(self.lake, scoring.chosen.spec, scoring.spool, terms, self.terms.now)
        found.find()
        return found

    def _keep_specs(self, specs: Iterable[judging.JudgeSpec]) -> None:
        for spec in specs:
            self.lake.append(JUDGE_SPECS, judging.judge_specs([spec]), name=spec.spec_id)

    def prepare(self, scoring: Scoring) -> None:
        """Tell what it would cost, and look at the endpoint."""
        if scoring.chosen.local:
            return
        spec, terms = scoring.chosen.spec, self.terms
        batch_price = terms.price("batch") if terms.batch else None
        scoring.quote = _quote(
            self.file,
            judge_of(spec),
            scoring.spool,
            self.price,
            batch_price,
            canaries=terms.canaries,
        )
        self.telling.before(scoring.quote, scoring.seat)
        self._keep_specs([spec])
        if scoring.quote.calls and terms.preflight_days:
            self._preflight(scoring)

    def ask(self, scoring: Scoring) -> None:
        """Have it judged what has no verdict: here, at once, or in batches."""
        if scoring.chosen.local:
            self._score_here(scoring)
            return
        spool, seat, terms = scoring.spool, scoring.seat, self.terms
        judge = judge_of(scoring.chosen.spec)
        canaries = terms.canaries and bool(scoring.quote and scoring.quote.calls)
        if terms.batch and scoring.batches:
            scoring.batches.submit(self.file, judge, seat.endpoint, self.purse, canaries=canaries)
            return
        tally, scoring.canaries = ask_about(
            self.file,
            judge,
            spool,
            seat.endpoint,
            Keeper(self.lake, terms.now),
            self._run(scoring),
            done=self.telling.done,
            canaries=canaries,
        )
        scoring.calls, scoring.faults = tally.calls, tally.faults
        scoring.cost, scoring.uncosted = tally.cost, tally.uncosted

    def _run(self, scoring: Scoring) -> judging.JudgingRun:
        seat, terms = scoring.seat, self.terms
        known = judging.halves_of(self.lake.scan(JUDGE_LEDGER), [scoring.chosen.spec])
        gate = gate_of(seat, terms.desk)
        return judging.JudgingRun(
            self.run_id, self.purse, self.price, terms.now, seat.limits, gate, known
        )

    def _preflight(self, scoring: Scoring) -> None:
        """Have the endpoint asked as it wants to be.

        Raises:
            PreflightError: It cannot judge.
        """
        endpoint, terms = scoring.seat.endpoint, self.terms
        finding, asked = checked(
            self.lake,
            endpoint,
            Keeper(self.lake, terms.now),
            self._run(scoring),
            logprobs=scoring.chosen.spec.weighs,
            days=terms.preflight_days,
        )
        scoring.finding, scoring.preflighted = finding, asked
        self.telling.checked(finding, asked)
        if finding.problem:
            raise PreflightError(finding.problem)
        way = finding.response_format or "json_schema"
        scoring.seat = scoring.seat._replace(endpoint=replace(endpoint, response_format=way))


def _count_batches(scoring: Scoring) -> None:
    """Add what the batches answered: their requests are calls, and paid for."""
    if scoring.batches is None:
        return
    attempts = scoring.batches.attempts()
    items = attempts.filter(pl.col("step") == "verdict")
    scoring.calls += items.height
    scoring.faults += items.filter(pl.col("outcome") != "ok").height
    scoring.uncosted += items["cost"].null_count()
    if items.height:
        scoring.cost = cost_of([scoring.cost, dollars(items)])
    scoring.canaries += canary_results(attempts, scoring.chosen.spec)


def _quote(
    file: SampleFile,
    judge: judging.Judge,
    spool: Spool,
    price: judging.Price,
    batch_price: judging.Price | None,
    *,
    canaries: bool,
) -> judging.Quote:
    """What the file's unjudged contents would cost, and the canaries before them."""
    return judging.quote(
        estimates(unjudged_items(file, judge.spec, spool), judge),
        judge.spec,
        already_paid=spool.count("known"),
        price=price,
        batch_price=batch_price,
        canaries=judging.canary_estimates(judge) if canaries else (),
    )


@dataclass(frozen=True)
class Keeper:
    """Appends to the ledger, under the day on which it is done."""

    lake: Lake
    now: Callable[[], datetime]

    def __call__(self, verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        """Keep rows of ``JUDGE_LEDGER`` and ``JUDGE_CALLS``."""
        part, day = uuid4().hex, self.now().date()
        self.lake.append(JUDGE_CALLS, attempts, name=part, day=day)
        if not verdicts.is_empty():
            self.lake.append(JUDGE_LEDGER, verdicts, name=part, day=day)


def _nothing(_sample: Sample) -> None:
    return None


def policy_of(features: Features, endpoint: str) -> Callable[[Sample], str | None]:
    """Why a line's texts may not go to ``endpoint``: it names a feature that says so."""

    def forbids(sample: Sample) -> str | None:
        feature = features.features.get(sample.feature or "")
        if feature is None or feature.judging == endpoint:
            return None
        return (
            f"features.yaml says `judging: {feature.judging}` for {sample.feature}: its texts may "
            f"not go to {endpoint!r}"
        )

    return forbids

"""Judges a day's sample: embedded scorers, rubrics and RAGAS metrics, through the ledger."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging, pricing
from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.judge_client import Endpoint
from llmops_pipelines.adapters.judge_desk import Desk, SharedGate, SharedPurse, open_desk
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.landing import kept_texts
from llmops_pipelines.orchestration.locks import alone
from llmops_pipelines.orchestration.resources import Clock, Judge, LakeResource, ReferenceFolder
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_SCORES,
    JUDGE_SPECS,
    PRICE_BOOK,
    RAGAS_SCORES,
)

QUOTES = logging.getLogger("llmops.quotes")
"""Quotes go here before money is spent, and what could not be judged after; the command line prints
both."""


def unready(features: Features, judge: Judge) -> list[str]:
    """Why features that ask for the judge will not be judged; nothing if all is set."""
    asking = judging.judged_features(features, judge.name)
    settings = {"JUDGE_BASE_URL": judge.base_url, "JUDGE_MODEL": judge.model}
    missing = [name for name, value in settings.items() if not value]
    if not asking or not missing:
        return []
    return [
        f"features.yaml says `judging: {judge.name}` for {', '.join(asking)}, but "
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: no model judges "
        "them, embedded scorers do. Set JUDGE_BASE_URL (root of an OpenAI-compatible endpoint, "
        "ending in /v1), JUDGE_MODEL and, if it wants one, JUDGE_API_KEY"
    ]


def judge_sample(
    sampled: pl.DataFrame,
    heuristic_scores: pl.DataFrame,
    llm_calls: pl.LazyFrame,
    *,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
) -> pl.DataFrame:
    """What embedded scorers and, where a feature is switched on, the rubrics say of the sample.

    Returns:
        ``JUDGE_SCORES``.
    """
    items = _items(lake.open(), sampled, llm_calls, day)
    specs, verdicts = judging.embedded_verdicts(
        items, heuristic_scores, minilm.embed, weights=minilm.weights(), now=clock.now()
    )
    _keep_specs(lake.open(), specs)
    embedded = judging.verdicts_of(
        items, verdicts, [judging.read_spec(text) for text in specs["spec"]]
    )
    features = reference.read("features.yaml", Features)
    asked = judging.endpoint_specs(
        reference.read("rubrics.yaml", judging.Rubrics),
        features,
        endpoint=judge.name,
        model=judge.model,
    )
    judged = _ask(items, asked, features, lake.open(), judge, clock, day, run_id)
    return JUDGE_SCORES.require(pl.concat([embedded, judged]))


def score_with_ragas(
    sampled: pl.DataFrame,
    llm_calls: pl.LazyFrame,
    *,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
) -> pl.DataFrame:
    """What RAGAS metrics say of the sample, where a feature is switched on.

    Returns:
        ``RAGAS_SCORES``.
    """
    features = reference.read("features.yaml", Features)
    asking = judging.features_by_ragas(features, judge.name)
    if not asking or not judge.model:
        return RAGAS_SCORES.empty()
    from llmops_pipelines.adapters.ragas_metrics import ragas_specs

    items = _items(lake.open(), sampled, llm_calls, day)
    # Features with the same metrics are judged together; most nights that is all of them.
    scores = [
        _ask(
            items.filter(pl.col("feature").is_in(names)),
            ragas_specs(model=judge.model, metrics=metrics),
            features, lake.open(), judge, clock, day, run_id,
        )
        for metrics, names in asking.items()
    ]  # fmt: skip
    return RAGAS_SCORES.require(pl.concat(scores))


def judge_items(
    items: pl.DataFrame,
    specs: Sequence[judging.JudgeSpec],
    features: Features,
    *,
    lake: LakeResource,
    judge: Judge,
    clock: Clock,
    run_id: str,
) -> pl.DataFrame:
    """What ``specs`` say of items that were logged nowhere, paying only for what is missing.

    Ledger, caps and policy are those of logged calls; the day is the one on which it is asked.

    Returns:
        ``JUDGE_SCORES``; items of features that ``features`` does not switch on are left out.
    """
    today = clock.today()
    opened = lake.open()
    return _ask(items, specs, features, opened, judge, clock, today, run_id, one_at_a_time=False)


def spend_of(verdicts: pl.LazyFrame, *, lake: LakeResource, day: date) -> pl.DataFrame:
    """What judging the calls of ``day`` cost, whenever they were judged.

    Returns:
        ``EVALUATION_COSTS``.
    """
    opened = lake.open()
    specs = opened.read(JUDGE_SPECS).unique("spec_id")
    return judging.evaluation_costs(opened.scan(JUDGE_CALLS, [day]), verdicts, specs)


def _items(lake: Lake, sampled: pl.DataFrame, llm_calls: pl.LazyFrame, day: date) -> pl.DataFrame:
    wanted = llm_calls.join(sampled.lazy().select("call_id"), on="call_id", how="semi")
    return judging.items(sampled, kept_texts(lake, day, wanted))


def _ask(
    items: pl.DataFrame,
    specs: Sequence[judging.JudgeSpec],
    features: Features,
    lake: Lake,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
    *,
    one_at_a_time: bool = True,
) -> pl.DataFrame:
    """Verdicts of ``specs`` on the items of switched-on features, paying for what is missing."""
    too_old = day < clock.today() - timedelta(days=judge.judge_within_days)
    switched_on = judging.judged_features(features, judge.name)
    items = items.filter(pl.col("feature").is_in(switched_on))
    if not specs or items.is_empty():
        return JUDGE_SCORES.empty()
    _keep_specs(lake, judging.judge_specs(specs))
    endpoint = Endpoint(judge.base_url, judge.model, judge.api_key, judge.name)
    if too_old:
        # History is judged for money only when asked; what is paid for already is still shown.
        endpoint = replace(endpoint, base_url="")
    waits = one_at_a_time and endpoint.configured and desk_of(judge) is not None
    with _alone_with(day, specs[0].kind, Path(judge.state)) if waits else nullcontext():
        unfinished = _spend(items, specs, features, lake, judge, endpoint, clock, day, run_id)
    paid = judging.verdicts_of(items, lake.scan(JUDGE_LEDGER).drop("day"), specs)
    return pl.concat([paid, judging.verdicts_of(items, unfinished, specs)])


def _alone_with(day: date, kind: str, state: Path) -> AbstractContextManager[None]:
    """One process at a time judges a day, so that the next one finds paid what it would pay again.

    Processes that share no disk are not held up; what they pay twice is counted.
    """
    return alone(
        state / f"{kind}-{day.toordinal() % _LOCKS}.lock",
        lambda: QUOTES.info("another process is judging %s; waiting for it", day),
    )


_LOCKS = 512
"""Days this far apart share a lock file, so that there are not ever more of them."""


def _spend(
    items: pl.DataFrame,
    specs: Sequence[judging.JudgeSpec],
    features: Features,
    lake: Lake,
    judge: Judge,
    endpoint: Endpoint,
    clock: Clock,
    day: date,
    run_id: str,
) -> pl.DataFrame:
    """Ask for what the ledger lacks; return what could not be finished."""
    from llmops_pipelines.adapters.judging_day import judge_day

    def append(verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        part = uuid4().hex
        lake.append(JUDGE_CALLS, attempts, name=part, day=day)
        lake.append(JUDGE_LEDGER, verdicts, name=part, day=day)

    tariff = pricing.find_tariff(None, judge.model, clock.now(), lake.read(PRICE_BOOK))

    def price(_model: str, buckets: Mapping[str, int]) -> Decimal | None:
        return tariff.cost(buckets) if tariff else None

    judged = judge_day(
        items,
        specs,
        lake.scan(JUDGE_LEDGER),
        _purse(lake, judge, clock, run_id),
        endpoint,
        append,
        features=features,
        price=price,
        now=clock.now,
        seed=0,
        run_id=run_id,
        limits=judging.Limits(
            concurrency=judge.max_in_flight,
            item_deadline_s=judge.item_deadline_s,
            run_deadline_s=judge.run_deadline_s,
        ),
        gate=_gate(judge),
        on_quote=lambda quote: QUOTES.info("quote %s: %s", day, quote) if quote.items else None,
    )
    if judged.warning:
        QUOTES.warning("not judged %s: %s", day, judged.warning)
    if judged.canary_warning:
        QUOTES.warning("canary %s: %s", day, judged.canary_warning)
    return judged.unfinished


_purses: dict[str, judging.Purse] = {}
_PURSES_KEPT = 16


def _purse(lake: Lake, judge: Judge, clock: Clock, run_id: str) -> judging.Purse:
    """The purse of the run: its rubrics, its RAGAS metrics and all its days spend from one."""
    if run_id not in _purses:
        caps = judging.Caps(
            usd_per_run=Decimal(str(judge.max_usd_per_run)),
            usd_per_day=Decimal(str(judge.max_usd_per_day)),
            calls_per_run=judge.max_calls_per_run,
            calls_per_day=4 * judge.max_calls_per_run,
        )
        spent = judging.spent_today(lake.scan(JUDGE_CALLS), clock.now())
        _purses[run_id] = (
            SharedPurse(desk, caps, spent, run=run_id, now=clock.now())
            if (desk := desk_of(judge))
            else judging.Purse(caps, spent)
        )
        for finished in list(_purses)[:-_PURSES_KEPT]:
            del _purses[finished]
    return _purses[run_id]


def _gate(judge: Judge) -> judging.Gate:
    """The pace of the endpoint, whoever asks it."""
    pace = judging.Pace(
        judge.max_in_flight, judge.requests_per_minute or None, judge.tokens_per_minute or None
    )
    desk = desk_of(judge)
    return SharedGate(desk, pace, endpoint=judge.base_url) if desk else judging.Gate(pace)


def desk_of(judge: Judge) -> Desk | None:
    """Where caps and pace are shared; None where there is no disk to share them on."""
    if not judge.state:
        return None
    try:
        return open_desk(Path(judge.state))
    except (OSError, sqlite3.Error) as error:
        QUOTES.warning("caps and pace of the judge hold for this process alone: %s", error)
        return None


def _keep_specs(lake: Lake, specs: pl.DataFrame) -> None:
    """Keep each spec's full text, once, under its id."""
    for spec in specs.iter_slices(1):
        lake.append(JUDGE_SPECS, spec, name=spec["spec_id"][0])

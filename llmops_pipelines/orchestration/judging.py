"""Judges a day's sample: embedded scorers, rubrics and RAGAS metrics, through the ledger."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging, pricing
from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.judge_client import Endpoint
from llmops_pipelines.orchestration.judge_quotes import record_quote
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.landing import kept_texts
from llmops_pipelines.orchestration.resources import Clock, Judge, LakeResource, ReferenceFolder
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_RESCORES,
    JUDGE_SCORES,
    JUDGE_SPECS,
    LLM_CALLS,
    PRICE_BOOK,
    RAGAS_SCORES,
    SAMPLED_TRACES,
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
    before = _paid_before(items, asked, features, lake.open(), day, ragas=False)
    return JUDGE_SCORES.require(pl.concat([embedded, judged, before]))


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
    asking = judging.features_by_ragas(features, judge.name) if judge.model else {}
    if not judging.features_judged(features):
        return RAGAS_SCORES.empty()
    items = _items(lake.open(), sampled, llm_calls, day)
    scores = []
    if asking:
        from llmops_pipelines.adapters.ragas_metrics import ragas_specs
    # Features with the same metrics are judged together; most nights that is all of them.
    for metrics, names in asking.items():
        own = items.filter(pl.col("feature").is_in(names))
        specs = ragas_specs(model=judge.model, metrics=metrics)
        scores.append(_ask(own, specs, features, lake.open(), judge, clock, day, run_id))
        scores.append(_paid_before(own, specs, features, lake.open(), day, ragas=True))
    others = items.filter(~pl.col("feature").is_in([n for names in asking.values() for n in names]))
    scores.append(_paid_before(others, [], features, lake.open(), day, ragas=True))
    return RAGAS_SCORES.require(pl.concat(scores))


def judge_asked(
    items: pl.DataFrame,
    spec: judging.JudgeSpec,
    features: Features,
    lake: Lake,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
) -> pl.DataFrame:
    """What ``spec`` says of ``items``, however old ``day`` is: somebody asked for it.

    Returns:
        ``JUDGE_SCORES`` columns, with what could not be finished.
    """
    judge = judge.model_copy(update={"judge_within_days": (clock.today() - day).days + 1})
    return _ask(items, [spec], features, lake, judge, clock, day, run_id)


def _paid_before(
    items: pl.DataFrame,
    asked: Sequence[judging.JudgeSpec],
    features: Features,
    lake: Lake,
    day: date,
    *,
    ragas: bool,
) -> pl.DataFrame:
    """Verdicts on the day's items of judges that are not asked any more, or were asked apart.

    A judge belongs to the day if it was paid for one of its calls, or rescored it. A file that was
    judged with a day's ledger has calls of its own, and is no part of the day.
    """
    items = items.filter(pl.col("feature").is_in(judging.features_judged(features)))
    on_calls = lake.scan(JUDGE_LEDGER, [day]).filter(
        pl.col("call_id").is_in(items["call_id"].to_list())
    )
    ids = {
        *on_calls.select(pl.col("spec_id").unique()).collect()["spec_id"],
        *lake.read(JUDGE_RESCORES, [day])["spec_id"],
    } - {spec.spec_id for spec in asked}
    kept = lake.read(JUDGE_SPECS).filter(
        pl.col("spec_id").is_in(sorted(ids)), (pl.col("kind") == "ragas") == ragas
    )
    specs = [judging.read_spec(text) for text in kept.unique("spec_id").sort("spec_id")["spec"]]
    return judging.verdicts_of(items, lake.scan(JUDGE_LEDGER).drop("day"), specs)


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
    return _ask(items, specs, features, lake.open(), judge, clock, clock.today(), run_id)


def nightly_specs(
    features: Features, reference: ReferenceFolder, judge: Judge
) -> list[tuple[list[str] | None, judging.JudgeSpec]]:
    """Every judge that a night asks, with the features it is asked about (None: as it says)."""
    rubrics = judging.endpoint_specs(
        reference.read("rubrics.yaml", judging.Rubrics),
        features,
        endpoint=judge.name,
        model=judge.model,
    )
    found: list[tuple[list[str] | None, judging.JudgeSpec]] = [(None, spec) for spec in rubrics]
    asking = judging.features_by_ragas(features, judge.name)
    if asking and judge.model:
        from llmops_pipelines.adapters.ragas_metrics import ragas_specs

        found += [
            (list(names), spec)
            for metrics, names in asking.items()
            for spec in ragas_specs(model=judge.model, metrics=metrics)
        ]
    return found


def items_of(lake: Lake, day: date) -> pl.DataFrame:
    """The sampled calls of ``day`` with their texts."""
    return _items(
        lake, lake.read(SAMPLED_TRACES, [day]).drop("day"), lake.scan(LLM_CALLS, [day]), day
    )


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
    unfinished = _spend(items, specs, features, lake, judge, endpoint, clock, day, run_id)
    paid = judging.verdicts_of(items, lake.scan(JUDGE_LEDGER).drop("day"), specs)
    found = pl.concat([paid, judging.verdicts_of(items, unfinished, specs)])
    return (
        found if endpoint.configured else pl.concat([found, _owed(found, items, specs, lake, day)])
    )


def _owed(
    found: pl.DataFrame,
    items: pl.DataFrame,
    specs: Sequence[judging.JudgeSpec],
    lake: Lake,
    day: date,
) -> pl.DataFrame:
    """What the judges still owe of a day they are not asked about now: it stays on record.

    Else a later night would not know that there is something left to ask.
    """
    tables = {RAGAS_SCORES if spec.kind == "ragas" else JUDGE_SCORES for spec in specs}
    stored = pl.concat([lake.read(table, [day]).drop("day") for table in tables])
    return stored.filter(
        pl.col("outcome").is_in(judging.UNFINISHED),
        pl.col("spec_id").is_in([spec.spec_id for spec in specs]),
        pl.col("call_id").is_in(items["call_id"].to_list()),
    ).join(found, on=JUDGE_SCORES.key, how="anti")


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

    def on_quote(found: judging.Quote) -> None:
        if found.items:
            record_quote(lake, found, day=day, run_id=run_id, quoted_at=clock.now())
            QUOTES.info("quote %s: %s", day, found)

    book = lake.read(PRICE_BOOK)
    judged = judge_day(
        items,
        specs,
        lake.scan(JUDGE_LEDGER),
        _purse(lake, judge, clock, run_id),
        endpoint,
        append,
        features=features,
        price=price_of(book, clock.now()),
        batch_price=price_of(book, clock.now(), pricing.BATCH),
        now=clock.now,
        seed=0,
        run_id=run_id,
        on_quote=on_quote,
    )
    if judged.warning:
        QUOTES.warning("not judged %s: %s", day, judged.warning)
    if judged.canary_warning:
        QUOTES.warning("canary %s: %s", day, judged.canary_warning)
    return judged.unfinished


def price_of(
    book: pl.DataFrame, now: datetime, service: pricing.Service = pricing.STANDARD
) -> judging.Price:
    """The price of any model's tokens as of ``now``; each model is looked up once.

    A snapshot's own name may have no price where the model asked for has: callers ask for both.
    """
    tariffs: dict[str, pricing.Tariff | None] = {}

    def price(model: str, buckets: Mapping[str, int]) -> Decimal | None:
        if model not in tariffs:
            tariffs[model] = pricing.find_tariff(None, model, now, book, service=service)
        tariff = tariffs[model]
        return tariff.cost(buckets) if tariff else None

    return price


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
        _purses[run_id] = judging.Purse(caps, spent)
        for finished in list(_purses)[:-_PURSES_KEPT]:
            del _purses[finished]
    return _purses[run_id]


def _keep_specs(lake: Lake, specs: pl.DataFrame) -> None:
    """Keep each spec's full text, once, under its id."""
    for spec in specs.iter_slices(1):
        lake.append(JUDGE_SPECS, spec, name=spec["spec_id"][0])

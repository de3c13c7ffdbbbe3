"""Judges a day's sample: embedded scorers, rubrics and RAGAS metrics, through the ledger."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.batch_collecting import Progress
from llmops_pipelines.adapters.judge_client import Endpoint
from llmops_pipelines.judging.endpoints import Judges
from llmops_pipelines.judging.juries import jury_scores, jury_spec
from llmops_pipelines.orchestration.batches import LakeBook, collect_open, submission
from llmops_pipelines.orchestration.endpoints import Bench, Seat, benches, read_judges
from llmops_pipelines.orchestration.entailment import judge_by_entailment
from llmops_pipelines.orchestration.judge_quotes import record_quote
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.locks import alone
from llmops_pipelines.orchestration.preflights import checked
from llmops_pipelines.orchestration.purses import QUOTES, desk_of, gate_of, price_of, purse_of_run
from llmops_pipelines.orchestration.resources import Clock, Judge, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.sampled_items import sampled_items
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    JUDGE_BATCHES,
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_RESCORES,
    JUDGE_SCORES,
    JUDGE_SPECS,
    PRICE_BOOK,
    RAGAS_SCORES,
)


def unready(features: Features, judge: Judge, judges: Judges | None = None) -> list[str]:
    """Why features that ask for a judge will not be judged; nothing if all is set."""
    return [
        _unset(name, judging.judged_features(features, name), bench.missing, judge)
        for name, bench in benches(judge, judges or Judges()).items()
        if bench.missing and judging.judged_features(features, name)
    ]


def _unset(name: str, asking: list[str], missing: Sequence[str], judge: Judge) -> str:
    remedy = (
        "Set JUDGE_BASE_URL (root of an OpenAI-compatible endpoint, ending in /v1), JUDGE_MODEL "
        "and, if it wants one, JUDGE_API_KEY"
        if name == judge.name
        else "Set what judges.yaml names"
    )
    return (
        f"features.yaml says `judging: {name}` for {', '.join(asking)}, but "
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: no model judges "
        f"them, embedded scorers do. {remedy}"
    )


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
    """What embedded scorers, an entailment model of one's own and the rubrics say of the sample.

    Rubrics are asked where a feature is switched on; the model runs here, where one is set.

    What the day's batches have brought by now is taken in first, whatever is switched on today.

    Returns:
        ``JUDGE_SCORES``.
    """
    rubrics = reference.read("rubrics.yaml", judging.Rubrics)
    collect_day(lake.open(), judge, read_judges(reference), rubrics, clock, day)
    with sampled_items(lake.open(), sampled, llm_calls, day) as items:
        return _judge_items(items, heuristic_scores, lake, reference, judge, clock, day, run_id)


def _judge_items(
    items: judging.Items,
    heuristic_scores: pl.DataFrame,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
) -> pl.DataFrame:
    """What all judges say of ``items``."""
    embedded = _embedded(items, heuristic_scores, lake.open(), clock)
    rubrics = reference.read("rubrics.yaml", judging.Rubrics)
    features = reference.read("features.yaml", Features)

    def wanted(seat: Seat) -> Wanted:
        specs = judging.endpoint_specs(
            rubrics,
            features,
            endpoint=seat.endpoint.name,
            model=seat.endpoint.model,
            logprobs=seat.logprobs,
        )
        return [(judging.judged_features(features, seat.endpoint.name), specs)] if specs else []

    judged = _asked(items, wanted, features, lake, reference, judge, clock, day, run_id)
    entailed = [JUDGE_SCORES.empty()]
    for part in judging.slices(items):
        specs, verdicts = judge_by_entailment(
            part, features, lake.open(), judge.entailment_model, clock.now, day
        )
        _keep_specs(lake.open(), specs)
        entailed.append(verdicts)
    found = pl.concat([embedded, *entailed, judged])
    before = _paid_before(items, found["spec_id"], features, lake.open(), day, ragas=False)
    return JUDGE_SCORES.require(pl.concat([found, before]))


def _embedded(
    items: judging.Items, heuristic_scores: pl.DataFrame, lake: Lake, clock: Clock
) -> pl.DataFrame:
    """What the embedded scorers say of ``items``: ``JUDGE_SCORES``."""
    found = [JUDGE_SCORES.empty()]
    for part in judging.slices(items):
        specs, verdicts = judging.embedded_verdicts(
            part, heuristic_scores, minilm.embed, weights=minilm.weights(), now=clock.now()
        )
        _keep_specs(lake, specs)
        known = [judging.read_spec(text) for text in specs["spec"]]
        found.append(judging.verdicts_of(part, verdicts, known))
    return pl.concat(found)


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

    def wanted(seat: Seat) -> Wanted:
        from llmops_pipelines.adapters.ragas_metrics import ragas_specs

        # Features with the same metrics are judged together; most nights that is all of them.
        return [
            (names, ragas_specs(model=seat.endpoint.model, metrics=metrics))
            for metrics, names in judging.features_by_ragas(features, seat.endpoint.name).items()
            if seat.endpoint.model
        ]

    if not judging.features_judged(features):
        return RAGAS_SCORES.empty()
    with sampled_items(lake.open(), sampled, llm_calls, day) as items:
        found = _asked(items, wanted, features, lake, reference, judge, clock, day, run_id)
        before = _paid_before(items, found["spec_id"], features, lake.open(), day, ragas=True)
    return RAGAS_SCORES.require(pl.concat([found, before]))


def seats_for(
    spec: judging.JudgeSpec, judge: Judge, judges: Judges, features: Features
) -> list[Seat]:
    """Where ``spec`` may be asked about features: a seat a name that features.yaml says.

    That is the seat of its model, or the only one there is, which is then asked for that model; a
    jury without the model has none.
    """
    found = []
    for name, bench in benches(judge, judges).items():
        if not judging.judged_features(features, name):
            continue
        own = [seat for seat in bench.seats if seat.endpoint.model == spec.model]
        for seat in own[:1] or (bench.seats if len(bench.seats) == 1 else ()):
            found.append(seat._replace(endpoint=replace(seat.endpoint, model=spec.model)))
    return found


def judge_asked(
    items: judging.Items,
    spec: judging.JudgeSpec,
    features: Features,
    lake: Lake,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
    *,
    repetition: int = 0,
) -> pl.DataFrame:
    """What ``spec`` says of ``items``, however old ``day`` is: somebody asked for it.

    Returns:
        ``JUDGE_SCORES`` columns of that ``repetition``, with what could not be finished.
    """
    judge = judge.model_copy(update={"judge_within_days": (clock.today() - day).days + 1})
    said = [
        _ask(items, [spec], features, lake, judge, seat, clock, day, run_id, repetition=repetition)
        for seat in seats_for(spec, judge, read_judges(reference), features)
    ]
    found = pl.concat([JUDGE_SCORES.empty(), *said]).filter(pl.col("repetition") == repetition)
    return found.unique(JUDGE_SCORES.key, maintain_order=True)


def _paid_before(
    items: judging.Items,
    asked: Iterable[str],
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
        pl.col("call_id").is_in(judging.call_ids(items))
    )
    ids = {
        *on_calls.select(pl.col("spec_id").unique()).collect()["spec_id"],
        *lake.read(JUDGE_RESCORES, [day])["spec_id"],
    } - set(asked)
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
    [seat] = benches(judge, Judges())[judge.name].seats
    # Whoever asks waits for the answer: nothing is put into batches.
    seat = seat._replace(batch="")
    today = clock.today()
    opened = lake.open()
    return _ask(
        items, specs, features, opened, judge, seat, clock, today, run_id, one_at_a_time=False
    )


Wanted = list[tuple[list[str], list[judging.JudgeSpec]]]
"""Features, and the judges that a seat is asked to be for them."""


def _asked(
    items: judging.Items,
    wanted: Callable[[Seat], Wanted],
    features: Features,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
) -> pl.DataFrame:
    """What every endpoint that a feature names says of its items, and what its juries say."""
    parts = [JUDGE_SCORES.empty()]
    for name, bench in benches(judge, read_judges(reference)).items():
        if not judging.judged_features(features, name):
            continue
        by_seat = [wanted(seat) for seat in bench.seats]
        if not all(by_seat):
            continue  # a seat without a model wants nothing, and a jury sits whole or not at all
        for together in zip(*by_seat, strict=True):
            own = items.filter(pl.col("feature").is_in(together[0][0]))
            said = [
                _ask(own, specs, features, lake.open(), judge, seat, clock, day, run_id)
                for seat, (_, specs) in zip(bench.seats, together, strict=True)
            ]
            parts += said
            if len(said) > 1:
                members = list(zip(*(specs for _, specs in together), strict=True))
                parts += _heard_together(pl.concat(said), members, bench, lake.open())
    return pl.concat(parts).unique(JUDGE_SCORES.key, maintain_order=True)


def _heard_together(
    said: pl.DataFrame,
    juries: Iterable[Sequence[judging.JudgeSpec]],
    bench: Bench,
    lake: Lake,
) -> list[pl.DataFrame]:
    """What each jury says, once its spec is kept."""
    heard = []
    for members in juries:
        _keep_specs(lake, judging.judge_specs([jury_spec(members, bench.combine)]))
        heard.append(jury_scores(said, members, bench.combine))
    return heard


def spend_of(verdicts: pl.LazyFrame, *, lake: LakeResource, day: date) -> pl.DataFrame:
    """What judging the calls of ``day`` cost, whenever they were judged.

    Returns:
        ``EVALUATION_COSTS``.
    """
    opened = lake.open()
    specs = opened.read(JUDGE_SPECS).unique("spec_id")
    return judging.evaluation_costs(opened.scan(JUDGE_CALLS, [day]), verdicts, specs)


def nightly_specs(
    features: Features, reference: ReferenceFolder, judge: Judge
) -> list[tuple[list[str], judging.JudgeSpec, Seat]]:
    """Every judge that a night asks, with the features it is asked about, and where."""
    rubrics = reference.read("rubrics.yaml", judging.Rubrics)
    found: list[tuple[list[str], judging.JudgeSpec, Seat]] = []
    for name, bench in benches(judge, read_judges(reference)).items():
        names = judging.judged_features(features, name)
        for seat in bench.seats if names else ():
            model = seat.endpoint.model
            specs = judging.endpoint_specs(
                rubrics, features, endpoint=name, model=model, logprobs=seat.logprobs
            )
            found += [(names, spec, seat) for spec in specs]
            asking = judging.features_by_ragas(features, name) if model else {}
            if asking:
                from llmops_pipelines.adapters.ragas_metrics import ragas_specs

                found += [
                    (list(own), spec, seat)
                    for metrics, own in asking.items()
                    for spec in ragas_specs(model=model, metrics=metrics)
                ]
    return found


def _ask(
    items: judging.Items,
    specs: Sequence[judging.JudgeSpec],
    features: Features,
    lake: Lake,
    judge: Judge,
    seat: Seat,
    clock: Clock,
    day: date,
    run_id: str,
    *,
    one_at_a_time: bool = True,
    repetition: int = 0,
) -> pl.DataFrame:
    """Verdicts of ``specs`` on the items of switched-on features, paying for what is missing.

    What waits in a batch is ``pending``.
    """
    too_old = day < clock.today() - timedelta(days=judge.judge_within_days)
    if not specs:
        return JUDGE_SCORES.empty()
    switched_on = judging.judged_features(features, seat.endpoint.name)
    items = items.filter(pl.col("feature").is_in(switched_on))
    if all(part.is_empty() for part in judging.slices(items)):
        return JUDGE_SCORES.empty()
    _keep_specs(lake, judging.judge_specs(specs))
    if too_old:
        # History is judged for money only when asked; what is paid for already is still shown.
        seat = seat._replace(endpoint=replace(seat.endpoint, base_url=""))
    waits = one_at_a_time and seat.endpoint.configured and desk_of(judge) is not None
    with _alone_with(day, specs[0].kind, Path(judge.state)) if waits else nullcontext():
        waiting = LakeBook(lake, day).waiting(specs, now=clock.now())
        unfinished = _spend(
            items, specs, waiting, features, lake, judge, seat, clock, day, run_id, repetition
        )
    paid = judging.verdicts_of(items, lake.scan(JUDGE_LEDGER).drop("day"), specs)
    # What waits may have got its verdict by itself meanwhile.
    owed = pl.concat([waiting, unfinished]).join(paid, on=judging.LEDGER_KEY, how="anti")
    found = pl.concat([paid, judging.verdicts_of(items, owed, specs)])
    if seat.endpoint.configured:
        return found
    return pl.concat([found, _owed(found, items, specs, lake, day)])


def _owed(
    found: pl.DataFrame,
    items: judging.Items,
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
        pl.col("call_id").is_in(judging.call_ids(items)),
    ).join(found, on=JUDGE_SCORES.key, how="anti")


def collect_day(
    lake: Lake,
    judge: Judge,
    judges: Judges,
    rubrics: judging.Rubrics,
    clock: Clock,
    day: date,
) -> list[Progress]:
    """Take in what the day's open batches have brought by now; say how each stands."""
    book = LakeBook(lake, day, rubrics)
    if not lake.days(JUDGE_BATCHES) or judging.open_batches(book.states()).is_empty():
        return []
    price = price_of(lake.read(PRICE_BOOK), clock.now(), "batch")
    found = collect_open(book, endpoints_of(judge, judges), price, clock.now())
    for progress in found:
        QUOTES.info("batch %s of %s: %s, %s", progress.batch, day, progress.state, progress.told)
    return found


def endpoints_of(judge: Judge, judges: Judges) -> dict[str, Endpoint]:
    """Every endpoint that can be asked, by its root."""
    return {
        seat.endpoint.base_url: seat.endpoint
        for bench in benches(judge, judges).values()
        for seat in bench.seats
        if seat.endpoint.base_url
    }


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
    items: judging.Items,
    specs: Sequence[judging.JudgeSpec],
    waiting: pl.DataFrame,
    features: Features,
    lake: Lake,
    judge: Judge,
    seat: Seat,
    clock: Clock,
    day: date,
    run_id: str,
    repetition: int,
) -> pl.DataFrame:
    """Ask for what the ledger lacks; return what could not be finished."""
    from llmops_pipelines.adapters.judging_day import judge_day

    def append(verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        part = uuid4().hex
        lake.append(JUDGE_CALLS, attempts, name=part, day=day)
        if not verdicts.is_empty():
            lake.append(JUDGE_LEDGER, verdicts, name=part, day=day)

    book = lake.read(PRICE_BOOK)
    price = price_of(book, clock.now())
    batch_price = price_of(book, clock.now(), "batch")
    purse = purse_of_run(lake, judge, clock, run_id)

    def prepare(endpoint: Endpoint) -> tuple[Endpoint, judging.Ruling | None]:
        if not judge.preflight_days:
            return endpoint, None
        finding, _ = checked(
            lake,
            endpoint,
            purse=purse,
            price=price,
            append=append,
            now=clock.now,
            run_id=run_id,
            logprobs=seat.logprobs,
            days=judge.preflight_days,
        )
        if finding.problem:
            return endpoint, judging.Ruling(finding.outcome, None, finding.problem)
        if finding.doubt:
            QUOTES.warning("preflight of %s: %s", endpoint.model, finding.doubt)
        return replace(endpoint, response_format=finding.response_format or "json_schema"), None

    keys = [
        lake.scan(JUDGE_LEDGER).select(judging.LEDGER_KEY),
        waiting.lazy().select(judging.LEDGER_KEY),
    ]

    def on_quote(found: judging.Quote) -> None:
        if found.items:
            record_quote(lake, found, seat.pace, day=day, run_id=run_id, quoted_at=clock.now())
            QUOTES.info("quote %s: %s", day, found)

    judged = judge_day(
        items,
        specs,
        pl.concat(keys),
        purse,
        seat.endpoint,
        append,
        features=features,
        price=price,
        batch_price=batch_price,
        post=submission(LakeBook(lake, day), seat.batch, purse, batch_price, price, clock.now).post
        if seat.batch
        else None,
        now=clock.now,
        seed=0,
        run_id=run_id,
        limits=seat.limits,
        gate=gate_of(seat, desk_of(judge)),
        prepare=prepare,
        on_quote=on_quote,
        repetition=repetition,
        halves=judging.halves_of(lake.scan(JUDGE_LEDGER), specs),
    )
    if judged.waiting:
        QUOTES.info(
            "%d of %s put into batches; `llmops batches` tells of them", judged.waiting, day
        )
    if judged.warning:
        QUOTES.warning("not judged %s: %s", day, judged.warning)
    if judged.canary_warning:
        QUOTES.warning("canary %s: %s", day, judged.canary_warning)
    return judged.unfinished


def _keep_specs(lake: Lake, specs: pl.DataFrame) -> None:
    """Keep each spec's full text, once, under its id."""
    for spec in specs.iter_slices(1):
        lake.append(JUDGE_SPECS, spec, name=spec["spec_id"][0])

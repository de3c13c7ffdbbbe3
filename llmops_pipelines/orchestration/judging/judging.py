"""Judges a day's sample: embedded scorers, rubrics and RAGAS metrics, through the ledger."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.endpoints.batch_collecting import Progress
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.judging.endpoints import Judges
from llmops_pipelines.orchestration.graph.resources import Clock, Judge
from llmops_pipelines.orchestration.judging.asking import (
    Asked,
    Heard,
    Occasion,
    Wanted,
    ask,
    ask_benches,
    keep_specs,
    ledger_on,
)
from llmops_pipelines.orchestration.judging.batches import LakeBook, collect_open
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup, Seat, benches
from llmops_pipelines.orchestration.judging.entailment import judge_by_entailment, judged_here
from llmops_pipelines.orchestration.judging.purses import QUOTES, price_of
from llmops_pipelines.orchestration.judging.sampled_items import sampled_items
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    JUDGE_BATCHES,
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_RESCORES,
    JUDGE_SCORES,
    JUDGE_SPECS,
    PRICE_BOOK,
    RAGAS_SCORES,
    Table,
)


def unready(setup: JudgeSetup) -> list[str]:
    """Why features that ask for a judge will not be judged; nothing if all is set."""
    return [
        _unset(name, asking, bench.missing, setup.judge)
        for name, bench in setup.benches.items()
        if bench.missing and (asking := setup.judged_by(name))
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
    sampled: pl.LazyFrame,
    heuristic_scores: pl.LazyFrame,
    llm_calls: pl.LazyFrame,
    occasion: Occasion,
) -> Iterator[pl.DataFrame]:
    """What embedded scorers, an entailment model of one's own and the rubrics say of the sample.

    Rubrics are asked where a feature is switched on; the model runs here, where one is set.

    What the day's batches have brought by now is taken in first, whatever is switched on today.

    Yields:
        ``JUDGE_SCORES``, of so many items at a time; all have been asked about before the first.
    """
    setup = occasion.setup
    collect_day(occasion.lake, setup, occasion.clock, occasion.day)

    def wanted(seat: Seat) -> Wanted:
        specs = _rubrics_for(seat, setup)
        return [(setup.judged_by(seat.endpoint.name), specs)] if specs else []

    with sampled_items(occasion.lake, sampled, llm_calls, occasion.day) as items:
        heard: list[Asked | Heard] = [*ask_benches(items, wanted, occasion)]
        heard.append(judge_by_entailment(items, occasion))
        heard += _paid_before(items, heard, occasion, ragas=False)
        heard.append(_owed_by_the_absent(occasion, JUDGE_SCORES))
        with ledger_on(items, heard, occasion.lake) as ledger:
            for part in judging.slices(items):
                embedded = _embedded(part, heuristic_scores, occasion)
                yield _said(heard, part, ledger, embedded)


def _said(
    heard: Iterable[Asked | Heard],
    items: pl.DataFrame,
    ledger: pl.LazyFrame,
    *others: pl.DataFrame,
) -> pl.DataFrame:
    """What all that were ``heard`` say of ``items``, once, with what ``others`` said."""
    said = pl.concat([*others, *(one.said_of(items, ledger) for one in heard)])
    return said.unique(JUDGE_SCORES.key, maintain_order=True)


def _embedded(
    items: pl.DataFrame, heuristic_scores: pl.LazyFrame, occasion: Occasion
) -> pl.DataFrame:
    """What the embedded scorers say of ``items``: ``JUDGE_SCORES``."""
    specs, verdicts = judging.embedded_verdicts(
        items, heuristic_scores, minilm.embed, weights=minilm.weights(), now=occasion.clock.now()
    )
    keep_specs(occasion.lake, specs)
    known = [judging.read_spec(text) for text in specs["spec"]]
    return judging.verdicts_of(items, verdicts, known)


def score_with_ragas(
    sampled: pl.LazyFrame, llm_calls: pl.LazyFrame, occasion: Occasion
) -> Iterator[pl.DataFrame]:
    """What RAGAS metrics say of the sample, where a feature is switched on.

    Yields:
        ``RAGAS_SCORES``, of so many items at a time; all have been asked about before the first.
    """
    if not judging.features_judged(occasion.setup.features):
        yield RAGAS_SCORES.empty()
        return
    with sampled_items(occasion.lake, sampled, llm_calls, occasion.day) as items:
        asked = ask_benches(items, lambda seat: _ragas_for(seat, occasion.setup), occasion)
        heard: list[Asked | Heard] = [
            *asked,
            *_paid_before(items, asked, occasion, ragas=True),
            _owed_by_the_absent(occasion, RAGAS_SCORES),
        ]
        with ledger_on(items, heard, occasion.lake) as ledger:
            for part in judging.slices(items):
                yield _said(heard, part, ledger)


def seats_for(spec: judging.JudgeSpec, setup: JudgeSetup) -> list[Seat]:
    """Where ``spec`` may be asked about features: a seat a name that features.yaml says.

    That is the seat of its model, or the only one there is, which is then asked for that model; a
    jury without the model has none.
    """
    found = []
    for name, bench in setup.benches.items():
        if not setup.judged_by(name):
            continue
        own = [seat for seat in bench.seats if seat.endpoint.model == spec.model]
        for seat in own[:1] or (bench.seats if len(bench.seats) == 1 else ()):
            found.append(seat._replace(endpoint=replace(seat.endpoint, model=spec.model)))
    return found


def judge_asked(
    items: judging.Items, spec: judging.JudgeSpec, occasion: Occasion, *, repetition: int = 0
) -> pl.DataFrame:
    """What ``spec`` says of ``items``, however old their day is: somebody asked for it.

    Returns:
        ``JUDGE_SCORES`` columns of that ``repetition``, with what could not be finished.
    """
    age = (occasion.clock.today() - occasion.day).days
    judge = occasion.setup.judge.model_copy(update={"judge_within_days": age + 1})
    occasion = replace(occasion, setup=replace(occasion.setup, judge=judge))
    asked = [
        ask(items, [spec], seat, occasion, repetition=repetition)
        for seat in seats_for(spec, occasion.setup)
    ]
    with ledger_on(items, asked, occasion.lake) as ledger:
        said = [one.said_of(items, ledger) for one in asked]
    found = pl.concat([JUDGE_SCORES.empty(), *said]).filter(pl.col("repetition") == repetition)
    return found.unique(JUDGE_SCORES.key, maintain_order=True)


def _paid_before(
    items: judging.Items, heard: Iterable[Asked | Heard], occasion: Occasion, *, ragas: bool
) -> list[Asked]:
    """Judges that judged the day's items and are not asked any more, or were asked apart.

    A judge belongs to the day if it judged one of its calls, or rescored it. A file that was
    judged with a day's ledger has calls of its own, and is no part of the day.
    """
    lake, day, features = occasion.lake, occasion.day, occasion.setup.features
    known = set[str]().union(*(one.spec_ids for one in heard))
    by_others = lake.scan(JUDGE_LEDGER, [day]).filter(~pl.col("spec_id").is_in(sorted(known)))
    ids = set(by_others.select(pl.col("spec_id").unique()).collect()["spec_id"])
    rescored = set(lake.read(JUDGE_RESCORES, [day])["spec_id"]) - known
    specs = _specs_kept(lake, ids | rescored, ragas=ragas)
    here = [spec for spec in specs if spec.kind == "entailment"]
    sent = [spec for spec in specs if spec.kind != "entailment"]
    asked = [(sent, judging.features_judged(features))] if sent else []
    asked += [(here, judged_here(items, features))] if here else []
    found = []
    for some, names in asked:
        calls = judging.calls_of(items.filter(pl.col("feature").is_in(names))).lazy()
        on_calls = (
            by_others.filter(pl.col("spec_id").is_in([spec.spec_id for spec in some]))
            .join(calls, on="call_id", how="semi")
            .select(pl.col("spec_id").unique())
        )
        of_day = rescored.union(on_calls.collect(engine="streaming")["spec_id"])
        found.append(Asked([spec for spec in some if spec.spec_id in of_day], names, occasion))
    return found


def _owed_by_the_absent(occasion: Occasion, table: Table) -> Asked:
    """Judges that the day's ``table`` says owe something, of features whose judge is not set now.

    Without a model nobody knows which judges they would be: what they owe is found where it stands.
    """
    lake, setup = occasion.lake, occasion.setup
    names = [
        feature
        for name, bench in setup.benches.items()
        if bench.missing
        for feature in setup.judged_by(name)
    ]
    if not names:
        return Asked((), names, occasion)
    owing = lake.scan(table, [occasion.day]).filter(pl.col("outcome").is_in(judging.UNFINISHED))
    ids = owing.select(pl.col("spec_id").unique()).collect()["spec_id"]
    specs = _specs_kept(lake, ids, ragas=table is RAGAS_SCORES)
    return Asked(specs, names, occasion, configured=False)


def _specs_kept(lake: Lake, ids: Iterable[str], *, ragas: bool) -> list[judging.JudgeSpec]:
    """The specs with these ids, RAGAS metrics or all others."""
    kept = lake.read(JUDGE_SPECS).filter(
        pl.col("spec_id").is_in(sorted(ids)), (pl.col("kind") == "ragas") == ragas
    )
    texts = kept.unique("spec_id").sort("spec_id")["spec"]
    return [judging.read_spec(text) for text in texts]


def judge_items(
    items: pl.DataFrame, specs: Sequence[judging.JudgeSpec], occasion: Occasion
) -> pl.DataFrame:
    """What ``specs`` say of items that were logged nowhere, paying only for what is missing.

    The endpoint of the environment is asked. Ledger, caps and policy are those of logged calls.

    Args:
        items: ``judging.items``.
        specs: Judges that ask an endpoint.
        occasion: Of the day on which it is asked.

    Returns:
        ``JUDGE_SCORES``; items of features that are not switched on are left out.
    """
    setup = occasion.setup
    [seat] = setup.benches[setup.judge.name].seats
    # Whoever asks waits for the answer: nothing is put into batches.
    seat = seat._replace(batch="")
    asked = ask(items, specs, seat, occasion, one_at_a_time=False)
    with ledger_on(items, [asked], occasion.lake) as ledger:
        return asked.said_of(items, ledger)


def spend_of(verdicts: pl.LazyFrame, lake: Lake, day: date) -> pl.DataFrame:
    """What judging the calls of ``day`` cost, whenever they were judged.

    Returns:
        ``EVALUATION_COSTS``.
    """
    specs = lake.read(JUDGE_SPECS).unique("spec_id")
    return judging.evaluation_costs(lake.scan(JUDGE_CALLS, [day]), verdicts, specs)


def nightly_specs(setup: JudgeSetup) -> list[tuple[list[str], judging.JudgeSpec, Seat]]:
    """Every judge that a night asks, with the features it is asked about, and where."""
    found: list[tuple[list[str], judging.JudgeSpec, Seat]] = []
    for name, bench in setup.benches.items():
        names = setup.judged_by(name)
        for seat in bench.seats if names else ():
            found += [
                ([name for name in names if judging.applies_to(spec, name)], spec, seat)
                for spec in _rubrics_for(seat, setup)
            ]
            found += [(own, spec, seat) for own, specs in _ragas_for(seat, setup) for spec in specs]
    return found


def _rubrics_for(seat: Seat, setup: JudgeSetup) -> list[judging.JudgeSpec]:
    """The rubrics by which ``seat`` judges in a night; none without a model."""
    return judging.endpoint_specs(
        setup.rubrics,
        setup.features,
        endpoint=seat.endpoint.name,
        model=seat.endpoint.model,
        logprobs=seat.logprobs,
    )


def _ragas_for(seat: Seat, setup: JudgeSetup) -> Wanted:
    """The RAGAS metrics that ``seat`` is asked for in a night; none without a model.

    Features with the same metrics are judged together; most nights that is all of them.
    """
    asking = judging.features_by_ragas(setup.features, seat.endpoint.name)
    if not (seat.endpoint.model and asking):
        return []
    from llmops_pipelines.adapters.ragas_metrics import ragas_specs

    return [
        (list(names), ragas_specs(model=seat.endpoint.model, metrics=metrics))
        for metrics, names in asking.items()
    ]


def collect_day(lake: Lake, setup: JudgeSetup, clock: Clock, day: date) -> list[Progress]:
    """Take in what the day's open batches have brought by now; say how each stands."""
    book = LakeBook(lake, day, setup.rubrics)
    if not lake.days(JUDGE_BATCHES) or judging.open_batches(book.states()).is_empty():
        return []
    price = price_of(lake.read(PRICE_BOOK), clock.now(), "batch")
    found = collect_open(book, endpoints_of(setup.judge, setup.judges), price, clock.now())
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

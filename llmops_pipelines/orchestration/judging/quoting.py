"""What judging past days would cost: every day's unpaid items, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

import polars as pl

from llmops_pipelines import judging, pricing
from llmops_pipelines.orchestration.graph.resources import Clock
from llmops_pipelines.orchestration.judging.batches import LakeBook, open_days
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup
from llmops_pipelines.orchestration.judging.judge_quotes import expected_seconds, recent_calls
from llmops_pipelines.orchestration.judging.judging import nightly_specs, seats_for
from llmops_pipelines.orchestration.judging.purses import price_of
from llmops_pipelines.orchestration.judging.sampled_items import items_of
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import JUDGE_LEDGER, JUDGE_SPECS, PRICE_BOOK, SAMPLED_TRACES

SHORTEST_ID = 6
"""Hex digits of a spec's id that are taken for one, if they are those of one spec only."""


class UnknownSpecError(ValueError):
    """Nothing that can be asked is called so; the message says what can."""


class DayQuote(NamedTuple):
    """One day's items in front of one judge, and how long they would take."""

    day: date
    quote: judging.Quote
    seconds: float | None


def spec_called(
    name: str, lake: Lake, setup: JudgeSetup, *, override: str | None = None
) -> judging.JudgeSpec:
    """The judge that ``name`` means: a spec's id (or its first digits), a rubric, or a metric.

    Args:
        name: What somebody typed.
        lake: Holds every spec that ever judged.
        setup: Holds the rubrics, and JUDGE_MODEL, who judges by a rubric or metric.
        override: Another model for whatever was named, a spec by its id included.

    Raises:
        UnknownSpecError: Nothing is called so, several are, or it asks no endpoint.
    """
    known = lake.read(JUDGE_SPECS).unique("spec_id").sort("spec_id")
    by_id = known.filter(pl.col("spec_id").str.starts_with(name))
    rubrics = setup.rubrics
    if len(name) >= SHORTEST_ID and by_id.height:
        if by_id.height > 1:
            raise UnknownSpecError(
                f"{name!r} begins {by_id.height:,} ids: {', '.join(by_id['spec_id'])}; "
                "give more digits"
            )
        spec = judging.read_spec(by_id["spec"][0])
    else:
        spec = _by_name(name, override or setup.judge.model, rubrics)
    if spec.kind not in ("rubric", "ragas", "deepeval"):
        raise UnknownSpecError(
            f"{spec.metric} by {spec.model} ({spec.kind}) asks no endpoint by itself: it is not "
            "quoted and not rescored"
        )
    return judging.asked_of_all(spec, rubrics, model=override or spec.model)


def _by_name(name: str, model: str, rubrics: judging.Rubrics) -> judging.JudgeSpec:
    from llmops_pipelines.adapters.named_judges import spec_named

    try:
        spec = spec_named(name, model=model or "(none)", rubrics=rubrics)
    except ModuleNotFoundError as error:
        raise UnknownSpecError(f"{name}: {error}") from error
    except ValueError as error:
        raise UnknownSpecError(f"{error}; or give the id of a spec of judge_specs") from error
    if not model:
        raise UnknownSpecError(
            f"{name!r} is a rubric or a metric, and no model is named to judge by it: set "
            "JUDGE_MODEL or give --model"
        )
    return spec


def quote_days(
    days: Sequence[date],
    specs: Sequence[judging.JudgeSpec] | None,
    *,
    lake: Lake,
    setup: JudgeSetup,
    clock: Clock,
    on_day: Callable[[date, int], None] = lambda _day, _done: None,
    repetition: int = 0,
) -> list[DayQuote]:
    """What ``specs`` would cost on the sampled calls of ``days``, day by day.

    A content that came on several days is counted on the first of them: it is paid for once.

    Args:
        days: Days that were sampled; others have nothing to judge.
        specs: Judges; None for those that nights ask.
        lake: What was judged already.
        setup: Says which features' texts may go where. Nobody is asked.
        clock: Prices are those of now.
        on_day: Told each day before it is looked at, and how many were.
        repetition: Which draw of each verdict; 0 is the first.
    """
    from llmops_pipelines.adapters.judging_plans import Brief, quote_items

    book, calls = lake.read(PRICE_BOOK), recent_calls(lake)
    keys = lake.scan(JUDGE_LEDGER).select(*judging.LEDGER_KEY).unique().collect()
    asked = nightly_specs(setup)
    if specs is not None:
        asked = [
            (setup.judged_by(seat.endpoint.name), spec, seat)
            for spec in specs
            for seat in seats_for(spec, setup)
        ]
    price, batch_price = (
        price_of(book, clock.now(), service) for service in (pricing.STANDARD, pricing.BATCH)
    )
    brief = Brief(setup.features, repetition, batch_price=batch_price)
    with_batches = {entry.day for entry in open_days(lake)}
    found = []
    quoted: dict[str, pl.DataFrame] = {}
    for done, day in enumerate(days):
        on_day(day, done)
        settled = keys
        if day in with_batches:
            # What waits is on its way to be paid for: nobody is asked about it again.
            settled = pl.concat([keys, LakeBook(lake, day).waiting_keys()])
        with items_of(lake, day) as items:
            for names, spec, seat in asked:
                quote, digests = quote_items(
                    items.filter(pl.col("feature").is_in(names)),
                    spec,
                    settled,
                    seat.endpoint,
                    brief,
                    price=price,
                    now=clock.now(),
                    quoted=quoted.get(spec.spec_id),
                )
                before = quoted.get(spec.spec_id, digests.clear())
                quoted[spec.spec_id] = pl.concat([before, digests])
                found.append(DayQuote(day, quote, expected_seconds(quote, seat.pace, calls)))
    return found


def sampled_days(lake: Lake, first: date, last: date) -> list[date]:
    """Days from ``first`` to ``last`` that hold a sampled call, oldest first."""
    computed = [day for day in lake.days(SAMPLED_TRACES) if first <= day <= last]
    found = lake.scan(SAMPLED_TRACES, computed).select(pl.col("day").unique().sort()).collect()
    return found["day"].to_list()

"""Asks endpoints about a day's items, and tells of any of them what is known afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.judging.juries import Combine, jury_scores, jury_spec
from llmops_pipelines.orchestration.graph.resources import Clock, Judge
from llmops_pipelines.orchestration.judging.batches import LakeBook, submission
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup, Seat
from llmops_pipelines.orchestration.judging.judge_quotes import record_quote
from llmops_pipelines.orchestration.judging.preflights import checked
from llmops_pipelines.orchestration.judging.purses import (
    QUOTES,
    desk_of,
    gate_of,
    price_of,
    purse_of_run,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.locks import alone
from llmops_pipelines.tables import (
    JUDGE_LEDGER,
    JUDGE_SCORES,
    JUDGE_SPECS,
    PRICE_BOOK,
    RAGAS_SCORES,
    Table,
)

if TYPE_CHECKING:
    from llmops_pipelines.adapters.judging_day import JudgedDay

Wanted = list[tuple[list[str], list[judging.JudgeSpec]]]
"""Features, and the judges that a seat is asked to be for them."""


@dataclass(frozen=True)
class Occasion:
    """A run that judges the items of one day: with which settings, and on whose account."""

    lake: Lake
    setup: JudgeSetup
    clock: Clock
    day: date
    run_id: str


@dataclass(frozen=True)
class Asked:
    """What was asked of one seat, and which verdicts are still owed; the others are in the ledger.

    ``owed`` has ``JUDGE_LEDGER`` rows: what waits in batches, and what could not be finished. Where
    no seat was there to ask (not ``configured``), what an earlier night left is owed still.
    """

    specs: Sequence[judging.JudgeSpec]
    features: Sequence[str]
    occasion: Occasion
    owed: pl.DataFrame = field(default_factory=JUDGE_LEDGER.empty)
    configured: bool = True

    @property
    def spec_ids(self) -> set[str]:
        """Whose verdicts `said_of` tells."""
        return {spec.spec_id for spec in self.specs}

    def digests_of(self, items: judging.Items) -> Iterator[pl.DataFrame]:
        """``spec_id`` and ``item_digest`` of what was asked, judge by judge."""
        items = items.filter(pl.col("feature").is_in(self.features))
        for spec in self.specs:
            digests = judging.digests_of(items, spec)["item_digest"].unique()
            yield pl.DataFrame(digests).select("item_digest", spec_id=pl.lit(spec.spec_id))

    def said_of(self, items: judging.Items, ledger: pl.LazyFrame) -> pl.DataFrame:
        """``JUDGE_SCORES`` of ``items``, as far as they were asked about."""
        items = items.filter(pl.col("feature").is_in(self.features))
        lake, day = self.occasion.lake, self.occasion.day
        paid = judging.verdicts_of(items, ledger, self.specs)
        # What waits may have got its verdict by itself meanwhile.
        owed = self.owed.join(paid, on=judging.LEDGER_KEY, how="anti")
        found = pl.concat([paid, judging.verdicts_of(items, owed, self.specs)])
        if self.configured or not self.specs:
            return found
        return pl.concat([found, _owed_before(found, items, self.specs, lake, day)])


@dataclass(frozen=True)
class Heard:
    """One bench that was asked: its seats, and the juries that they form."""

    asked: Sequence[Asked]
    juries: Sequence[Sequence[judging.JudgeSpec]]
    combine: Combine

    @property
    def spec_ids(self) -> set[str]:
        """Whose verdicts `said_of` tells."""
        juries = {jury_spec(members, self.combine).spec_id for members in self.juries}
        return juries.union(*(seat.spec_ids for seat in self.asked))

    def digests_of(self, items: judging.Items) -> Iterator[pl.DataFrame]:
        """``spec_id`` and ``item_digest`` of what was asked, judge by judge."""
        for seat in self.asked:
            yield from seat.digests_of(items)

    def said_of(self, items: judging.Items, ledger: pl.LazyFrame) -> pl.DataFrame:
        """``JUDGE_SCORES`` of ``items`` by every seat and every jury."""
        by_seat = [seat.said_of(items, ledger) for seat in self.asked]
        said = pl.concat([JUDGE_SCORES.empty(), *by_seat])
        juries = [jury_scores(said, members, self.combine) for members in self.juries]
        return pl.concat([said, *juries])


@contextmanager
def ledger_on(
    items: judging.Items, heard: Iterable[Asked | Heard], lake: Lake
) -> Iterator[pl.LazyFrame]:
    """The ledger, of which at least the verdicts of those ``heard`` on ``items`` can be read.

    Where items come in slices, these are gathered into one file: the ledger of a large day has
    thousands of parts, and each slice would open them all.
    """
    ledger = lake.scan(JUDGE_LEDGER).drop("day")
    if isinstance(items, pl.DataFrame):
        yield ledger
        return
    # Eight bytes a content and judge; should two share them, a row too many is read, none too few.
    key = pl.concat_str("spec_id", "item_digest").hash()
    asked = [pl.DataFrame(schema={"key": pl.UInt64})]
    asked += [digests.select(key=key) for one in heard for digests in one.digests_of(items)]
    with TemporaryDirectory(prefix="llmops-") as folder:
        file = Path(folder, "ledger.parquet")
        # A join would hold a large part of the ledger, this a part at a time.
        own = ledger.filter(key.is_in(pl.concat(asked)["key"].implode()))
        own.sink_parquet(file, row_group_size=_ROW_GROUP)
        yield pl.scan_parquet(file)


_ROW_GROUP = 4_096
"""Rows of the gathered ledger that are decoded at once, whenever a slice looks through it."""


def ask_benches(
    items: judging.Items,
    wanted: Callable[[Seat], Wanted],
    occasion: Occasion,
) -> list[Heard]:
    """Ask every endpoint that a feature names about its items."""
    heard = []
    for name, bench in occasion.setup.benches.items():
        if not occasion.setup.judged_by(name):
            continue
        by_seat = [wanted(seat) for seat in bench.seats]
        if not all(by_seat):
            continue  # a seat without a model wants nothing, and a jury sits whole or not at all
        for together in zip(*by_seat, strict=True):
            own = items.filter(pl.col("feature").is_in(together[0][0]))
            asked = [
                ask(own, specs, seat, occasion, features=names)
                for seat, (names, specs) in zip(bench.seats, together, strict=True)
            ]
            members_of = zip(*(specs for _, specs in together), strict=True)
            juries = list(members_of) if len(asked) > 1 else []
            for members in juries:
                keep_specs(occasion.lake, judging.judge_specs([jury_spec(members, bench.combine)]))
            heard.append(Heard(asked, juries, bench.combine))
    return heard


def ask(
    items: judging.Items,
    specs: Sequence[judging.JudgeSpec],
    seat: Seat,
    occasion: Occasion,
    *,
    features: Sequence[str] | None = None,
    one_at_a_time: bool = True,
    repetition: int = 0,
) -> Asked:
    """Ask ``specs`` about the items of switched-on features, paying for what is missing."""
    lake, judge, clock, day = occasion.lake, occasion.setup.judge, occasion.clock, occasion.day
    too_old = day < clock.today() - timedelta(days=judge.judge_within_days)
    switched_on = occasion.setup.judged_by(seat.endpoint.name)
    names = [name for name in switched_on if features is None or name in features]
    items = items.filter(pl.col("feature").is_in(names))
    if not specs or all(part.is_empty() for part in judging.slices(items)):
        return Asked((), names, occasion)
    keep_specs(lake, judging.judge_specs(specs))
    if too_old:
        # History is judged for money only when asked; what is paid for already is still shown.
        seat = seat._replace(endpoint=replace(seat.endpoint, base_url=""))
    waits = one_at_a_time and seat.endpoint.configured
    with alone_with(day, specs[0].kind, judge) if waits else nullcontext():
        waiting = LakeBook(lake, day).waiting(specs, now=clock.now())
        unfinished = _spend(items, specs, waiting, seat, occasion, repetition)
    owed = pl.concat([waiting, unfinished])
    return Asked(specs, names, occasion, owed, seat.endpoint.configured)


def alone_with(day: date, kind: str, judge: Judge) -> AbstractContextManager[None]:
    """One process at a time judges a day, so that the next one finds paid what it would pay again.

    Processes that share no disk are not held up; what they pay twice is counted.
    """
    if desk_of(judge) is None:
        return nullcontext()
    return alone(
        Path(judge.state) / f"{kind}-{day.toordinal() % _LOCKS}.lock",
        lambda: QUOTES.info("another process is judging %s; waiting for it", day),
    )


_LOCKS = 512
"""Days this far apart share a lock file, so that there are not ever more of them."""


def _spend(
    items: judging.Items,
    specs: Sequence[judging.JudgeSpec],
    waiting: pl.DataFrame,
    seat: Seat,
    occasion: Occasion,
    repetition: int,
) -> pl.DataFrame:
    """Ask for what the ledger lacks; return what could not be finished."""
    from llmops_pipelines.adapters.judging_day import judge_day
    from llmops_pipelines.adapters.judging_plans import Brief

    lake, judge, clock = occasion.lake, occasion.setup.judge, occasion.clock
    day, run_id = occasion.day, occasion.run_id

    book_of_day = LakeBook(lake, day)
    append = book_of_day.append  # somebody may be forgotten while a long judging goes on
    book = lake.read(PRICE_BOOK)
    batch_price = price_of(book, clock.now(), "batch")
    run = judging.JudgingRun(
        run_id,
        purse_of_run(lake, judge, clock, run_id),
        price_of(book, clock.now()),
        clock.now,
        seat.limits,
        gate_of(seat, desk_of(judge)),
        judging.halves_of(lake.scan(JUDGE_LEDGER), specs),
    )

    keys = [
        lake.scan(JUDGE_LEDGER).select(judging.LEDGER_KEY),
        waiting.lazy().select(judging.LEDGER_KEY),
    ]

    def on_quote(found: judging.Quote) -> None:
        if found.items:
            record_quote(lake, found, seat.pace, day=day, run_id=run_id, quoted_at=clock.now())
            QUOTES.info("quote %s: %s", day, found)

    posting = seat.batch and submission(
        book_of_day, seat.batch, run.purse, batch_price, run.price, clock.now
    )
    judged = judge_day(
        items,
        specs,
        pl.concat(keys),
        seat.endpoint,
        append,
        run,
        Brief(occasion.setup.features, repetition, batch_price=batch_price),
        on_quote=on_quote,
        prepare=lambda endpoint: _preflighted(endpoint, seat, append, run, occasion),
        post=posting.post if posting else None,
    )
    _tell(judged, day)
    return judged.unfinished


def _preflighted(
    endpoint: Endpoint,
    seat: Seat,
    append: judging.OnResults,
    run: judging.JudgingRun,
    occasion: Occasion,
) -> tuple[Endpoint, judging.Ruling | None]:
    """``endpoint`` as its preflight says to ask it, or what all items end with instead."""
    days = occasion.setup.judge.preflight_days
    if not days:
        return endpoint, None
    finding, _ = checked(occasion.lake, endpoint, append, run, logprobs=seat.logprobs, days=days)
    if finding.problem:
        return endpoint, judging.Ruling(finding.outcome, None, finding.problem)
    if finding.doubt:
        QUOTES.warning("preflight of %s: %s", endpoint.model, finding.doubt)
    return replace(endpoint, response_format=finding.response_format or "json_schema"), None


def _tell(judged: JudgedDay, day: date) -> None:
    """Say what was left undone, and which canaries were missed."""
    if judged.waiting:
        QUOTES.info(
            "%d of %s put into batches; `llmops batches` tells of them", judged.waiting, day
        )
    if judged.warning:
        QUOTES.warning("not judged %s: %s", day, judged.warning)
    if judged.canary_warning:
        QUOTES.warning("canary %s: %s", day, judged.canary_warning)


def _owed_before(
    found: pl.DataFrame,
    items: judging.Items,
    specs: Sequence[judging.JudgeSpec],
    lake: Lake,
    day: date,
) -> pl.DataFrame:
    """What the judges still owe of a day they are not asked about now: it stays on record.

    Else a later night would not know that there is something left to ask.
    """
    tables = {table_of_verdicts(spec) for spec in specs}
    stored = pl.concat([lake.scan(table, [day]).drop("day") for table in tables])
    owed = stored.filter(
        pl.col("outcome").is_in(judging.UNFINISHED),
        pl.col("spec_id").is_in([spec.spec_id for spec in specs]),
    )
    calls = judging.calls_of(items).lazy()
    return (
        owed.join(calls, on="call_id", how="semi", maintain_order="left")
        .collect()
        .join(found, on=JUDGE_SCORES.key, how="anti")
    )


def table_of_verdicts(spec: judging.JudgeSpec) -> Table:
    """Where a day shows the verdicts of ``spec``."""
    return RAGAS_SCORES if spec.kind == "ragas" else JUDGE_SCORES


def keep_specs(lake: Lake, specs: pl.DataFrame) -> None:
    """Keep each spec's full text, once, under its id."""
    for spec in specs.iter_slices(1):
        lake.append(JUDGE_SPECS, spec, name=spec["spec_id"][0])

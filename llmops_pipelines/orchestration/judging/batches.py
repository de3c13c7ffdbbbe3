"""Batches of judge requests in the lake: submitted with a day's judging, collected when ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters.endpoints.batch_api import ApiName, BatchApi
from llmops_pipelines.adapters.endpoints.batch_apis import batches_at
from llmops_pipelines.adapters.endpoints.batch_collecting import (
    Progress,
    close_forgotten,
    collect,
    look,
)
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.endpoints.judging_batches import Submission, pending
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    CALL_TEXTS,
    JUDGE_BATCH_ITEMS,
    JUDGE_BATCHES,
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_SPECS,
    LLM_CALLS,
    TOMBSTONES,
)


@dataclass(frozen=True)
class LakeBook:
    """Batches of the calls of one day, and the ledger; a ``Book``.

    ``rubrics`` bring the canaries, which kept specs do not hold; needed only to take results in.
    """

    lake: Lake
    day: date
    rubrics: judging.Rubrics = field(default_factory=judging.Rubrics)

    def states(self) -> pl.DataFrame:
        """The day's batches as they stand."""
        return judging.batch_states(self.lake.read(JUDGE_BATCHES, [self.day]).drop("day"))

    def items(self, batch: str) -> pl.DataFrame:
        """``JUDGE_BATCH_ITEMS`` of one batch."""
        rows = self.lake.scan(JUDGE_BATCH_ITEMS, [self.day]).drop("day")
        return rows.filter(pl.col("batch") == batch).collect()

    def all_items(self) -> pl.DataFrame:
        """``JUDGE_BATCH_ITEMS`` of the day."""
        return self.lake.read(JUDGE_BATCH_ITEMS, [self.day]).drop("day")

    def waiting_keys(self) -> pl.DataFrame:
        """`LEDGER_KEY` of what waits in the day's open batches, for whatever judge."""
        return judging.waiting_items(self.all_items(), self.states()).select(judging.LEDGER_KEY)

    def waiting(self, specs: Iterable[judging.JudgeSpec], *, now: datetime) -> pl.DataFrame:
        """What waits in the day's open batches for ``specs``: pending rows of ``JUDGE_LEDGER``."""
        states = self.states()
        if judging.open_batches(states).is_empty():
            return JUDGE_LEDGER.empty()
        known = {spec.spec_id: spec for spec in specs}
        rows = (
            judging.waiting_items(self.all_items(), states)
            .filter(pl.col("spec_id").is_in(list(known)))
            .unique(judging.LEDGER_KEY, keep="first", maintain_order=True)
        )
        return judging.verdict_frame(
            judging.verdict_row(
                known[row["spec_id"]],
                judging.Item(
                    row["call_id"], row["item_digest"], "", "", (), repetition=row["repetition"]
                ),
                pending(row["batch"]),
                attempts=(),
                scored_at=now,
                library_versions={},
            )
            for row in rows.iter_rows(named=True)
        )

    def judges(self, spec_ids: Iterable[str]) -> dict[str, judging.RubricJudge]:
        """The judges of these specs, by id."""
        specs = self.lake.read(JUDGE_SPECS).unique("spec_id")
        wanted = specs.filter(pl.col("spec_id").is_in(list(spec_ids)))
        kept = map(judging.read_spec, wanted["spec"])
        found = [judging.RubricJudge(judging.with_canaries(spec, self.rubrics)) for spec in kept]
        # Under the id it was asked by: a spec that is read back must not be another's.
        return dict(zip(wanted["spec_id"], found, strict=True))

    def known(self, asked: Mapping[str, judging.BatchItem], batch: str) -> judging.KnownOfBatch:
        """What the ledger holds of these requests, whatever day they were asked about on."""
        keys = pl.LazyFrame(
            [one.key for one in asked.values()],
            schema=[(name, JUDGE_LEDGER.schema[name]) for name in judging.LEDGER_KEY],
            orient="row",
        )
        verdicts = (
            self.lake.scan(JUDGE_LEDGER)
            .select(judging.LEDGER_KEY)
            .join(keys, on=judging.LEDGER_KEY, how="semi")
            .collect()
        )
        attempts = (
            self.lake.scan(JUDGE_CALLS)
            .select(*judging.LEDGER_KEY, "attempt_id", "outcome", "batch")
            .join(keys, on=judging.LEDGER_KEY, how="semi")
            .collect()
        )
        elsewhere = attempts.filter(pl.col("batch").ne_missing(pl.lit(batch)))

        def of(rows: pl.DataFrame) -> frozenset[judging.Key]:
            return frozenset(rows.select(judging.LEDGER_KEY).iter_rows())

        return judging.KnownOfBatch(
            verdicts=of(verdicts),
            answered_elsewhere=of(
                elsewhere.filter(pl.col("outcome").is_in(["ok", "refused", "truncated"]))
            ),
            unreadable_elsewhere=of(elsewhere.filter(pl.col("outcome") == "unreadable")),
            attempts=frozenset(attempts["attempt_id"]),
        )

    def keep_items(self, items: pl.DataFrame, batch: str) -> None:
        """Write down the requests of a batch."""
        self.lake.append(JUDGE_BATCH_ITEMS, items, name=batch, day=self.day)

    def note(self, event: pl.DataFrame) -> bool:
        """Write down one row of ``JUDGE_BATCHES``; False if it stands there already."""
        name = _part(event["batch"][0], event["event"][0])
        return self.lake.append(JUDGE_BATCHES, event, name=name, day=self.day)

    def append(self, verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        """Append to the ledger; attempts first, so that a crash in between loses no charge.

        Parts are named by what they hold: two processes that collect the same write one. Of a
        person who was forgotten meanwhile no words are kept.
        """
        verdicts = self._without_forgotten(verdicts)
        attempts = self._without_what_was_told(attempts)
        if not attempts.is_empty():
            name = _digest(attempts["attempt_id"])
            self.lake.append(JUDGE_CALLS, attempts, name=name, day=self.day)
        if not verdicts.is_empty():
            name = _digest(
                verdicts.select(pl.concat_str(judging.LEDGER_KEY, separator=":")).to_series()
            )
            self.lake.append(JUDGE_LEDGER, verdicts, name=name, day=self.day)

    def _without_what_was_told(self, attempts: pl.DataFrame) -> pl.DataFrame:
        """``attempts`` without the endpoint's words on calls of traces that were forgotten.

        A refusal may quote what it refuses.
        """
        traces = self.lake.read(TOMBSTONES).filter(kind="trace")["subject"]
        if attempts.is_empty() or traces.is_empty():
            return attempts
        calls = self.lake.scan(LLM_CALLS, [self.day])
        gone = calls.filter(pl.col("trace_id").is_in(traces.implode())).select("call_id").collect()
        theirs = pl.col("call_id").is_in(gone["call_id"].implode())
        return attempts.with_columns(reason=pl.when(~theirs).then("reason"))

    def _without_forgotten(self, verdicts: pl.DataFrame) -> pl.DataFrame:
        """``verdicts`` without the judge's words where the judged texts have been erased."""
        if verdicts.is_empty() or self.lake.read(TOMBSTONES).is_empty():
            return verdicts
        texts = self.lake.scan(CALL_TEXTS, [self.day]).select("call_id").unique().collect()
        theirs = pl.col("call_id").is_in(texts["call_id"].implode())
        return verdicts.with_columns(
            pl.when(theirs).then(pl.col(name)).alias(name) for name in ("reason", "evidence")
        )


def collect_open(
    book: LakeBook, endpoints: Mapping[str, Endpoint], price: judging.Price, now: datetime
) -> list[Progress]:
    """Take in what the open batches of a day have brought by now; say how each stands."""
    return [
        close_forgotten(row, book, price, now)
        if api is None
        else collect(row, api, book, price, now)
        for row, api in _with_apis(book.states(), endpoints)
    ]


def look_at_open(
    book: LakeBook, endpoints: Mapping[str, Endpoint], now: datetime
) -> list[Progress]:
    """How the open batches of a day stand; those of other endpoints are left out."""
    return [
        look(row, api, book, now)
        for row, api in _with_apis(book.states(), endpoints)
        if api is not None
    ]


def submission(
    book: LakeBook,
    api: ApiName,
    purse: judging.Purse,
    price: judging.Price,
    standard_price: judging.Price,
    now: Callable[[], datetime],
) -> Submission:
    """What puts a day's jobs into batches. A judge without a batch price may cost the standard."""
    states = book.states()
    tries = judging.tries_in_batches(book.all_items(), states)

    def most(model: str, buckets: Mapping[str, int]) -> Decimal | None:
        found = price(model, buckets)
        return standard_price(model, buckets) if found is None else found

    return Submission(
        api_name=api,
        book=book,
        purse=purse,
        price=most,
        now=now,
        ended=states.height - judging.open_batches(states).height,
        tries={(row[0], row[1], row[2]): row[3] for row in tries.iter_rows()},
    )


def _with_apis(
    states: pl.DataFrame, endpoints: Mapping[str, Endpoint]
) -> Iterator[tuple[dict[str, Any], BatchApi | None]]:
    """Open batches, each with what it is asked by; None where it is of another endpoint."""
    for row in judging.open_batches(states).iter_rows(named=True):
        endpoint = endpoints.get(row["base_url"])
        yield row, batches_at(endpoint, row["api"]) if endpoint else None


class OpenDay(NamedTuple):
    """A day some of whose calls wait in batches."""

    day: date
    batches: pl.DataFrame
    """Rows of ``batch_states`` of those that are open."""


def open_days(lake: Lake) -> Iterator[OpenDay]:
    """The days with open batches, oldest first; names of parts tell which to read."""
    events: dict[date, dict[str, set[str]]] = {}
    for entry in lake.store.walk(JUDGE_BATCHES.name):
        folder, name = entry.path.split("/")[-2:]
        batch, _, event = name.removesuffix(".parquet").partition("-")
        events.setdefault(date.fromisoformat(folder.removeprefix("day=")), {}).setdefault(
            batch, set()
        ).add(event)
    for day, batches in sorted(events.items()):
        if any(not told & {"dropped", "collected"} for told in batches.values()):
            yield OpenDay(day, judging.open_batches(LakeBook(lake, day).states()))


def held(lake: Lake, now: datetime) -> judging.Spent:
    """What open batches that were intended today may still cost."""
    days = [entry.day for entry in open_days(lake)]
    if not days:
        return judging.Spent()
    return judging.held_in_batches(lake.read(JUDGE_BATCHES, days).drop("day"), now)


def all_batches(lake: Lake) -> pl.DataFrame:
    """Every batch as it stands, with the ``day`` of its calls; the newest last."""
    days = lake.days(JUDGE_BATCHES)
    states = [LakeBook(lake, day).states().with_columns(day=pl.lit(day, pl.Date)) for day in days]
    empty = JUDGE_BATCHES.empty().with_columns(day=pl.lit(None, pl.Date))
    return pl.concat([empty, *states]).sort("at", "batch")


def _part(batch: str, event: str) -> str:
    return f"{batch}-{event}"


def _digest(names: pl.Series) -> str:
    return sha256("\n".join(sorted(names)).encode()).hexdigest()[:32]

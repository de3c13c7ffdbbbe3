"""A file's samples in batches: submitted by the run, waited for, collected by it or by the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters.endpoints.batch_api import ApiName, NoBatchApiError
from llmops_pipelines.adapters.endpoints.batch_apis import batches_at
from llmops_pipelines.adapters.endpoints.batch_collecting import Progress, close_forgotten, collect
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.endpoints.judging_batches import Submission
from llmops_pipelines.adapters.scoring import SampleFile, unjudged_items
from llmops_pipelines.adapters.spool import Spool, Verdict, verdicts_in
from llmops_pipelines.judging import CALL_ID, PENDING
from llmops_pipelines.judging.execution.canaries import MISSED, STEP
from llmops_pipelines.judging.ledger import attempt_frame, cost_of
from llmops_pipelines.orchestration.judging.batches import (
    LakeBook,
    all_batches,
    open_days,
    submission,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import JUDGE_BATCH_ITEMS, JUDGE_CALLS, JUDGE_LEDGER

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between two looks at the endpoint; each pause is half as long again as the one before."""

PATIENCE_S = 300.0
"""How long a batch may be out of sight before the run ends without it."""

MOST_SHORT_READS = 4
"""How often results that are fewer than the endpoint says are read by one run."""

_AT_ONCE = 1_000


class NoBatchesError(RuntimeError):
    """The endpoint, or the judge, cannot be asked in batches. The message says why."""


def refuse_what_asks_more(spec: judging.JudgeSpec, api: ApiName) -> None:
    """Refuse judges that one request of a batch of ``api`` does not settle.

    Raises:
        NoBatchesError: Nothing of it can be put into a batch.
    """
    if spec.rubric is None and spec.kind not in ("ragas", "deepeval"):
        raise NoBatchesError(f"{spec.metric} is computed here and costs nothing; leave out --batch")
    if spec.rubric is None or spec.rubric.swap is not None:
        raise NoBatchesError(
            f"{spec.metric} asks several questions about a sample, each resting on the one before; "
            "leave out --batch to have it asked at once"
        )
    if spec.weighs and api == "anthropic":
        raise NoBatchesError(
            f"scores of {spec.metric} are weighed by log probabilities, of which Anthropic's "
            "batches tell none; leave out --batch or --logprobs"
        )


class FileBook(LakeBook):
    """Batches of samples, under the day on which they were submitted.

    Samples are no logged calls, so nobody's erasure is told by the calls of the day.
    """

    def _without_forgotten(self, verdicts: pl.DataFrame) -> pl.DataFrame:
        return verdicts


@dataclass(frozen=True)
class BatchTerms:
    """How a file is asked about in batches, and how its batches are collected.

    ``api`` is empty where nothing is submitted; what waits from before is collected all the same.
    """

    api: ApiName | Literal[""]
    endpoints: Mapping[str, Endpoint]
    price: judging.Price
    standard_price: judging.Price


@dataclass
class FileBatches:
    """The batches that hold contents of a file: found open, or submitted by this run."""

    lake: Lake
    spec: judging.JudgeSpec
    spool: Spool
    terms: BatchTerms
    now: Callable[[], datetime]
    days: dict[str, date] = field(default_factory=dict)
    """Every batch that was looked at, and the day it stands under."""
    standing: dict[str, Progress] = field(default_factory=dict)
    _blind_since: dict[str, float] = field(default_factory=dict)
    _short_reads: dict[str, int] = field(default_factory=dict)

    def find(self) -> None:
        """Find open batches that hold contents of the file, and collect what they have."""
        for day, batches in open_days(self.lake):
            for batch in batches["batch"]:
                if self._wait(batch, day):
                    self.days[batch] = day
        self.look()

    def submit(
        self,
        file: SampleFile,
        judge: judging.Judge,
        endpoint: Endpoint,
        purse: judging.Purse,
        *,
        canaries: bool,
    ) -> None:
        """Put the contents that have no verdict and wait in no batch into batches.

        Raises:
            NoBatchesError: The endpoint has no batch API; nothing was submitted.
        """
        day = self.now().date()
        with _Heard(FileBook(self.lake, day), self.spool) as heard:
            post = self._submission(day, purse, canaries=canaries, hear=heard.take)
            post.post(((judge, _named(item)) for item in self._items(file)), endpoint)
        purse.tell()
        for batch in post.made:
            self.days[batch] = day
            self._wait(batch, day)
        refusal = next(iter(post.refusals), None)
        if isinstance(refusal, NoBatchApiError) and not post.made:
            raise NoBatchesError(
                f"{endpoint.base_url} takes no batches ({refusal}); leave out --batch to "
                "have it asked at once"
            )

    def _items(self, file: SampleFile) -> Iterator[judging.Item]:
        return unjudged_items(file, self.spec, self.spool)

    def _submission(
        self,
        day: date,
        purse: judging.Purse,
        *,
        canaries: bool,
        hear: Callable[[dict[str, Any]], None],
    ) -> Submission:
        """What submits; a file may have been tried on other days, so those count too."""
        book = FileBook(self.lake, day)
        terms = self.terms
        api = terms.api or "openai"
        base = submission(book, api, purse, terms.price, terms.standard_price, self.now)
        states = all_batches(self.lake).drop("day")
        items = self.lake.scan(JUDGE_BATCH_ITEMS).filter(spec_id=self.spec.spec_id).drop("day")
        tries = judging.tries_in_batches(items.collect(), states).filter(
            pl.col("tries") >= judging.MOST_TRIES
        )
        return replace(
            base,
            ended=states.height - judging.open_batches(states).height,
            tries={(row[0], row[1], row[2]): row[3] for row in tries.iter_rows()},
            canaries=canaries,
            hear=hear,
        )

    def _wait(self, batch: str, day: date) -> int:
        """Have the spool wait for what a batch holds; of how many contents of the file."""
        return self.spool.wait_for(self._digests(batch, day), f"waits in batch {batch}")

    def _digests(self, batch: str, day: date) -> list[str]:
        rows = FileBook(self.lake, day).items(batch)
        own = rows.filter(pl.col("spec_id") == self.spec.spec_id, pl.col("call_id") != CALL_ID)
        return own["item_digest"].to_list()

    # Collecting

    @property
    def open(self) -> list[str]:
        """The batches that are not over."""
        return [b for b in self.days if b not in self.standing or not self.standing[b].over]

    @property
    def awaited(self) -> list[str]:
        """Those of them of which this run may still learn something."""
        return [batch for batch in self.open if not self._hopeless(batch)]

    def look(self) -> None:
        """Collect what the open batches have brought by now."""
        for batch in self.awaited:
            day = self.days[batch]
            progress = self._collected(batch, FileBook(self.lake, day, self._rubrics()))
            self.standing[batch] = progress
            if progress.over:
                self._settle(batch, day)
            elif not progress.faulty:
                self._blind_since.pop(batch, None)
            else:
                self._blind_since.setdefault(batch, time.monotonic())
                self._short_reads[batch] = self._short_reads.get(batch, 0) + progress.ready
                digests = self._digests(batch, day)
                self.spool.wait_no_more(digests)
                if progress.ready:
                    self._recall(digests)
                self.spool.wait_for(digests, f"waits in batch {batch}, which {progress.told}")

    def _rubrics(self) -> judging.Rubrics:
        """The file's own: its canaries are held against what was known of them."""
        rubric = self.spec.rubric
        return judging.Rubrics(rubrics={self.spec.metric: rubric} if rubric else {})

    def _collected(self, batch: str, book: FileBook) -> Progress:
        [row] = book.states().filter(pl.col("batch") == batch).to_dicts()
        if row["event"] in ("collected", "dropped"):
            told = f"{row['verdicts'] or 0:,} verdicts, {row['unanswered'] or 0:,} without one"
            asked = row["requests"]
            state = "dropped" if row["event"] == "dropped" else row["state"]
            return Progress(batch, state, told, over=True, done=asked, total=asked)
        endpoint = self.terms.endpoints.get(row["base_url"])
        if endpoint is None:
            return close_forgotten(row, book, self.terms.price, self.now())
        api = batches_at(endpoint, row["api"])
        return collect(row, api, book, self.terms.price, self.now())

    def _hopeless(self, batch: str) -> bool:
        """Whether a batch will tell this run nothing more."""
        progress = self.standing.get(batch)
        if progress is None or not progress.faulty:
            return False
        blind_for = time.monotonic() - self._blind_since.get(batch, time.monotonic())
        elsewhere = self._base_url(batch) not in self.terms.endpoints
        short = self._short_reads.get(batch, 0) >= MOST_SHORT_READS
        return elsewhere or short or blind_for > PATIENCE_S

    def _base_url(self, batch: str) -> str:
        states = FileBook(self.lake, self.days[batch]).states()
        return str(states.filter(pl.col("batch") == batch)["base_url"][0])

    def _settle(self, batch: str, day: date) -> None:
        """Take the verdicts of a batch that is over into the spool, and why others have none."""
        digests = self._digests(batch, day)
        self.spool.wait_no_more(digests)
        self._recall(digests)
        reasons = dict(self._faults(batch, day))
        progress = self.standing[batch]
        unasked = Verdict("", "failed", None, f"its batch ended as {progress.state}", 0, "0")
        if progress.state == "dropped":
            unasked = unasked._replace(reason="its batch never reached the endpoint")
        self.spool.add_verdicts(
            (reasons.get(digest, unasked)._replace(digest=digest) for digest in digests),
            bought=True,
        )

    def _recall(self, digests: Sequence[str]) -> None:
        recall(self.lake, self.spec, self.spool, digests, bought=True)

    def _faults(self, batch: str, day: date) -> Iterator[tuple[str, Verdict]]:
        asked = self._attempts([day]).filter(batch=batch, step="verdict")
        rows = asked.select("item_digest", "outcome", "reason", "cost").collect()
        for row in rows.iter_rows(named=True):
            why = ": ".join(filter(None, (row["outcome"], row["reason"])))
            cost = None if row["cost"] is None else str(row["cost"])
            yield row["item_digest"], Verdict("", "failed", None, why, 1, cost)

    def _attempts(self, days: Sequence[date]) -> pl.LazyFrame:
        return self.lake.scan(JUDGE_CALLS, days).filter(spec_id=self.spec.spec_id)

    # Telling

    def attempts(self) -> pl.DataFrame:
        """What ``JUDGE_CALLS`` holds of the requests that the batches answered, canaries too.

        What a batch answered about another file is none of it.
        """
        columns = ("batch", "step", "item_digest", "outcome", "reason", "cost")
        days = sorted(set(self.days.values()))
        if not days:
            return JUDGE_CALLS.empty().select(columns)
        own = pl.Series(self.spool.digests(), dtype=pl.String)
        theirs = self._attempts(days).filter(
            pl.col("batch").is_in(list(self.days)),
            pl.col("step").str.starts_with(STEP) | pl.col("item_digest").is_in(own.implode()),
        )
        return theirs.select(columns).collect()


def canary_results(
    attempts: pl.DataFrame, spec: judging.JudgeSpec
) -> tuple[judging.CanaryResult, ...]:
    """What became of the canaries in batches, as many a file as the judge has."""
    expects = {known.item.digest: known.expects for known in judging.known_items(spec)}
    return tuple(
        judging.CanaryResult(
            spec.metric,
            spec.spec_id,
            "held" if row["outcome"] == "ok" else "missed" if missed else "unanswered",
            expects.get(row["item_digest"], "another verdict"),
            f"batch {row['batch']}: "
            + ("another verdict came back than the known one" if missed else row["reason"] or "ok"),
            calls=1,
            cost=row["cost"],
            uncosted=int(row["cost"] is None),
        )
        for row in attempts.filter(pl.col("step").str.starts_with(STEP)).iter_rows(named=True)
        for missed in [row["outcome"] in (MISSED, "unreadable", "refused", "truncated")]
    )


def wait_for(batches: Sequence[FileBatches], tell: Callable[[list[Progress]], None]) -> None:
    """Look at the open batches until all are over, or nothing more is to be expected of them."""
    pause = FIRST_PAUSE_S
    while any(each.awaited for each in batches):
        for each in batches:
            each.look()
        tell([progress for each in batches for progress in each.standing.values()])
        if any(each.awaited for each in batches):
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE_S)


def recall(
    lake: Lake,
    spec: judging.JudgeSpec,
    spool: Spool,
    digests: Sequence[str] | None = None,
    *,
    bought: bool = False,
) -> None:
    """Put the ledger's verdicts on the file's contents into the spool; the earliest count."""
    known = (
        known_of(lake, [spec], spool, digests)
        .select("item_digest", "outcome", "score", "reason", "attempts", "cost", "scored_at")
        .sort("item_digest", "scored_at")
        .collect()
    )
    spool.add_verdicts(verdicts_in(known.iter_rows(named=True)), bought=bought)


def known_of(
    lake: Lake,
    specs: Sequence[judging.JudgeSpec],
    spool: Spool,
    digests: Sequence[str] | None = None,
) -> pl.LazyFrame:
    """``JUDGE_LEDGER`` rows of ``specs`` on these contents, or on all of the file's."""
    contents = spool.digests() if digests is None else iter(digests)
    frames = [pl.DataFrame(schema={"item_digest": pl.String})]
    while some := list(islice(contents, _AT_ONCE)):
        frames.append(pl.DataFrame({"item_digest": some}))
    of_specs = pl.col("spec_id").is_in([spec.spec_id for spec in specs])
    verdicts = lake.scan(JUDGE_LEDGER).filter(of_specs, pl.col("repetition") == 0)
    return verdicts.join(pl.concat(frames).lazy(), on="item_digest", how="semi")


def _named(item: judging.Item) -> judging.Item:
    """``item`` under a name that is not the one that canaries go by in batches."""
    return item if item.call_id != CALL_ID else replace(item, call_id=f"{CALL_ID} (a sample)")


@dataclass
class _Heard:
    """Takes what a submission says of items that wait in no batch, some at a time."""

    book: FileBook
    spool: Spool
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> _Heard:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def take(self, row: dict[str, Any]) -> None:
        if row["outcome"] != PENDING:
            self.rows.append(row)
        if len(self.rows) >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        final = [row for row in self.rows if row["outcome"] in judging.FINAL]
        if final:
            self.book.append(judging.verdict_frame(final), attempt_frame([]))
        self.spool.add_verdicts(verdicts_in(self.rows), bought=True)
        self.rows = []


def dollars(attempts: pl.DataFrame) -> Decimal | None:
    """What is known of the cost of ``attempts``; None where nothing is known of any."""
    return cost_of(attempts["cost"])

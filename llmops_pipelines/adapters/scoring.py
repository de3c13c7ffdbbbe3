"""A file of samples judged line by line, with memory that does not grow with the file.

The file is read three times: for digests, for the quote of what is not yet paid, and for asking.
What must be kept in between lies in a `Spool`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl

from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.cross_encoder import EntailmentModel, library_versions
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint, open_judge
from llmops_pipelines.adapters.judging_day import judging_versions
from llmops_pipelines.adapters.spool import Line, Spool, verdicts_in
from llmops_pipelines.ingest import LogFile
from llmops_pipelines.ingest.log_files.files import Content, foreign, read_content
from llmops_pipelines.ingest.log_files.lines import Block, Refused, too_long
from llmops_pipelines.ingest.log_files.record_files import record_blocks
from llmops_pipelines.ingest.log_files.tabular import PARQUET
from llmops_pipelines.judging import (
    CanaryResult,
    Estimate,
    GaveUpError,
    Item,
    Job,
    Judge,
    JudgeSpec,
    JudgingRun,
    OnResults,
    Question,
    Ruling,
    Tally,
    ask_canaries,
    embedded_verdicts,
    entailment_verdicts,
    execute,
    heuristic_scores,
    read_item,
    with_digests,
)
from llmops_pipelines.judging.samples import BadLine, Sample, read_sample, sample_frame
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import LLM_CALLS

MOST_LINE_BYTES: Final = 10 * 2**20
_UNKNOWN: Final = ("model", "prompt_version", "format_requested", "finish_reason")
_AT_ONCE: Final = 1_000
"""Lines that are taken apart together."""

_HEAD_BYTES: Final = 512

REJECTED: Final = "rejected"
"""The outcome of a line that is no sample: it never reaches a judge."""

Forbids = Callable[[Sample], str | None]
"""Why a sample's texts may not go to the judge, or None."""

Done = Callable[[int], None]
"""Told how many contents are done."""


class SampleFileError(ValueError):
    """A file that holds no samples at all. The message says what it seems to be."""


@dataclass
class Intake:
    """What a file holds; ``unread`` counts the fields that nothing reads."""

    lines: int = 0
    blank: int = 0
    unread: Counter[str] = field(default_factory=Counter)


class SampleFile:
    """A file of samples: lines of JSON, one array, CSV or Parquet, packed or not."""

    def __init__(self, path: Path) -> None:
        state = path.stat()
        file = LogFile(path.name, state.st_size, state.st_mtime_ns, lambda _: path.open("rb"))
        self._content: Content = read_content(file, hold=0)
        self.path = path

    def check(self) -> None:
        """Refuse what can hold no records.

        Raises:
            SampleFileError: It is an archive or another binary file, or cannot be read.
        """
        if self._content.failure:
            raise SampleFileError(self._content.failure)
        head = next(iter(self._content.chunks()), b"")
        alien = foreign(head[:_HEAD_BYTES])
        if alien is not None and not head.startswith(PARQUET):
            raise SampleFileError(f"it is {alien}")
        if head.startswith((PARQUET, b"[")):
            first = next(record_blocks(self._content, MOST_LINE_BYTES), None)
            if isinstance(first, Refused) and first.reason.startswith("file: "):
                raise SampleFileError(f"it {first.reason.removeprefix('file: ')}")

    def batches(self, intake: Intake | None = None) -> Iterator[list[Sample | BadLine]]:
        """Its lines in order, some at a time; blank ones are counted in ``intake`` alone."""
        counts = intake or Intake()
        for block in record_blocks(self._content, MOST_LINE_BYTES):
            if not isinstance(block, Block):
                counts.lines += block.lines
                yield [
                    BadLine(block.line, f"line-{block.line}", block.reason.removeprefix("line: "))
                ]
                continue
            lines = _lines(block)
            while some := list(islice(lines, _AT_ONCE)):
                read = [_read(raw, line) for line, raw in some if raw.strip()]
                counts.lines += len(some)
                counts.blank += len(some) - len(read)
                for sample in read:
                    counts.unread.update(sample.unread if isinstance(sample, Sample) else ())
                yield read


def _read(raw: bytes, line: int) -> Sample | BadLine:
    """The sample on a line; how its file is cut and packed does not decide whether it is read."""
    if len(raw) > MOST_LINE_BYTES:
        reason = too_long(len(raw), MOST_LINE_BYTES)
        return BadLine(line, f"line-{line}", reason.removeprefix("line: "))
    return read_sample(raw, line)


def _lines(block: Block) -> Iterator[tuple[int, bytes]]:
    start = 0
    for line in range(block.first_line, block.first_line + block.lines):
        end = block.data.index(b"\n", start)
        yield line, block.data[start:end]
        start = end + 1


def take_in(file: SampleFile, spec: JudgeSpec, spool: Spool, forbids: Forbids) -> Intake:
    """Fill ``spool`` with the lines of ``file`` and the contents that ``spec`` tells apart."""
    intake = Intake()
    for batch in file.batches(intake):
        closed, free = [], []
        for read in batch:
            if isinstance(read, BadLine):
                closed.append(Line(read.line, read.id, None, REJECTED, read.reason))
            elif reason := forbids(read):
                closed.append(Line(read.line, read.id, None, "over_policy", reason))
            else:
                free.append(read)
        digests = with_digests(sample_frame(free), spec)["item_digest"].to_list()
        pairs = list(zip(free, digests, strict=True))
        spool.add_lines([*closed, *(Line(s.line, s.id, digest) for s, digest in pairs)])
        spool.add_contents((s.line, digest) for s, digest in pairs)
    return intake


def unjudged(file: SampleFile, spec: JudgeSpec, spool: Spool) -> Iterator[pl.DataFrame]:
    """The contents of ``file`` that have no verdict yet, each once, with their digests."""
    for batch in file.batches():
        if batch:
            wanted = spool.unjudged(batch[0].line, batch[-1].line)
            samples = [s for s in batch if isinstance(s, Sample) and s.line in wanted]
            if samples:
                yield with_digests(sample_frame(samples), spec)


def unjudged_items(file: SampleFile, spec: JudgeSpec, spool: Spool) -> Iterator[Item]:
    """The same, item by item."""
    for frame in unjudged(file, spec, spool):
        yield from map(read_item, frame.iter_rows(named=True))


def estimates(items: Iterable[Item], judge: Judge) -> Iterator[Estimate]:
    """What judging ``items`` takes; those to which the judge does not apply take nothing."""
    return (judge.estimate(item) for item in items if judge.inapplicable(item) is None)


@dataclass
class _Watched:
    """A judge that counts what is done, and says when nothing more can be asked."""

    judge: Judge
    done: Done
    count: int = 0
    closed: str | None = None

    @property
    def spec(self) -> JudgeSpec:
        return self.judge.spec

    def estimate(self, item: Item) -> Estimate:
        return self.judge.estimate(item)

    def inapplicable(self, item: Item) -> str | None:
        reason = self.judge.inapplicable(item)
        if reason is not None:
            self._count()
        return reason

    async def rule(self, item: Item, ask: Question) -> Ruling:
        try:
            return await self.judge.rule(item, ask)
        except GaveUpError as error:
            if error.outcome == "over_budget":
                self.closed = error.reason
            raise
        finally:
            self._count()

    def _count(self) -> None:
        self.count += 1
        self.done(self.count)


def ask_about(
    file: SampleFile,
    judge: Judge,
    spool: Spool,
    endpoint: Endpoint,
    append: OnResults,
    run: JudgingRun,
    *,
    done: Done,
    canaries: bool = True,
) -> tuple[Tally, tuple[CanaryResult, ...]]:
    """Have ``judge`` rule on every content without verdict; verdicts go to ledger and ``spool``.

    Once the purse is empty or the endpoint dead, no further line is read: the rest ends alike.

    Args:
        file: As `take_in` read it.
        judge: Asks ``endpoint``.
        spool: Filled, with the verdicts that are known.
        endpoint: Where.
        append: Takes ``JUDGE_LEDGER`` and ``JUDGE_CALLS`` rows; called from another thread.
        run: What is asked with; its gate is closed at the end.
        done: Told of progress.
        canaries: Whether the judge's canaries are asked first, if anything is.
    """
    watched = _Watched(judge, done)
    circuit = run.circuit(named=endpoint.named)

    def keep(verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        append(verdicts, attempts)
        spool.add_verdicts(verdicts_in(verdicts.iter_rows(named=True)), bought=True)

    def jobs() -> Iterator[Job]:
        for item in unjudged_items(file, judge.spec, spool):
            if watched.closed or circuit.opened.is_set():
                return
            yield watched, item

    async def asked() -> tuple[Tally, tuple[CanaryResult, ...]]:
        versions = judging_versions(endpoint)
        async with open_judge(endpoint, concurrency=run.limits.concurrency) as ask:
            conduct = run.conduct(ask, circuit)
            tried = [judge] if canaries else []
            heard = await ask_canaries(tried, conduct, append, library_versions=versions)
            return await execute(jobs(), conduct, keep, library_versions=versions), heard

    try:
        tally, heard = asyncio.run(asked())
    finally:
        run.end()
    spool.add_verdicts(verdicts_in(tally.unfinished.iter_rows(named=True)), bought=True)
    if watched.closed:
        spool.close_rest("over_budget", watched.closed)
    elif circuit.opened.is_set():
        spool.close_rest("failed", circuit.reason)
    return tally, heard


def score_embedded(
    file: SampleFile, spec: JudgeSpec, spool: Spool, now: datetime, done: Done
) -> None:
    """Let the embedded scorer of ``spec`` rule on every content in ``spool``; nothing is sent."""
    count = 0
    for frame in unjudged(file, spec, spool):
        # Ids may repeat within a file; numbers do not.
        items = frame.drop("item_digest").with_columns(
            call_id=pl.int_range(pl.len()).cast(pl.String)
        )
        _, verdicts = embedded_verdicts(
            items,
            heuristic_scores(_as_calls(items), _as_texts(items), Features()),
            minilm.embed,
            weights=minilm.weights(),
            now=now,
            metrics=(spec.metric,),
            evidence=False,
        )
        spool.add_verdicts(verdicts_in(verdicts.iter_rows(named=True)), bought=True)
        count += frame.height
        done(count)


def score_by_entailment(
    file: SampleFile,
    spec: JudgeSpec,
    specs: Sequence[JudgeSpec],
    model: EntailmentModel,
    spool: Spool,
    ledger_keys: pl.DataFrame,
    now: Callable[[], datetime],
) -> Iterator[pl.DataFrame]:
    """Let ``model`` rule on every content in ``spool`` that has no verdict; nothing is sent.

    Args:
        file: As `take_in` read it.
        spec: The one of ``specs`` whose verdicts the spool takes.
        specs: `entailment_specs`: one pass gives the verdicts of both.
        model: The model.
        spool: Filled, with the verdicts that are known.
        ledger_keys: Key columns of ``judge_ledger``, of the contents in the file.
        now: The UTC time, without a zone.

    Yields:
        ``JUDGE_LEDGER`` rows, to be kept as they come.

    Raises:
        EntailmentModelError: The model cannot be loaded, or answers with no number.
    """
    for frame in unjudged(file, spec, spool):
        for verdicts in entailment_verdicts(
            frame.drop("item_digest"), specs, model.entails, ledger_keys, now=now,
            library_versions=library_versions(),
        ):  # fmt: skip
            own = verdicts.filter(pl.col("spec_id") == spec.spec_id)
            spool.add_verdicts(verdicts_in(own.iter_rows(named=True)), bought=True)
            yield verdicts


def _as_calls(items: pl.DataFrame) -> pl.DataFrame:
    """Items as heuristics look at calls: nothing is known but the texts."""
    return items.select(
        "call_id",
        "feature",
        *(pl.lit(None, LLM_CALLS.schema[name]).alias(name) for name in _UNKNOWN),
    )


def _as_texts(items: pl.DataFrame) -> pl.DataFrame:
    return items.select(
        "call_id",
        "question",
        "answer",
        contexts=pl.col("contexts").list.eval(pl.struct(content=pl.element())),
        response_schema=pl.lit(None, pl.String),
    )

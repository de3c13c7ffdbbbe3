"""Landing: new log files become rows and texts of the lake, once, by event day."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import partial
from typing import NamedTuple
from uuid import uuid4

import dagster as dg
import polars as pl

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.graph.reference_assets import digest_of, reference_key
from llmops_pipelines.orchestration.graph.reference_files import PATTERNS
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    LakeResource,
    LogFolder,
    Policy,
    Privacy,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.landing.landed_rows import (
    landed_rows,
    of_files,
    own_calls,
    stored_rows,
)
from llmops_pipelines.orchestration.landing.late_feedback import changed_late_feedback
from llmops_pipelines.orchestration.landing.midnights import with_neighbours
from llmops_pipelines.orchestration.landing.redaction import redaction_of
from llmops_pipelines.orchestration.landing.retention import SOURCES, kept_from
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.spooling import dealt_out
from llmops_pipelines.reference import Features, PrivacyRules
from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LANDED_DAYS,
    LANDED_STEPS,
    LATE_FEEDBACK,
    LOG_INDEX,
    STEP_TEXTS,
    TABLES,
    TOMBSTONES,
    Table,
)

_LINE_COUNTS = ("lines", "records", "calls", "steps", "feedback", "rejected", "ignored")


_OWNERS = {CALL_TEXTS.name: LANDED_CALLS.name, STEP_TEXTS.name: LANDED_STEPS.name}
"""Texts do not land without the rows that say whose they are."""
_OF_NEIGHBOURS = ("elsewhere", "said_before", "tried_before")
_UNREPORTED = "unreported_days.json"


class Landing(NamedTuple):
    """What one landing run did.

    ``changed`` maps each event day it touched to its new digest, ``late_feedback`` each day to or
    from which feedback moved to that of its ``LATE_FEEDBACK``. Days that a landing before changed,
    and died before it could report them, are among these.
    """

    files: int
    log_index: pl.DataFrame
    changed: dict[date, str]
    late_feedback: dict[date, str]


def land_new_files(
    lake: Lake,
    files: Iterable[ingest.LogFile],
    options: ingest.LandingOptions,
    report: Callable[[Table, Mapping[date, str]], None] = lambda *_: None,
    *,
    first_days: Mapping[str, date] | None = None,
) -> Landing:
    """Read every file that is new or changed, record which days changed, and ``report`` these.

    They are told for ``LANDED_DAYS`` and for ``LATE_FEEDBACK``, with the new digest of each.

    Rows are written before the index that makes them count, so a crash in between loses nothing:
    the next landing reads the same files into the same parts. Likewise it reports again what was
    not reported to the end. Rows of days before a table's ``first_days`` are past their retention
    and not written. A day that lost what it was computed from is closed: it does not change.
    """
    first_days = first_days or {}
    index = log_index(lake)
    before, landed = index.select(LOG_INDEX.key), False
    for batch in ingest.land(ingest.changed_files(files, index, options.sources), options, index):
        _write_batch(lake, batch, options.now, first_days)
        landed = True
        del batch  # its rows are not held while those of the next are read
    if landed:
        del index  # it may have a row for each of a million objects
        index = log_index(lake)
    closed = max((first_days[name] for name in SOURCES if name in first_days), default=date.min)
    changed, late = _write_changed_days(lake, index, closed)
    report(LANDED_DAYS, changed)
    report(LATE_FEEDBACK, late)
    if changed or late:
        lake.store.delete(_UNREPORTED)
    new = index.select(LOG_INDEX.key).join(before, on=LOG_INDEX.key, how="anti")
    return Landing(new.height, index, changed, late)


def _write_batch(
    lake: Lake, batch: ingest.LandedBatch, now: datetime, first_days: Mapping[str, date]
) -> None:
    """The rows of ``batch``, those of forgotten people without texts, and then its index."""
    # Read for every batch: somebody may be forgotten while a long landing goes on.
    tombstones = _tombstones(lake, batch, now)
    earlier = partial(lake.scan, LANDED_CALLS)
    cleaned = ingest.without_forgotten(batch.tables, tombstones, earlier)
    for name, days in cleaned.items():
        for day, rows in days.items():
            owner = _OWNERS.get(name, name)
            if day < max(first_days.get(name, day), first_days.get(owner, day)):
                continue
            # Equal input gives equal names (``ingest.land``): a name tells contents apart.
            lake.append(TABLES[name], rows, name=batch.name, day=day, digest=batch.name)
    _forget_in(lake, batch, tombstones.height)
    # A file that was only touched is indexed again under the same batch.
    lake.append(LOG_INDEX, batch.index, name=f"{batch.name}-{uuid4().hex[:8]}")


def _tombstones(lake: Lake, batch: ingest.LandedBatch, now: datetime) -> pl.DataFrame:
    """Whom to forget, those of ``batch`` who were forgotten under an older key by the newest.

    Their traces in ``batch`` are among them: what a later one says of these may name nobody.
    """
    tombstones = lake.read(TOMBSTONES)
    again = ingest.respelled(tombstones, batch.spellings)
    subjects = ingest.subjects_of(pl.concat([tombstones, again]))
    if subjects.nobody:
        return tombstones
    traces = frozenset(ingest.traces_in(batch.tables, subjects))
    found = ingest.Subjects(frozenset(), frozenset(), traces)
    new = ingest.tombstones_of(found, tombstones, now=now, command="landing")
    if again.is_empty() and new.is_empty():
        return tombstones
    new = pl.concat([again, new]).unique(TOMBSTONES.key, keep="first", maintain_order=True)
    lake.append(TOMBSTONES, new, name=uuid4().hex[:16])
    return lake.read(TOMBSTONES)


def _forget_in(lake: Lake, batch: ingest.LandedBatch, known: int) -> None:
    """Take out of a batch just written the texts of whom was forgotten while it was.

    Who forgets writes tombstones first and then looks through what is there: either he finds this
    batch, or this batch finds his tombstones.
    """
    tombstones = lake.read(TOMBSTONES)
    if tombstones.height == known:
        return
    earlier = partial(lake.scan, LANDED_CALLS)
    cleaned = ingest.without_forgotten(batch.tables, tombstones, earlier)
    for name, days in batch.tables.items():
        for day, rows in days.items():
            if not (kept := cleaned[name][day]).equals(rows):
                lake.replace(TABLES[name], kept, name=batch.name, day=day)


def unreported_days(lake: Lake) -> list[date]:
    """Days that changed without anybody being told, because a landing died too early."""
    days = lake.store.read(_UNREPORTED)
    return [date.fromisoformat(day) for day in json.loads(days)] if days else []


def land(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    logs: LogFolder,
    reference: ReferenceFolder,
    privacy: Privacy,
    clock: Clock,
    policy: Policy,
) -> dg.MaterializeResult[None]:
    """Land what is new, and report every day that changed with its digest as data version."""
    rules = reference.read("privacy.yaml", PrivacyRules)
    newest = privacy.key()
    options = ingest.LandingOptions(
        start=date.fromisoformat(policy.start),
        now=clock.now(),
        hash_key=newest,
        old_keys=tuple(key for key in privacy.ring() if key != newest),
        features=reference.read("features.yaml", Features),
        sources=reference.read("sources.yaml", ingest.Sources),
        redaction=redaction_of(rules),
    )
    prefix = context.asset_key.path[:-1]

    def report(table: Table, changed: Mapping[date, str]) -> None:
        key = dg.AssetKey([*prefix, table.name])
        for day, digest in changed.items():
            context.log_event(
                dg.AssetMaterialization(
                    key, partition=day.isoformat(), tags={"dagster/data_version": digest}
                )
            )

    landing = land_new_files(
        lake.open(),
        logs.files(),
        options,
        report,
        first_days=kept_from(rules, clock.today()),
    )
    # The UI shows which edition of the files people edit was in force.
    for name, pattern in PATTERNS.items():
        digest = digest_of(reference.folder(), pattern)
        key = dg.AssetKey([*prefix, *reference_key(name).path])
        context.log_event(dg.AssetObservation(key, tags={"dagster/data_version": digest}))
    current = ingest.current_files(landing.log_index)
    return dg.MaterializeResult(
        metadata={
            "files_landed": landing.files,
            "days_changed": len(landing.changed),
            "files": current.height,
            **{name: int(current[name].sum()) for name in _LINE_COUNTS},
        }
    )


def log_index(lake: Lake) -> pl.DataFrame:
    """Every file that was landed; of several versions of one file the last landed counts."""
    return ingest.folded_index(lake.read(LOG_INDEX))


def calls_of_day(
    lake: Lake,
    day: date,
    landed_days: pl.DataFrame,
    features: Features,
    dealing: Callable[[pl.LazyFrame, pl.DataFrame], ingest.Dealing | None] = ingest.dealt,
) -> Iterator[pl.DataFrame]:
    """``LLM_CALLS`` of the day: its landed calls, once each, completed from their traces.

    They come in one frame in the order of ``call_id``, or, where ``dealing`` deals them out, in
    several, each in that order; these share no call. The steps are read from the landing zone
    rather than from ``trace_steps``: both are made from the same files, so that neither waits for
    the other.
    """
    evening = ingest.evening_of(landed_days)
    landed = landed_rows(lake, LANDED_CALLS, day, landed_days)
    steps = ingest.trace_steps(landed_rows(lake, LANDED_STEPS, day, landed_days))
    dealt = dealing(landed, steps)
    if dealt is None:
        yield ingest.llm_calls(landed, steps, features, evening)
        return
    parts = (
        own_calls(of_files(part, landed_days), landed_days)
        for part in lake.parts(LANDED_CALLS, day)
    )
    piece = pl.when(~dealt.alone).then(dealt.piece)
    for number, rows in dealt_out(parts, piece, ingest.PORTION):
        # A call that is alone has no steps.
        theirs = steps.clear() if number is None else steps.filter(dealt.piece == number)
        yield ingest.llm_calls(rows, theirs, features, evening)


def kept_texts(lake: Lake, day: date, calls: pl.LazyFrame) -> pl.LazyFrame:
    """``CALL_TEXTS`` of exactly the records that ``calls`` of the day kept, contexts included."""
    texts, documents = (lake.scan(table, [day]) for table in (CALL_TEXTS, STEP_TEXTS))
    return ingest.texts_of(texts, calls, documents)


def _write_changed_days(
    lake: Lake, index: pl.DataFrame, closed: date
) -> tuple[dict[date, str], dict[date, str]]:
    """Rewrite ``landed_days`` where the files behind a day are not those recorded.

    Likewise where other calls of it than recorded count on the day before or after; then
    ``late_feedback`` where feedback moves. Days before ``closed`` stay as they are: computed anew,
    they would lose the numbers they have.

    Returns:
        The digests of both, of days that changed or were not reported.
    """
    by_day = (
        ingest.current_files(index.select("source_file", "digest", "batch", "days", "superseded"))
        .explode("days")
        .filter(pl.col("days") >= closed)
        .select(
            "source_file",
            "digest",
            "batch",
            *(pl.lit([], LANDED_DAYS.schema[name]).alias(name) for name in _OF_NEIGHBOURS),
            day="days",
        )
        .partition_by("day", as_dict=True, include_key=False)
    )
    wanted = {key[0]: LANDED_DAYS.require(rows) for key, rows in by_day.items()}
    for day in lake.days(LANDED_DAYS):
        if day >= closed:
            wanted.setdefault(day, LANDED_DAYS.empty())
    # Also where privacy.yaml would keep them by now: their rows are gone.
    wanted = {day: rows for day, rows in wanted.items() if not lake.expired(LANDED_DAYS, day)}
    recorded = {day: stored_rows(lake, LANDED_DAYS, day) for day in wanted}
    untold_before = unreported_days(lake)
    # A landing before may have died between two days; of a lake that an earlier release wrote no
    # midnight was looked at.
    unseen = wanted.keys() - set(lake.days(LATE_FEEDBACK))
    wanted = with_neighbours(lake, wanted, recorded, {*untold_before, *unseen})
    changed = [
        day
        for day in sorted(wanted)
        if (known := recorded[day]) is None or not wanted[day].equals(known)
    ]
    untold = {*changed, *untold_before}
    _note_unreported(lake, untold if changed else ())
    for day in changed:
        lake.write(LANDED_DAYS, wanted[day], day=day)
    late = changed_late_feedback(lake, wanted, untold)
    _note_unreported(lake, {*untold, *late} if late else ())
    for day, rows in late.items():
        lake.write(LATE_FEEDBACK, rows, day=day)
    moved = {*late, *untold_before}
    return _digests(lake, LANDED_DAYS, untold), _digests(lake, LATE_FEEDBACK, moved)


def _note_unreported(lake: Lake, days: Iterable[date]) -> None:
    """Note days that are about to change, so that they are reported if this process dies."""
    if told := [day.isoformat() for day in sorted(days)]:
        lake.store.put(_UNREPORTED, json.dumps(told).encode())


def _digests(lake: Lake, table: Table, days: Iterable[date]) -> dict[date, str]:
    return {day: stored.digest for day in sorted(days) if (stored := lake.stored(table, day))}

"""Forgetting a person: their texts leave the lake, numbers and digests stay."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import polars as pl

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.judging.preflights import FOLDER
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.upkeep.belonging import (
    Belongings,
    belongings,
    nobodys_days,
    traces_of,
)
from llmops_pipelines.orchestration.upkeep.warehouse import FILE, rebuild_warehouse
from llmops_pipelines.reporting import as_on_page
from llmops_pipelines.tables import (
    CALL_TEXTS,
    ERASURES,
    FEEDBACK,
    GOLDEN_CANDIDATES,
    GOLDEN_DATASET,
    HEURISTIC_SCORES,
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_SCORES,
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_STEPS,
    LLM_CALLS,
    NIGHTLY_REPORTS,
    RAGAS_SCORES,
    STEP_TEXTS,
    TABLES,
    TEXT_VECTORS,
    TOMBSTONES,
    TRACE_STEPS,
    Table,
)

Change = Callable[[pl.DataFrame], tuple[pl.DataFrame, int]]

OUTSIDE = (
    "the systems the logs come from",
    "messages already sent to the webhook",
    "judge endpoints, which saw the texts of judged calls",
    "backups and older versions that the storage keeps of the lake",
    "Dagster's event log: it holds counts, ids, names and examples of faults",
    "files that commands wrote elsewhere: exports, and what `llmops score` was given and gave",
    "rejected lines: they name file and line, and nobody knows whose they are",
)
"""What `forget` cannot reach, apart from the log files themselves."""

LABELLED = (LLM_CALLS, TRACE_STEPS, LANDED_CALLS, LANDED_STEPS)
"""Tables with the names and tags that applications give."""

OF_ITS_DAY = (HEURISTIC_SCORES, GOLDEN_CANDIDATES, *LABELLED)
"""Tables whose partition of a day speaks of its own calls and steps; others are searched whole."""

_DEAD_AFTER_NS = 3600 * 10**9
_TELLING = 24
"""Shorter texts are in too many pages to tell that a page quotes somebody."""


@dataclass
class Forgotten:
    """What was done."""

    traces: int = 0
    calls: int = 0
    steps: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    """Rows deleted or blanked by table; files by kind."""
    log_files: dict[str, int] = field(default_factory=dict)
    """Raw log files that still hold lines of theirs, and how many lines."""
    outside: tuple[str, ...] = OUTSIDE


def forget(
    lake: Lake, golden_folder: Path, subjects: ingest.Subjects, *, command: str, now: datetime
) -> Forgotten:
    """Take the texts of ``subjects`` out of everything below the lake, and keep them out.

    Tombstones come before each look at what is there, so that a landing meanwhile either is found
    or finds them, and no later one brings anything back; the texts themselves go last, so
    that a run that was stopped can be done again from the beginning. ``ERASURES`` is told of each
    place as soon as it is done: what a stopped run did stays recorded, beside what the next one
    finds left. The warehouse comes after them, so that it holds neither texts nor an older record.
    """
    erasure = uuid4().hex[:16]

    def bury(subjects: ingest.Subjects, name: str) -> None:
        new = ingest.tombstones_of(subjects, lake.read(TOMBSTONES), now=now, command=command)
        if new.height:
            lake.append(TOMBSTONES, new, name=name)

    bury(subjects, erasure)
    found = traces_of(lake, subjects)
    bury(subjects._replace(traces=frozenset(found)), f"{erasure}-traces")
    theirs = belongings(lake, found)
    traces, call_ids = theirs.traces, theirs.call_ids
    done = Forgotten(len(traces), len(call_ids), theirs.step_count)
    done.log_files = _lines_by_file(lake, theirs)
    if unknown := nobodys_days(lake):
        done.outside += (
            f"texts of {len(unknown):,} day(s) up to {unknown[-1]}, whose calls are past their "
            "retention: nobody knows whose they are",
        )

    def did(place: str, count: int) -> None:
        done.rows[place] = count
        _record(lake, erasure, done.rows, command, now)

    did("reports", _drop_reports(lake, _quotable(lake, theirs)))
    for table, change in _changes(lake, call_ids, traces):
        own_days = theirs.days if table in OF_ITS_DAY else None
        did(table.name, _everywhere(lake, table, change, own_days))
    did("golden files", _drop_cases(golden_folder, set(call_ids)))
    for table, landed, computed in (
        (CALL_TEXTS, theirs.calls, theirs.computed_calls),
        (STEP_TEXTS, theirs.steps, theirs.computed_steps),
    ):
        gone = _everywhere(lake, table, _deleting(landed, table.key), landed["day"])
        did(table.name, gone + _delete_computed(lake, table, computed))
    did("unfinished files", _drop_unfinished(lake, golden_folder))
    if lake.store.read(FILE) is not None:
        rebuild_warehouse(lake)
        did("warehouse", 1)
    return done


def _record(lake: Lake, erasure: str, rows: dict[str, int], command: str, now: datetime) -> None:
    """Write what was done so far, in place of what this run wrote before."""
    record = [
        {"erasure": erasure, "command": command, "place": place, "rows": count, "erased_at": now}
        for place, count in rows.items()
    ]
    told = pl.DataFrame(record, schema=ERASURES.schema)
    if not lake.append(ERASURES, told, name=erasure):
        lake.replace(ERASURES, told, name=erasure)


def _lines_by_file(lake: Lake, theirs: Belongings) -> dict[str, int]:
    """How many lines each log file had of these calls, steps and what was said of them.

    A line of OTLP holds many records, and a file that was landed anew has the same lines again.
    """
    place = ["source_file", "source_line"]
    of_traces = pl.col("trace_id").is_in(theirs.traces)
    remarks = lake.scan(LANDED_FEEDBACK).filter(
        pl.col("call_id").is_in(theirs.call_ids) | of_traces
    )
    computed = [lake.scan(table).filter(of_traces) for table in (LLM_CALLS, TRACE_STEPS)]
    found = [rows.select(place).collect() for rows in (remarks, *computed)]
    lines = pl.concat([theirs.calls.select(place), theirs.steps.select(place), *found]).unique()
    return dict(lines["source_file"].value_counts(sort=True).iter_rows())


def _changes(lake: Lake, calls: Sequence[str], traces: Sequence[str]) -> list[tuple[Table, Change]]:
    """How each table that may quote a person is changed, those that were computed first."""
    digests = (
        pl.concat(
            lake.scan(table).filter(pl.col("call_id").is_in(calls)).select("item_digest")
            for table in (JUDGE_LEDGER, JUDGE_SCORES, RAGAS_SCORES)
        )
        .unique()
        .collect()["item_digest"]
        .to_list()
    )
    # A verdict on the same content may have been asked for by somebody else's call.
    judged = pl.col("call_id").is_in(calls) | pl.col("item_digest").is_in(digests)
    verdict = _blanking(judged, reason=None, evidence=None)
    scored = pl.col("call_id").is_in(calls)
    return [
        (HEURISTIC_SCORES, _blanking(scored, unmatched=[], format_error=None)),
        (JUDGE_SCORES, verdict),
        (RAGAS_SCORES, verdict),
        (JUDGE_LEDGER, verdict),
        (JUDGE_CALLS, _blanking(judged, reason=None)),
        (GOLDEN_CANDIDATES, _deleting(pl.DataFrame({"call_id": calls}), ("call_id",))),
        (GOLDEN_DATASET, _deleting(pl.DataFrame({"call_id": calls}), ("call_id",))),
        (TEXT_VECTORS, _deleting(pl.DataFrame({"call_id": calls}), ("call_id",))),
        *((table, lambda rows: ingest.without_labels(rows, traces)) for table in LABELLED),
        (FEEDBACK, lambda rows: ingest.without_comments(rows, calls, traces)),
        (LANDED_FEEDBACK, lambda rows: ingest.without_comments(rows, calls, traces)),
    ]  # fmt: skip


def _blanking(theirs: pl.Expr, **blank: list[str] | None) -> Change:
    """Put ``blank`` in place of the columns named, in the rows that are ``theirs``."""

    def change(rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        empty = {
            name: pl.lit(pl.Series([value], dtype=rows.schema[name])).first()
            for name, value in blank.items()
            if name in rows.columns
        }
        if not empty:
            return rows, 0
        holds = pl.any_horizontal(pl.col(name).ne_missing(value) for name, value in empty.items())
        held = rows.select((theirs & holds).fill_null(value=False)).to_series()
        changed = rows.with_columns(
            pl.when(held).then(value).otherwise(name).alias(name) for name, value in empty.items()
        )
        return changed, int(held.sum())

    return change


def _deleting(keys: pl.DataFrame, on: Sequence[str]) -> Change:
    def change(rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        held = [name for name in on if name in rows.columns]  # older parts have fewer
        kept = rows.join(
            keys.with_columns(pl.col(name).cast(rows.schema[name]) for name in held),
            on=held,
            how="anti",
            maintain_order="left",
        )
        return kept, rows.height - kept.height

    return change


def _delete_computed(lake: Lake, table: Table, computed: pl.DataFrame) -> int:
    """Delete texts of calls, or steps, whose landed rows are gone: by id, on their own day."""
    name = table.key[0]
    return sum(
        lake.rewrite(table, _deleting(ids, [name]), day=day)
        for (day,), ids in computed.group_by("day")
    )


def _everywhere(lake: Lake, table: Table, change: Change, own_days: pl.Series | None = None) -> int:
    """Change all partitions, or those of ``own_days``; how many rows were touched."""
    if not table.partitioned:
        return lake.rewrite(table, change)
    wanted = None if own_days is None else set(own_days.to_list())
    days = [day for day in lake.days(table) if wanted is None or day in wanted]
    return sum(lake.rewrite(table, change, day=day) for day in days)


def _quotable(lake: Lake, theirs: Belongings) -> set[str]:
    """How the person's texts would begin where a page quotes them."""
    call_ids = theirs.call_ids
    texts = lake.scan(CALL_TEXTS).filter(pl.col("call_id").is_in(call_ids))
    verdicts = lake.scan(JUDGE_LEDGER).filter(pl.col("call_id").is_in(call_ids))
    remarks = lake.scan(FEEDBACK).filter(pl.col("call_id").is_in(call_ids))
    found = [
        *(texts.select(text=name) for name in ("question", "answer")),
        *(verdicts.select(text=name) for name in ("reason", "evidence")),
        remarks.select(text="comment"),
    ]
    known = pl.concat(found).drop_nulls().unique().collect()["text"].to_list()
    return {as_on_page(text[:60]) for text in known if len(text) >= _TELLING}


def _drop_reports(lake: Lake, quotes: set[str]) -> int:
    """Remove the pages that quote the person; the next night writes them anew."""
    dropped = 0
    for entry in list(lake.store.walk("reports")):
        page = (lake.store.read(entry.path) or b"").decode("utf-8", "replace")
        if any(quote in page for quote in quotes):
            lake.store.delete(entry.path)
            day = entry.path.rsplit("/", 1)[-1].removesuffix(".html")
            for part in list(lake.store.walk(f"{NIGHTLY_REPORTS.name}/day={day}")):
                lake.store.delete(part.path)
            dropped += 1
    return dropped


def _drop_unfinished(lake: Lake, golden_folder: Path) -> int:
    """Delete what killed writers left beside their files: nobody reads it, and it may hold texts.

    One that is at work wrote to its own within the hour.
    """
    before_ns = time.time_ns() - _DEAD_AFTER_NS
    dropped = 0
    for entry in list(lake.store.unfinished()):
        if entry.modified_ns < before_ns:
            lake.store.delete(entry.path)
            dropped += 1
    for file in golden_folder.glob(".golden-*.new"):
        if file.stat().st_mtime_ns < before_ns:
            file.unlink()
            dropped += 1
    return dropped


def _drop_cases(folder: Path, calls: set[str]) -> int:
    """Take cases out of the golden files, whose names stay those of the versions they were."""
    dropped = 0
    for file in sorted(folder.glob("golden-*.jsonl")):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["metadata"]["call_id"] not in calls]
        if len(kept) < len(lines):
            staged = file.with_name(f".{file.name}.new")
            staged.write_text("".join(kept), encoding="utf-8")
            staged.replace(file)
            dropped += len(lines) - len(kept)
    return dropped


def foreign_folders(lake: Lake) -> list[str]:
    """Folders below the lake that no table and no page of ours lies in."""
    ours = {*TABLES, "reports", "metrics", FOLDER}
    return [name for name in lake.store.folders("") if name not in ours]

"""Which rows belong to a person who is to be forgotten, and landing without their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_STEPS,
    STEP_TEXTS,
    TOMBSTONES,
)

_NO_TAGS = pl.lit(pl.Series([[]], dtype=pl.List(pl.String))).first()
Tables = Mapping[str, Mapping[date, pl.DataFrame]]

SPELLINGS: Final = pl.Schema(dict.fromkeys(("kind", "was", "subject"), pl.String))
"""Subjects of ``TOMBSTONES`` as an older key spelled them (``was``), and as the newest does."""


class Subjects(NamedTuple):
    """Whom tombstones stand for: keyed hashes of users, digests of sessions, ids of traces."""

    users: frozenset[str]
    sessions: frozenset[str]
    traces: frozenset[str]

    @property
    def nobody(self) -> bool:
        """Whether nobody was ever forgotten."""
        return not (self.users or self.sessions or self.traces)


def session_digest(session: str) -> str:
    """SHA-256 of a session's id, 16 hex digits."""
    return hashlib.sha256(session.encode()).hexdigest()[:16]


def subjects_of(tombstones: pl.DataFrame) -> Subjects:
    """The subjects of ``TOMBSTONES`` rows."""

    def of(kind: str) -> frozenset[str]:
        return frozenset(tombstones.filter(kind=kind)["subject"].to_list())

    return Subjects(of("user"), of("session"), of("trace"))


def traces_of(rows: Iterable[pl.LazyFrame], subjects: Subjects) -> set[str]:
    """The traces in which a subject appears, those of ``subjects`` among them.

    Args:
        rows: Frames with ``trace_id``, ``user_hash`` and ``session_id``: landed calls and steps.
        subjects: Whom to look for.
    """
    traces = set(subjects.traces)
    for frame in rows:
        named: list[str] = []
        if subjects.sessions:
            sessions = frame.select(pl.col("session_id").unique()).collect()["session_id"]
            named = [x for x in sessions.drop_nulls() if session_digest(x) in subjects.sessions]
        theirs = pl.col("user_hash").is_in(list(subjects.users)) | pl.col("session_id").is_in(named)
        traces.update(frame.filter(theirs).select("trace_id").unique().collect()["trace_id"])
    return traces


def respelled(tombstones: pl.DataFrame, spellings: pl.DataFrame) -> pl.DataFrame:
    """``TOMBSTONES`` rows, not there yet, for whom ``tombstones`` know by an older key.

    Nobody's id is kept, so a tombstone cannot be hashed anew when the key is rotated. Whoever
    lands again is known by both keys for that moment.
    """
    known = tombstones.rename({"subject": "was"})
    return (
        spellings.unique()
        .join(known, on=["kind", "was"])
        .unique(TOMBSTONES.key, keep="first", maintain_order=True)
        .select(TOMBSTONES.schema.names())
        .join(tombstones, on=TOMBSTONES.key, how="anti", maintain_order="left")
    )


def traces_in(tables: Tables, subjects: Subjects) -> set[str]:
    """The traces of a landing batch in which a subject appears, those of ``subjects`` among them.

    Args:
        tables: As the batch has them.
        subjects: Whom to look for.
    """
    frames = (_all(tables, table.name) for table in (LANDED_CALLS, LANDED_STEPS))
    return traces_of([frame.lazy() for frame in frames if frame.width], subjects)


def without_forgotten(
    tables: Tables, tombstones: pl.DataFrame, landed: Callable[[], pl.LazyFrame]
) -> Tables:
    """The tables of a landing batch without texts and remarks of whom ``tombstones`` name.

    Numbers, lengths and digests stay. A trace is forgotten whole: its other calls and steps in the
    batch lose their texts too.

    Args:
        tables: As the batch has them.
        tombstones: ``TOMBSTONES``.
        landed: Opens ``LANDED_CALLS`` of batches before, where remarks may speak of them.
    """
    subjects = subjects_of(tombstones)
    if subjects.nobody:
        return tables
    calls, steps = (_all(tables, table.name) for table in (LANDED_CALLS, LANDED_STEPS))
    traces = traces_in(tables, subjects)
    of_traces = pl.col("trace_id").is_in(list(traces))
    cleaned: dict[str, Mapping[date, pl.DataFrame]] = dict(tables)
    for table in (LANDED_CALLS, LANDED_STEPS):
        if table.name in tables:
            cleaned[table.name] = {
                day: without_labels(rows, traces)[0] for day, rows in tables[table.name].items()
            }
    for texts, owners in ((CALL_TEXTS, calls), (STEP_TEXTS, steps)):
        if texts.name in tables and owners.width:
            theirs = owners.filter(of_traces).select(texts.key)
            cleaned[texts.name] = {
                day: rows.join(theirs, on=texts.key, how="anti", maintain_order="left")
                for day, rows in tables[texts.name].items()
            }
    if LANDED_FEEDBACK.name in tables:
        ids = calls.filter(of_traces)["call_id"].to_list() if calls.width else []
        remarks = _all(tables, LANDED_FEEDBACK.name).filter(pl.col("comment").is_not_null())
        if about := remarks["call_id"].drop_nulls().unique().to_list():
            known = landed().filter(pl.col("call_id").is_in(about) & of_traces)
            ids += known.select("call_id").unique().collect()["call_id"].to_list()
        cleaned[LANDED_FEEDBACK.name] = {
            day: without_comments(rows, ids, traces)[0]
            for day, rows in tables[LANDED_FEEDBACK.name].items()
        }
    return cleaned


def without_labels(rows: pl.DataFrame, traces: Iterable[str]) -> tuple[pl.DataFrame, int]:
    """``rows`` without the names and tags of ``traces``, and how many rows had any."""
    theirs = pl.col("trace_id").is_in(list(traces))
    blank = {
        name: value
        for name, value in (("name", pl.lit(None, pl.String)), ("tags", _NO_TAGS))
        if name in rows.columns
    }
    if not blank:
        return rows, 0
    held = rows.select(
        theirs & pl.any_horizontal(pl.col(name).ne_missing(value) for name, value in blank.items())
    ).to_series()
    changed = rows.with_columns(
        pl.when(held).then(value).otherwise(name).alias(name) for name, value in blank.items()
    )
    return changed, int(held.sum())


def without_comments(
    feedback: pl.DataFrame, calls: Iterable[str], traces: Iterable[str]
) -> tuple[pl.DataFrame, int]:
    """``feedback`` without the remarks on ``calls`` and ``traces``, and how many there were."""
    theirs = pl.col("call_id").is_in(list(calls)) | pl.col("trace_id").is_in(list(traces))
    held = theirs.fill_null(value=False) & pl.col("comment").is_not_null()
    count = int(feedback.select(held.sum()).item())
    return feedback.with_columns(comment=pl.when(~held).then("comment")), count


def tombstones_of(
    subjects: Subjects, known: pl.DataFrame, *, now: object, command: str
) -> pl.DataFrame:
    """``TOMBSTONES`` rows for those of ``subjects`` that are not ``known`` yet."""
    rows = [
        {"kind": kind, "subject": subject, "forgotten_at": now, "command": command}
        for kind, found in (
            ("user", subjects.users), ("session", subjects.sessions), ("trace", subjects.traces)
        )
        for subject in sorted(found)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=TOMBSTONES.schema).join(known, on=TOMBSTONES.key, how="anti")


def _all(tables: Tables, name: str) -> pl.DataFrame:
    frames = list(tables.get(name, {}).values())
    return pl.concat(frames) if frames else pl.DataFrame()

"""Days of logs from services that keep them behind an API, as files of the landing zone."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from llmops_pipelines.adapters import pulling as adapters
from llmops_pipelines.ingest import Pull, Sources
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    LakeResource,
    LogFolder,
    Pulling,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.locks import alone
from llmops_pipelines.orchestration.storage.stores import Store
from llmops_pipelines.tables import PULLED_LOGS

FAILED, KEPT = "failed", "kept"

_TO_REPEAT = (pl.col("outcome") == FAILED) | (
    (pl.col("outcome") != KEPT)
    & (pl.col("server_count") != pl.col("records") + pl.col("outside")).fill_null(value=False)
)
"""Downloads that another one may mend: what a service has deleted does not come back."""

Row = Mapping[str, Any]


def pull(
    lake: LakeResource,
    logs: LogFolder,
    reference: ReferenceFolder,
    pulling: Pulling,
    clock: Clock,
    day: date,
) -> pl.DataFrame:
    """Download ``day`` from every service under ``pull:``, one after the other.

    A service that fails is a row, not an error: the others, and the logs that lie here already, are
    not to wait for it. Rows of sources that were not asked stay.
    """
    entries = reference.read("sources.yaml", Sources).pull
    before = {row["source"]: row for row in stored_pulls(lake.open(), day).to_dicts()}
    rows: dict[str, Row] = dict(before)
    for entry in entries:
        if pulling.only in ("", entry.name) and (entry.since is None or entry.since <= day):
            place = _Place(entry, day, logs.store(), Path(pulling.staging), clock.now())
            with alone(place.folder / ".lock"):
                rows[entry.name] = _pulled(place, pulling.secrets, before.get(entry.name))
    columns = PULLED_LOGS.schema
    return pl.DataFrame([rows[name] for name in sorted(rows)], schema=columns)


def stored_pulls(lake: Lake, day: date) -> pl.DataFrame:
    """What was downloaded of ``day``; no rows where nothing was."""
    if lake.stored(PULLED_LOGS, day) is None:
        return PULLED_LOGS.empty()
    return lake.read(PULLED_LOGS, [day]).select(PULLED_LOGS.schema.names())


def incomplete(pulls: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``pulls`` that failed, or hold another number of records than their server."""
    return pulls.filter(_TO_REPEAT | (pl.col("outcome") == KEPT)).select(
        "source", "outcome", "records", "outside", "server_count", "error"
    )


def days_due(lake: Lake, reference: ReferenceFolder, today: date, start: date) -> list[date]:
    """Days before ``today`` that a night downloads.

    They are missing, failed, short of what their server counted, downloaded before they were over,
    or recent enough to change.
    """
    due: set[date] = set()
    whole: dict[date, set[str]] = {}
    for entry in reference.read("sources.yaml", Sources).pull:
        for day in entry.days(today):
            if day not in whole:
                begun = (pl.col("outcome") != KEPT) & (pl.col("pulled_at").dt.date() <= day)
                stored = stored_pulls(lake, day).filter(~_TO_REPEAT & ~begun)
                whole[day] = set(stored["source"])
            recent = day >= entry.looks_back_to(today)
            if day >= start and (recent or entry.name not in whole[day]):
                due.add(day)
    return sorted(due)


class _Place(NamedTuple):
    """One day of one source, and where it goes."""

    entry: Pull
    day: date
    store: Store
    staging: Path
    now: datetime

    @property
    def folder(self) -> Path:
        """Folder of the source's unfinished days."""
        return self.staging / self.entry.name

    @property
    def file(self) -> str:
        """Path of the finished day below the log root."""
        return self.entry.file(self.day)

    def exists(self) -> bool:
        """Whether the finished day lies there."""
        folder = self.file.rpartition("/")[0]
        return any(found.path == self.file for found in self.store.walk(folder))

    def staged(self) -> adapters.Staging:
        """What has arrived of the day so far.

        A download that began on another day is not gone on with: records change meanwhile.
        """
        asked = _digest(self.asked, self.now.date().isoformat())
        return adapters.Staging(self.folder / f"{self.day}.sqlite", asked)

    @property
    def asked(self) -> str:
        """A digest of what is asked for: records of another project are not of this file."""
        entry = self.entry
        return _digest(entry.kind, entry.url, entry.project, entry.experiment)

    def records(self, source: adapters.Source) -> Iterator[adapters.Record]:
        """The records of the finished day; none where somebody changed the file."""
        try:
            for body in adapters.bodies(self.store.read(self.file) or b""):
                yield source.record(body)
        except (LookupError, TypeError, ValueError):
            return


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _pulled(place: _Place, secrets: Mapping[str, str], before: Row | None) -> Row:
    """The row of one source: unchanged, pulled, kept or failed."""
    began = time.monotonic()
    pace = adapters.Pace(place.entry.requests_per_minute)
    try:
        with closing(adapters.open_source(place.entry, secrets, pace)) as source:
            found = _unchanged(place, source, before) or _downloaded(place, source, before)
    except adapters.PullError as error:
        found = {**(before or _NOTHING), "outcome": FAILED, "error": str(error), "mark": None}
    return {
        **found,
        "source": place.entry.name,
        "kind": place.entry.kind,
        "checked_at": place.now,
        "seconds": round(time.monotonic() - began, 3),
        "requests": pace.requests,
        "retries": pace.retries,
    }


_NOTHING: Row = {
    **dict.fromkeys(("file", "digest", "asked", "server_count", "mark", "pulled_at", "error")),
    **dict.fromkeys(("pages", "records", "duplicates", "outside"), 0),
}


def _unchanged(place: _Place, source: adapters.Source, before: Row | None) -> Row | None:
    """The row as it was, if the day was over and complete, and its server sums up the same."""
    if before is None or before["mark"] is None or before["pulled_at"].date() <= place.day:
        return None
    if before["asked"] not in (None, place.asked):
        return None
    if before["server_count"] != before["records"] + before["outside"]:
        return None
    if adapters.count_day(source, place.day).mark != before["mark"]:
        return None
    if before["file"] is not None and not place.exists():
        return None
    return {**before, "outcome": "unchanged", "error": None}


def _downloaded(place: _Place, source: adapters.Source, before: Row | None) -> Row:
    """The day downloaded to its end, and its file put in place if anything in it is new."""
    with place.staged() as staging:
        pulled = adapters.pull_day(source, place.day, staging)
        stored = before if before is not None and before["file"] and place.exists() else None
        gone = 0
        if stored is not None and stored["asked"] == place.asked:
            # Services forget: what was downloaded in time stays, beside what came since.
            if gone := staging.keep(place.records(source)):
                pulled = pulled._replace(file=staging.day_file(place.day))
            if pulled.counted.records == pulled.file.records + pulled.outside:
                gone = 0  # the server has them, and did not send them this time
        elif stored is not None and pulled.file.records < stored["records"]:
            counts = {"server_count": pulled.counted.records, "mark": None}
            staging.remove()
            return {**stored, **counts, "outcome": KEPT, "error": None}
        row = _row(place, pulled) | ({"outcome": KEPT, "mark": None} if gone else {})
        if row["file"] and not (stored and stored["digest"] == row["digest"]):
            place.store.put(place.file, pulled.file.content)
        staging.remove()
    return row


def _row(place: _Place, pulled: adapters.Pulled) -> dict[str, Any]:
    return {
        "outcome": "pulled",
        "error": None,
        "file": place.file if pulled.file.records else None,
        "digest": pulled.file.digest if pulled.file.records else None,
        "asked": place.asked,
        "pages": pulled.pages,
        "records": pulled.file.records,
        "server_count": pulled.counted.records,
        "duplicates": pulled.duplicates,
        "outside": pulled.outside,
        "mark": pulled.counted.mark,
        "pulled_at": place.now,
    }

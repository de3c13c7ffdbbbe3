"""The lake: every table a Parquet dataset under one root, one folder per table and UTC day."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from llmops_pipelines.orchestration.storage.content_digest import content_digest
from llmops_pipelines.orchestration.storage.stores import Store
from llmops_pipelines.tables import Column, Table

PART = "part.parquet"
VERSION_KEY, DIGEST_KEY, INPUTS_KEY = "llmops.table_version", "llmops.digest", "llmops.inputs"
EXPIRED_KEY = "llmops.expired"
"""Stands in a partition that retention has emptied, until it is computed again."""
REPLACES_KEY = "llmops.replaces"
"""Names of the parts whose rows a compacted part holds: they count no more, deleted or not."""

_LEVEL = 1
"""Of zstd: higher ones cost twice the time, for a few per cent less."""

_REMEDY = "restore it, or delete it and run again"

_SAMPLE = 10_000
"""Rows that tell whether the values of a column repeat."""

Inputs = Mapping[str, Mapping[str, str]]
"""Digests of what a partition was computed from: table, then day, to digest."""


class LakeError(RuntimeError):
    """The lake holds something this release cannot use."""


class Stored(NamedTuple):
    """What a file says of itself: digest of its rows, and of what they were computed from."""

    digest: str
    inputs: Inputs


class Lake:
    """Reads and replaces tables; knows nothing of Dagster.

    A partition of an ordinary table is one file that is replaced whole. Append-only tables hold
    several part files per day, each created once under a name of its own.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def write(
        self,
        table: Table,
        frame: pl.DataFrame | Iterable[pl.DataFrame],
        *,
        day: date | None = None,
        inputs: Inputs | None = None,
    ) -> str:
        """Replace one partition (the whole table if it has none); return its content digest.

        A partition that comes in several frames, which must share no key, is never held whole; each
        of them is in key order.

        Raises:
            TableError: ``frame``, or one of them, is not what the table promises.
        """
        path = f"{_folder(table, day)}/{PART}"
        if not isinstance(frame, pl.DataFrame):
            with TemporaryDirectory(prefix="llmops-") as folder:
                file = Path(folder, PART)
                digest = _write_frames(table, map(table.require, frame), inputs or {}, file)
                self.store.put_file(path, file)
            return digest
        content, digest = _encode(table, table.require(frame), inputs or {})
        self.store.put(path, content)
        return digest

    def append(
        self,
        table: Table,
        frame: pl.DataFrame,
        *,
        name: str,
        day: date | None = None,
        digest: str | None = None,
    ) -> bool:
        """Add the part ``name`` to an append-only table; False if it was there already.

        ``digest`` stands for what the rows were made of, where that is known already: so they need
        not be digested themselves.

        Raises:
            TableError: ``frame`` is not what the table promises.
        """
        content, _ = _encode(table, table.require(frame), {}, digest=digest)
        return self.store.create(f"{_folder(table, day)}/{name}.parquet", content)

    def replace(
        self, table: Table, frame: pl.DataFrame, *, name: str, day: date | None = None
    ) -> None:
        """Put ``frame`` in place of the part ``name``; nothing where there is no such part."""
        path = f"{_folder(table, day)}/{name}.parquet"
        if self.store.read(path) is not None:
            self.store.put(path, _encode(table, table.require(frame), {})[0])

    def days(self, table: Table) -> list[date]:
        """Days for which the table holds a partition, oldest first."""
        return [
            date.fromisoformat(name[4:])
            for name in self.store.folders(table.name)
            if name.startswith("day=")
        ]

    def scan(self, table: Table, days: Sequence[date] | None = None) -> pl.LazyFrame:
        """The table, or its partitions of ``days``, lazily: only the columns used are read.

        Days without a partition add no rows. Partitioned tables gain a ``day`` column.

        Raises:
            LakeError: A file is damaged, or was written by a newer release.
        """
        folders = (
            [_folder(table, day) for day in self._present(table, days)]
            if table.partitioned
            else [table.name]
        )
        live = [self._live(folder) for folder in folders]
        return self._scan(table, {path: found for parts in live for path, found in parts.items()})

    def parts(self, table: Table, day: date) -> Iterator[pl.LazyFrame]:
        """As ``scan`` of one day, file by file."""
        for path, found in self._live(_folder(table, day)).items():
            yield self._scan(table, {path: found})

    def _scan(self, table: Table, parts: Mapping[str, Mapping[str, str]]) -> pl.LazyFrame:
        """The rows of ``parts``, paths with what each says of itself."""
        hive = {"day": pl.Date} if table.partitioned else None
        if not parts:
            return pl.LazyFrame(schema={**table.schema, **(hive or {})})
        oldest = min(_checked_version(table, self.store.uri(path), parts[path]) for path in parts)
        rows = pl.scan_parquet(
            [self.store.uri(path) for path in parts],
            schema=table.schema,
            hive_partitioning=table.partitioned,
            hive_schema=hive,
            missing_columns="insert",
            extra_columns="ignore",
            storage_options=dict(self.store.options) if self.store.options else None,
        )
        return rows if oldest == table.version else rows.with_columns(_since_then(table))

    def read(self, table: Table, days: Sequence[date] | None = None) -> pl.DataFrame:
        """``scan``, collected."""
        return self.scan(table, days).collect()

    def before(self, table: Table, day: date, days: int) -> pl.DataFrame:
        """The partitions of the ``days`` days that end the day before ``day``."""
        return self.read(table, last_days(day - timedelta(days=1), days))

    def stored(self, table: Table, day: date | None = None) -> Stored | None:
        """Digest and inputs of one partition; None where there is none that can be read.

        Several parts have one digest together, whatever the order in which they came.
        """
        try:
            metadata = list(self._live(_folder(table, day)).values())
        except LakeError:
            return None
        if not metadata:
            return None
        if len(metadata) == 1:
            return Stored(metadata[0][DIGEST_KEY], json.loads(metadata[0][INPUTS_KEY]))
        digests = sorted(entry[DIGEST_KEY] for entry in metadata)
        return Stored(_together(digests), {})

    def rewrite(
        self,
        table: Table,
        change: Callable[[pl.DataFrame], tuple[pl.DataFrame, int]],
        *,
        day: date | None = None,
        marks: Mapping[str, str] | None = None,
    ) -> int:
        """Replace rows in place, each part under its own name, and return how many were touched.

        ``change`` receives the rows of one part, with the columns it was written with, and returns
        them changed and how many it touched. A part keeps the digest of what was first computed:
        what rests on it is not outdated by an erasure, and a part that is landed again is still
        found to be there. Parts that a compacted one replaces are changed too, and not counted.
        A part that changed says ``marks`` of itself besides.
        """
        folder = _folder(table, day)
        touched, seen = 0, set[str]()
        # Again until nothing is new: a part may be compacted while its rows are being changed.
        while new := [entry for entry in self.store.walk(folder) if entry.path not in seen]:
            live = self._live(folder)
            for path in (entry.path for entry in new):
                seen.add(path)
                count = self._change(table, path, change, marks or {})
                touched += count if path in live else 0
        return touched

    def _change(
        self,
        table: Table,
        path: str,
        change: Callable[[pl.DataFrame], tuple[pl.DataFrame, int]],
        marks: Mapping[str, str],
    ) -> int:
        if (content := self.store.read(path)) is None:
            return 0
        metadata = self._metadata(path)
        _checked_version(table, self.store.uri(path), metadata)
        rows, count = change(pl.read_parquet(io.BytesIO(content)))
        if count:
            keys = (VERSION_KEY, DIGEST_KEY, INPUTS_KEY, REPLACES_KEY, EXPIRED_KEY)
            kept = {key: metadata[key] for key in keys if key in metadata} | dict(marks)
            file = io.BytesIO()
            rows.write_parquet(file, compression="zstd", metadata=kept)
            self.store.put(path, file.getvalue())
        return count

    def compact(self, table: Table, day: date) -> int:
        """Put the parts of one day into one; how many there were, 0 if there was nothing to do.

        The new part names those it replaces, so that the moment it appears they count no more,
        wherever the process is killed; `sweep` deletes them later, when nobody reads them any more.
        Parts that others add meanwhile are left alone. Where a part was changed meanwhile (an
        erasure), what was read of it is given up.
        """
        folder = _folder(table, day)
        before = list(self.store.walk(folder))
        live = self._live(folder)
        if len(live) < 2 or not set(live) <= {entry.path for entry in before}:
            return 0
        names = sorted(entry.path.rsplit("/", 1)[-1] for entry in before)
        rows = self._scan(table, live).drop("day")
        frame = rows.sort(table.key, nulls_last=True, maintain_order=True).collect()
        content, _ = _encode(table, frame, {}, replaces=names)
        path = f"{folder}/compacted-{hashlib.sha256(repr(names).encode()).hexdigest()[:24]}.parquet"
        if not self.store.create(path, content):
            return 0
        now = {entry.path: entry for entry in self.store.walk(folder)}
        if any(now.get(entry.path) != entry for entry in before):
            self.store.delete(path)
            return 0
        return len(live)

    def sweep(self, table: Table, day: date, *, older_than_ns: int) -> int:
        """Delete parts that were replaced before an instant (ns since 1970); return how many."""
        folder = _folder(table, day)
        changed = {entry.path: entry.modified_ns for entry in self.store.walk(folder)}
        live = self._live(folder)
        if any(changed.get(path, older_than_ns) >= older_than_ns for path in live):
            return 0
        dead = [path for path in changed if path not in live]
        for path in dead:
            self.store.delete(path)
        return len(dead)

    def crowded_days(self, table: Table) -> list[date]:
        """Days with more than one part, oldest first, by one listing."""
        folders = Counter(entry.path.rsplit("/", 2)[-2] for entry in self.store.walk(table.name))
        return sorted(date.fromisoformat(name[4:]) for name, n in folders.items() if n > 1)

    def expire(self, table: Table, day: date) -> None:
        """Take the rows of a day out: parts go, a computed partition stays as an empty one.

        An empty partition keeps its digest, so that no night computes it anew from what is gone,
        and is known as ``expired``.
        """
        folder = _folder(table, day)
        live = self._live(folder)
        # Replaced parts first: without the one that replaces them they would count again.
        for entry in sorted(self.store.walk(folder), key=lambda entry: entry.path in live):
            if entry.path.rsplit("/", 1)[-1] != PART:
                self.store.delete(entry.path)
        emptied = {EXPIRED_KEY: "true"}
        self.rewrite(table, lambda rows: (rows.clear(), rows.height), day=day, marks=emptied)

    def close(self, table: Table, day: date) -> None:
        """Leave the rows of a day as they are, but let it be known as ``expired``.

        That is for what lists rows of other tables, which are gone.
        """
        self.rewrite(table, lambda rows: (rows, 1), day=day, marks={EXPIRED_KEY: "true"})

    def expired(self, table: Table, day: date) -> bool:
        """Whether retention emptied or closed the partition, and it was not written since."""
        folder = _folder(table, day)
        try:
            return EXPIRED_KEY in self._live(folder).get(f"{folder}/{PART}", {})
        except LakeError:  # who reads it is told
            return False

    def _present(self, table: Table, days: Sequence[date] | None) -> Sequence[date]:
        """Those of ``days`` that may be there; a wide window costs one listing, not one a day."""
        if days is not None and len(days) < 3:
            return days
        return [day for day in self.days(table) if days is None or day in days]

    def _live(self, folder: str) -> dict[str, dict[str, str]]:
        """Parts of ``folder`` that no other one replaces, with what each says of itself."""
        while True:
            paths = [entry.path for entry in self.store.walk(folder)]
            try:
                found = {path: self._metadata(path) for path in paths}
            except (LakeError, OSError):
                if paths == [entry.path for entry in self.store.walk(folder)]:
                    raise
                continue  # a replaced part was swept in between
            replaced = {
                f"{folder}/{name}"
                for metadata in found.values()
                for name in json.loads(metadata.get(REPLACES_KEY, "[]"))
            }
            return {path: found[path] for path in paths if path not in replaced}

    def _metadata(self, path: str) -> dict[str, str]:
        file = self.store.uri(path)
        options = dict(self.store.options) if self.store.options else None
        try:
            metadata = pl.read_parquet_metadata(file, storage_options=options)
        except pl.exceptions.PolarsError as error:
            raise LakeError(f"{file}: is no whole Parquet file; {_REMEDY} ({error})") from error
        if DIGEST_KEY not in metadata:
            raise LakeError(f"{file}: was not written by llmops-pipelines; {_REMEDY}")
        return metadata


def _checked_version(table: Table, file: str, metadata: Mapping[str, str]) -> int:
    version = int(metadata.get(VERSION_KEY, "0"))
    if version > table.version:
        raise LakeError(
            f"{file}: written as version {version} of {table.name}, this "
            f"release knows {table.version}; upgrade llmops-pipelines, or recompute the table"
        )
    return version


def _since_then(table: Table) -> list[pl.Expr]:
    """What rows of an older release mean in the columns they do not have."""
    return [
        pl.col(column.name).fill_null(_literal(column))
        for column in table.columns
        if column.default is not None
    ]


def _literal(column: Column) -> pl.Expr:
    value = list(column.default) if isinstance(column.default, tuple) else column.default
    return pl.lit(pl.Series([value], dtype=column.dtype)).first()


def last_days(day: date, count: int) -> list[date]:
    """The ``count`` days that end with ``day``, oldest first."""
    return [day - timedelta(days=back) for back in range(count - 1, -1, -1)]


def _folder(table: Table, day: date | None) -> str:
    if table.partitioned != (day is not None):
        fault = "give the day of the partition" if table.partitioned else "has no days"
        raise ValueError(f"{table.name}: {fault}")
    return f"{table.name}/day={day}" if day else table.name


def _encode(
    table: Table,
    frame: pl.DataFrame,
    inputs: Inputs,
    replaces: Sequence[str] = (),
    digest: str | None = None,
) -> tuple[bytes, str]:
    """The file of ``frame`` and the digest of its rows; clocks do not count as content."""
    digest = digest or content_digest(frame.drop(table.volatile))
    file = io.BytesIO()
    frame.write_parquet(
        file,
        compression="zstd",
        compression_level=_LEVEL,
        metadata=_said(table, digest, inputs)
        | ({REPLACES_KEY: json.dumps(list(replaces))} if replaces else {}),
    )
    return file.getvalue(), digest


def _write_frames(table: Table, frames: Iterable[pl.DataFrame], inputs: Inputs, file: Path) -> str:
    """Write ``frames`` one after another to ``file``; return the digest of them together."""
    digests, left = [], iter(frames)
    held = [next(left, table.empty())]
    with pq.ParquetWriter(
        file,
        _arrow(table.empty()).schema,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=_repeating(held[0]),
    ) as writer:
        while held:
            frame = held.pop()
            digests.append(content_digest(frame.drop(table.volatile)))
            writer.write_table(_arrow(frame))
            del frame  # not held while the next is made
            held += islice(left, 1)
        digest = _together(digests)
        writer.add_key_value_metadata(_said(table, digest, inputs))
    return digest


def _repeating(frame: pl.DataFrame) -> list[str]:
    """Plain columns whose values stand in two rows on average, or more.

    A dictionary of others is written and given up again: half as much CPU on top, and larger files.
    """
    some = frame.head(_SAMPLE)
    return [
        column.name
        for column in some.iter_columns()
        if not column.dtype.is_nested() and 2 * column.n_unique() <= some.height
    ]


def _together(digests: Iterable[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:32]


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _said(table: Table, digest: str, inputs: Inputs) -> dict[str, str]:
    """What a file says of itself."""
    return {
        VERSION_KEY: str(table.version),
        DIGEST_KEY: digest,
        INPUTS_KEY: json.dumps(inputs, sort_keys=True),
    }

"""The lake: every table a Parquet dataset under one root, one folder per table and UTC day."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from llmops_pipelines.orchestration.content_digest import content_digest
from llmops_pipelines.orchestration.stores import Store
from llmops_pipelines.tables import Column, Table

PART = "part.parquet"
VERSION_KEY, DIGEST_KEY, INPUTS_KEY = "llmops.table_version", "llmops.digest", "llmops.inputs"

_LEVEL = 1
"""Of zstd: higher ones cost twice the time, for a few per cent less."""

_REMEDY = "restore it, or delete it and run again"

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
        self, table: Table, frame: pl.DataFrame, *, name: str, day: date | None = None
    ) -> bool:
        """Add the part ``name`` to an append-only table; False if it was there already.

        Raises:
            TableError: ``frame`` is not what the table promises.
        """
        content, _ = _encode(table, table.require(frame), {})
        return self.store.create(f"{_folder(table, day)}/{name}.parquet", content)

    def replace(self, table: Table, frame: pl.DataFrame, *, name: str, day: date) -> None:
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
        return self._scan(
            table, [entry.path for folder in folders for entry in self.store.walk(folder)]
        )

    def parts(self, table: Table, day: date) -> Iterator[pl.LazyFrame]:
        """As ``scan`` of one day, file by file."""
        for entry in self.store.walk(_folder(table, day)):
            yield self._scan(table, [entry.path])

    def _scan(self, table: Table, paths: Sequence[str]) -> pl.LazyFrame:
        hive = {"day": pl.Date} if table.partitioned else None
        if not paths:
            return pl.LazyFrame(schema={**table.schema, **(hive or {})})
        oldest = min(self._checked_version(table, path) for path in paths)
        rows = pl.scan_parquet(
            [self.store.uri(path) for path in paths],
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
            metadata = [self._metadata(part.path) for part in self.store.walk(_folder(table, day))]
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
    ) -> int:
        """Replace rows in place, each part under its own name, and return how many were touched.

        ``change`` receives the rows of one part, with the columns it was written with, and returns
        them changed and how many it touched. A part keeps the digest of what was first computed:
        what rests on it is not outdated by an erasure, and a part that is landed again is still
        found to be there.
        """
        touched = 0
        for entry in self.store.walk(_folder(table, day)):
            self._checked_version(table, entry.path)
            metadata = self._metadata(entry.path)
            content = self.store.read(entry.path) or b""
            rows, count = change(pl.read_parquet(io.BytesIO(content)))
            if count:
                kept = {key: metadata[key] for key in (VERSION_KEY, DIGEST_KEY, INPUTS_KEY)}
                file = io.BytesIO()
                rows.write_parquet(file, compression="zstd", metadata=kept)
                self.store.put(entry.path, file.getvalue())
            touched += count
        return touched

    def expire(self, table: Table, day: date) -> None:
        """Take the rows of a day out: parts go, a computed partition stays as an empty one.

        An empty partition keeps its digest, so that no night computes it anew from what is gone.
        """
        for entry in self.store.walk(_folder(table, day)):
            if entry.path.rsplit("/", 1)[-1] != PART:
                self.store.delete(entry.path)
        self.rewrite(table, lambda rows: (rows.clear(), rows.height), day=day)

    def _present(self, table: Table, days: Sequence[date] | None) -> Sequence[date]:
        """Those of ``days`` that may be there; a wide window costs one listing, not one a day."""
        if days is not None and len(days) < 3:
            return days
        return [day for day in self.days(table) if days is None or day in days]

    def _checked_version(self, table: Table, path: str) -> int:
        version = int(self._metadata(path).get(VERSION_KEY, "0"))
        if version > table.version:
            raise LakeError(
                f"{self.store.uri(path)}: written as version {version} of {table.name}, this "
                f"release knows {table.version}; upgrade llmops-pipelines, or recompute the table"
            )
        return version

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


def _encode(table: Table, frame: pl.DataFrame, inputs: Inputs) -> tuple[bytes, str]:
    """The file of ``frame`` and the digest of its rows; clocks do not count as content."""
    digest = content_digest(frame.drop(table.volatile))
    file = io.BytesIO()
    frame.write_parquet(
        file,
        compression="zstd",
        compression_level=_LEVEL,
        metadata=_said(table, digest, inputs),
    )
    return file.getvalue(), digest


def _write_frames(table: Table, frames: Iterable[pl.DataFrame], inputs: Inputs, file: Path) -> str:
    """Write ``frames`` one after another to ``file``; return the digest of them together."""
    digests = []
    with pq.ParquetWriter(
        file, _arrow(table.empty()).schema, compression="zstd", compression_level=_LEVEL
    ) as writer:
        for frame in frames:
            digests.append(content_digest(frame.drop(table.volatile)))
            writer.write_table(_arrow(frame))
        digest = _together(digests)
        writer.add_key_value_metadata(_said(table, digest, inputs))
    return digest


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

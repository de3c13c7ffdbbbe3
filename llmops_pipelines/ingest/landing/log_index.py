"""The index of landed files: what is new, which rows are current, is every line accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import polars as pl

from llmops_pipelines.ingest.log_files.files import UNREADABLE, LogFile
from llmops_pipelines.ingest.sources import Source, Sources
from llmops_pipelines.tables import LOG_INDEX

_CHUNK: Final = 100_000
"""So many files are looked up together: of those that did not change, none is held for longer."""


def changed_files(
    files: Iterable[LogFile], index: pl.DataFrame, sources: Sources | None = None
) -> list[LogFile]:
    """Files that are new, or differ in size or modification time from when they were landed.

    With ``sources``, also files whose entry in sources.yaml came, went or changed since: so a file
    of unknown format is tried again once somebody describes it, and not before. Sorted by path.
    """
    narrow = index.select("source_file", "source_format", "size", "modified_ns", "superseded")
    last = (
        current_files(narrow)
        .sort("source_file", "modified_ns")
        .unique("source_file", keep="last", maintain_order=True)
        .select("source_file", "source_format", was_size="size", was_modified="modified_ns")
    )
    listing, found = iter(files), list[LogFile]()
    while chunk := list(islice(listing, _CHUNK)):
        found += _changed(chunk, last, sources)
    return sorted(found, key=lambda file: file.path)


def _changed(
    listed: list[LogFile], last: pl.DataFrame, sources: Sources | None
) -> Iterator[LogFile]:
    seen = pl.DataFrame(
        {
            "source_file": pl.Series([file.path for file in listed], dtype=pl.String),
            "size": pl.Series([file.size for file in listed], dtype=pl.Int64),
            "modified_ns": pl.Series([file.modified_ns for file in listed], dtype=pl.Int64),
        }
    ).join(last, on="source_file", how="left", maintain_order="left")
    # One by one: Polars 2.1 panics where it compares structs of which the join found none.
    changed = seen.select(
        pl.col("size").ne_missing(pl.col("was_size"))
        | pl.col("modified_ns").ne_missing(pl.col("was_modified"))
    ).to_series()
    if sources is not None:
        changed |= _read_otherwise(seen, changed, sources)
    return (listed[place] for place in changed.arg_true().to_list())


def _read_otherwise(seen: pl.DataFrame, changed: pl.Series, sources: Sources) -> pl.Series:
    """Of the files that did not change, those that ``sources`` says to read in another way."""
    if not sources.sources:
        return seen["source_format"].str.contains(":", literal=True).fill_null(value=False)
    same = [
        is_changed or same_reading(indexed, sources.of(path))
        for path, indexed, is_changed in zip(
            seen["source_file"], seen["source_format"], changed, strict=True
        )
    ]
    return ~pl.Series(same, dtype=pl.Boolean)


def same_reading(indexed: str | None, source: Source | None) -> bool:
    """Whether a file that was read as ``indexed`` would be read the same way now."""
    if source is not None:
        return indexed == source.tag
    return indexed is None or ":" not in indexed


def updated_index(index: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """``index`` once the ``rows`` of a batch are put in place.

    They replace the row of the same file and digest; older versions of their files are superseded.
    A file that could not be read supersedes nothing: what it held before still counts.
    """
    readable = rows.filter(pl.col("digest") != UNREADABLE)["source_file"].implode()
    others = index.join(rows, on=LOG_INDEX.key, how="anti").with_columns(
        superseded=pl.col("superseded") | pl.col("source_file").is_in(readable)
    )
    return LOG_INDEX.require(pl.concat([others.select(rows.columns), rows]))


def folded_index(rows: pl.DataFrame) -> pl.DataFrame:
    """The index from all rows that landings ever handed over, for stores that only append.

    Of a file's rows the last landed counts (by ``landed_at``, then modification time and digest).
    """
    rows = rows.with_columns(superseded=pl.lit(value=False))
    # There may be a row for each of a million objects, nearly all of them landed once.
    again = rows["source_file"].is_duplicated()
    if again.any():
        rows = pl.concat([rows.filter(~again), _folded(rows.filter(again))])
    return LOG_INDEX.require(rows)


def _folded(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` of files that were landed several times, one of each version."""
    ordered = (
        rows.sort("landed_at", "modified_ns", "digest")
        .unique(LOG_INDEX.key, keep="last", maintain_order=True)
        .with_row_index("place")
    )
    readable = pl.when(pl.col("digest") != UNREADABLE).then("place")
    older = pl.col("place") < readable.max().over("source_file")
    return ordered.with_columns(superseded=older.fill_null(value=False)).drop("place")


def current_files(index: pl.DataFrame) -> pl.DataFrame:
    """The index rows whose rows count."""
    return index.filter(~pl.col("superseded"))


def current_rows(landed: pl.LazyFrame, index: pl.DataFrame) -> pl.LazyFrame:
    """The rows of ``landed`` (with ``source_file`` and ``batch``) that the index vouches for.

    Rows of an older version of a file, or of a landing that never reached the index, are left out.
    """
    current = current_files(index).select("source_file", "batch").unique()
    return landed.join(current.lazy(), on=["source_file", "batch"], how="semi")


def unaccounted_files(index: pl.DataFrame) -> pl.DataFrame:
    """Files whose records are not exactly their calls, steps, feedback, rejected and ignored ones.

    Returns:
        The index rows of such files with ``missing``, how many records went astray (negative: were
        counted twice). Empty is what conservation demands.
    """
    read = pl.coalesce("records", "lines")
    accounted = pl.sum_horizontal("calls", "steps", "feedback", "rejected", "ignored")
    return index.with_columns(missing=read - accounted).filter(pl.col("missing") != 0)

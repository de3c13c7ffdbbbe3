"""The index of landed files: which are new, which rows are current, whether every line is accounted for."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from llmops_pipelines.ingest.files import LogFile
from llmops_pipelines.ingest.sources import Source, Sources
from llmops_pipelines.tables import LOG_INDEX


def changed_files(
    files: Iterable[LogFile], index: pl.DataFrame, sources: Sources | None = None
) -> list[LogFile]:
    """Files that are new, or differ in size or modification time from when they were landed.

    With ``sources``, also files whose entry in sources.yaml came, went or changed since: so a file
    of unknown format is tried again once somebody describes it, and not before. Sorted by path.
    """
    known = {
        row["source_file"]: row
        for row in index.filter(~pl.col("superseded")).sort("source_file", "modified_ns").to_dicts()
    }
    changed = []
    for file in files:
        row = known.get(file.path)
        if (
            row is None
            or (row["size"], row["modified_ns"]) != (file.size, file.modified_ns)
            or (
                sources is not None
                and not same_reading(row["source_format"], sources.of(file.path))
            )
        ):
            changed.append(file)
    return sorted(changed, key=lambda file: file.path)


def same_reading(indexed: str | None, source: Source | None) -> bool:
    """Whether a file that was read as ``indexed`` would be read the same way now."""
    if source is not None:
        return indexed == source.tag
    return indexed is None or ":" not in indexed


def updated_index(index: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """``index`` after a batch: ``rows`` replace those of the same file and digest, others stay."""
    return LOG_INDEX.require(
        pl.concat([index.join(rows, on=LOG_INDEX.key, how="anti").select(rows.columns), rows])
    )


def current_rows(landed: pl.LazyFrame, index: pl.DataFrame) -> pl.LazyFrame:
    """The rows of ``landed`` (any table with ``source_file`` and ``batch``) that the index vouches for.

    Rows of an older version of a file, or of a landing that never reached the index, are left out.
    """
    current = index.lazy().filter(~pl.col("superseded")).select("source_file", "batch").unique()
    return landed.join(current, on=["source_file", "batch"], how="semi")


def unaccounted_files(index: pl.DataFrame) -> pl.DataFrame:
    """Files whose lines are not exactly calls, steps, feedback, rejected and ignored lines together.

    Returns:
        The index rows of such files with ``missing``, how many lines went astray (negative: were
        counted twice). Empty is what conservation demands.
    """
    accounted = pl.sum_horizontal("calls", "steps", "feedback", "rejected", "ignored")
    return index.with_columns(missing=pl.col("lines") - accounted).filter(pl.col("missing") != 0)

"""Landing: changed log files to redacted rows per event day, each file read exactly once.

How batches, parts and the index fit together. Files are grouped by path into landing groups of about
``batch_bytes`` on disk. A group's **batch** is the digest of what is in it (paths, file digests,
settings that shape rows): equal input gives equal names. Rows carry it, and so does the index row of
each file. A group is handed over in one or more **parts**, ``<batch>-0000``, ``<batch>-0001``, ..., each
at most about ``batch_bytes`` of text, so memory does not grow with a file. A file's index row comes
with the part that holds its last line.

The order of writing is all that a caller must keep: every table of a part first, then its index rows.
Readers trust a row only if the index vouches for its file and batch (``current_rows``). So a crash
between the two leaves rows that nobody sees; the next landing finds the file still unindexed and
writes it again, under the same names or, in other company, under new ones. Nothing is lost or
doubled. A changed file gets a new batch, and its old index row is marked ``superseded``, with which
its old rows disappear.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

import polars as pl

from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.days import file_day, tell_days
from llmops_pipelines.ingest.files import Content, LogFile, read_content
from llmops_pipelines.ingest.lines import Block, Refused
from llmops_pipelines.ingest.log_index import same_reading
from llmops_pipelines.ingest.opening import Unknown, open_content
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.parts import Part, Piece, read_part
from llmops_pipelines.ingest.tabling import landed_tables
from llmops_pipelines.tables import LOG_INDEX

_HOLD: Final = 8 * 2**20
"""Files up to this size are kept in memory between taking their digest and reading them."""

_UNREADABLE: Final = "unreadable"

OnFile = Callable[[str, int, int], None]
"""Told after each file: its path, how many files are done, how many there are."""


class LandedBatch(NamedTuple):
    """One part of a landing group, ready to be written.

    ``tables`` holds, per table name and event day, the rows of this part; ``index`` the ``LOG_INDEX``
    rows to put in place (see ``updated_index``) once they are written.
    """

    name: str
    tables: dict[str, dict[date, pl.DataFrame]]
    index: pl.DataFrame


def land(
    files: Iterable[LogFile],
    options: LandingOptions,
    index: pl.DataFrame,
    *,
    on_file: OnFile | None = None,
) -> Iterator[LandedBatch]:
    """Read ``files`` (those that ``changed_files`` named) and hand over their rows, part by part.

    A file whose digest is that of its index row is not read again; only its index row is renewed. A
    file that cannot be opened is a rejection, and is tried again by the next landing.
    """
    files = sorted(files, key=lambda file: file.path)
    known: dict[str, list[dict[str, Any]]] = {}
    for row in index.filter(~pl.col("superseded")).to_dicts():
        known.setdefault(row["source_file"], []).append(row)
    done = 0
    for group in _groups(files, options.batch_bytes):
        landing = _Landing(group, options, known)
        for batch in landing.batches():
            yield batch
            while done < len(files) and files[done].path in landing.finished:
                done += 1
                if on_file:
                    on_file(files[done - 1].path, done, len(files))

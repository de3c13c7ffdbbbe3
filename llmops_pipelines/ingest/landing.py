"""Landing: changed log files to redacted rows per event day, each file read exactly once.

How batches, parts and the index fit together. Files are taken in order of their paths, in groups of
about ``batch_bytes`` on disk. A group's **batch** is the digest of what is in it (paths, file
digests, settings that shape rows): equal input gives equal names. Rows carry it, and so does the
index row of each file. A group is handed over in one or more **parts**, ``<batch>-0000``,
``<batch>-0001``, ..., each of about ``batch_bytes`` of text, so that memory does not grow with a
file. A file's index row comes with the part that holds its last line.

The order of writing is all that a caller must keep: every table of a part first, then its index
rows. Readers trust a row only if the index vouches for its file and batch (``current_rows``). So a
crash between the two leaves rows that nobody sees; the next landing finds the file still unindexed
and writes it again, under the same names or, in other company, under new ones: nothing is lost or
doubled. A changed file gets a new batch; its old index row is marked ``superseded``, and with it
its old rows disappear. A file that is gone from the log folder keeps its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import polars as pl

from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.files import Content, LogFile, read_content
from llmops_pipelines.ingest.group import LandedBatch, LandingGroup, superseded
from llmops_pipelines.ingest.log_index import same_reading
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.tables import LOG_INDEX

_HOLD: Final = 8 * 2**20
"""Files up to this size are kept in memory between taking their digest and reading them."""

OnFile = Callable[[str, int, int], None]
"""Told after each file: its path, how many files are done, how many there are."""


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

    def finished(path: str) -> None:
        nonlocal done
        done += 1
        if on_file is not None:
            on_file(path, done, len(files))

    connection = connect()
    for group in _groups(files, options.batch_bytes):
        fresh: list[Content] = []
        renewed: list[dict[str, Any]] = []
        for file in group:
            content = read_content(file, hold=_HOLD)
            if row := _unchanged(content, known.get(file.path, []), options):
                renewed += [row, *superseded(content, known)]
                finished(file.path)
            else:
                fresh.append(content)
        if renewed:
            yield LandedBatch("unchanged", {}, pl.DataFrame(renewed, schema=LOG_INDEX.schema))
        if fresh:
            yield from LandingGroup(fresh, options, connection, known, finished).batches()


def _groups(files: list[LogFile], size: int) -> Iterator[list[LogFile]]:
    """``files`` in order, in groups that reach ``size`` bytes on disk."""
    group: list[LogFile] = []
    held = 0
    for file in files:
        group.append(file)
        held += file.size
        if held >= size:
            yield group
            group, held = [], 0
    if group:
        yield group


def _unchanged(
    content: Content, known: list[dict[str, Any]], options: LandingOptions
) -> dict[str, Any] | None:
    """The renewed index row of a file that was only touched; None if it has to be read."""
    for row in known:
        source = options.sources.of(content.file.path)
        same = row["digest"] == content.digest and same_reading(row["source_format"], source)
        if same and content.failure is None:
            return {**row, "size": content.file.size, "modified_ns": content.file.modified_ns}
    return None

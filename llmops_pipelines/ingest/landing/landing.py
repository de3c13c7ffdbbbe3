"""Landing: changed log files to redacted rows per event day, each file read exactly once.

How batches, parts and the index fit together. Files are taken in order of their paths, in groups of
about ``batch_bytes`` on disk, or of ``batch_files`` files. A group's **batch** is the digest of
what is in it (paths, file digests, settings that shape rows): equal input gives equal names. Rows
carry it, and so does the index row of each file. A group is handed over in one or more **parts**,
``<batch>-0000``, ``<batch>-0001``, ..., each of about ``batch_bytes`` of text, so that memory does
not grow with a file. A file's index row comes with the part that holds its last line.

The order of writing is all that a caller must keep: every table of a part first, then its index
rows. Readers trust a row only if the index vouches for its file and batch (``current_rows``). So a
crash between the two leaves rows that nobody sees; the next landing finds the file still unindexed
and writes it again, under the same names or, in other company, under new ones: nothing is lost or
doubled. A changed file gets a new batch; putting its index row in place marks the old one
``superseded``, and with that its old rows disappear. A file that is gone from the log folder keeps
its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import polars as pl

from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.landing.group import LandedBatch, LandingGroup, batch_of
from llmops_pipelines.ingest.landing.log_index import current_files, same_reading
from llmops_pipelines.ingest.log_files.files import Content, LogFile, read_content
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.tables import LOG_INDEX

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
    left = sorted(files, key=lambda file: file.path, reverse=True)
    asked = pl.Series([file.path for file in left], dtype=pl.String).implode()
    indexed = current_files(index.filter(pl.col("source_file").is_in(asked)))
    known = {(row["source_file"], row["digest"]): row for row in indexed.to_dicts()}
    del files, asked, index, indexed  # as long as a landing goes on, there may be millions
    done, count = 0, len(left)

    def finished(path: str) -> None:
        nonlocal done
        done += 1
        if on_file is not None:
            on_file(path, done, count)

    connection = connect()
    for group in _groups(left, options.batch_bytes, options.batch_files):
        fresh, touched = list[Content](), list[Content]()
        for file in group:
            content = read_content(file)
            row = known.get((file.path, content.digest))
            same = row and same_reading(row["source_format"], options.sources.of(file.path))
            (touched if same and content.failure is None else fresh).append(content)
        if touched:
            rows = [
                _renewed(known[content.file.path, content.digest], content, options)
                for content in touched
            ]
            name = f"{batch_of(touched, options)}-unchanged"
            yield LandedBatch(name, {}, pl.DataFrame(rows, schema=LOG_INDEX.schema))
            for content in touched:
                finished(content.file.path)
        if fresh:
            yield from LandingGroup(fresh, options, connection, finished).batches()


def _groups(left: list[LogFile], size: int, count: int) -> Iterator[list[LogFile]]:
    """Files off the end of ``left``, in groups that reach ``size`` bytes on disk or ``count``."""
    group: list[LogFile] = []
    held = 0
    while left:
        group.append(file := left.pop())
        held += file.size
        if held >= size or len(group) >= count:
            yield group
            group, held = [], 0
    if group:
        yield group


def _renewed(row: dict[str, Any], content: Content, options: LandingOptions) -> dict[str, Any]:
    """The index row of a file that was touched and has not changed."""
    seen = {"size": content.file.size, "modified_ns": content.file.modified_ns}
    return {**row, **seen, "landed_at": options.moment}

"""What of a Parquet file is read: neither its footer nor its pages may ask for more than that.

A few bytes can stand for a billion rows, or for a page of two gigabytes. All is looked up before
anything is unpacked, and in the headers of the pages: footers that lie are no protection.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import IO, Final, NamedTuple

import pyarrow.parquet as pq

from llmops_pipelines.ingest.log_files.parquet_pages import Pages, PagesError, pages_of

_COLUMNS: Final = 10_000
_ROWS: Final = 2**20
"""So many rows are read however small a file is; of more, each takes a byte at least."""

_BATCH_ROWS: Final = 4_000
_SWELLING: Final = 1_000
_SWOLLEN: Final = 64 * 2**20
_HELD: Final = 256 * 2**20
_PAGES: Final = 512 * 2**20
_PAGE_COUNT: Final = 1_000_000
_VALUES: Final = 64 * 2**20
"""So many values in lists are read of a row group; of more, each takes a byte at least."""

_TEXTS: Final = ("STRING", "JSON", "BSON", "ENUM", "NONE", "UNKNOWN")


class NoTableError(ValueError):
    """A file looks like a table and is none."""


class Plan(NamedTuple):
    """How a file is read.

    ``stored_once`` are the columns whose texts stay as they are stored: each once, and numbers;
    ``batch_rows`` is how many rows are read at a time.
    """

    stored_once: list[str]
    batch_rows: int


def reading_plan(file: IO[bytes], size: int, max_line_bytes: int) -> Plan:
    """How to read a Parquet file of ``size`` bytes such that memory and time stay bounded.

    Raises:
        NoTableError: It asks for more than is read; with what it asks, and what is read.
        pa.ArrowException: It is no Parquet file.
    """
    metadata = pq.read_metadata(file)
    if metadata.num_columns > _COLUMNS:
        raise NoTableError(
            f"declares {metadata.num_columns:,} columns, more than the {_COLUMNS:,} that are read;"
            " export the ones that describe the call"
        )
    if metadata.num_rows > max(_ROWS, size):
        raise NoTableError(
            f"declares {metadata.num_rows:,} rows in {size:,} bytes, more than one a byte; export"
            " it again"
        )
    columns = [metadata.schema.column(place) for place in range(metadata.num_columns)]
    prefixed: dict[str, int] = {}
    repeated = set[str]()
    count = 0
    for place in range(metadata.num_row_groups):
        group = metadata.row_group(place)
        pages = {}
        for number, column in enumerate(columns):
            chunk = group.column(number)
            try:
                found = pages_of(file, chunk)
            except PagesError:
                raise NoTableError("is no whole Parquet file; export it again") from None
            pages[column.path] = found
            _refuse_column(column, found)
            if found.dictionary:
                repeated.add(column.path)
            prefixed[column.path] = max(prefixed.get(column.path, 0), found.prefixed)
            count += found.pages
        _refuse_group(place, group.num_rows, pages.values(), max_line_bytes)
        nested = [pages[column.path] for column in columns if column.max_repetition_level]
        _refuse_lists(place, nested)
        if count > _PAGE_COUNT:
            raise NoTableError(
                f"has more than the {_PAGE_COUNT:,} pages that are read; export it in parts"
            )
    # A text may be as long as its page, also where it is written by what it shares with others.
    wide = sum(column.length or 0 for column in columns) + sum(prefixed.values())
    texts = [
        column.path
        for column in columns
        if column.path in repeated
        and column.physical_type == "BYTE_ARRAY"
        and column.logical_type.type in _TEXTS
    ]
    return Plan(texts, max(1, min(_BATCH_ROWS, _HELD // max(1, wide))))


def _refuse_column(column: pq.ColumnSchema, pages: Pages) -> None:
    packed, unpacked = pages.packed, pages.unpacked
    if unpacked > _SWOLLEN and unpacked > _SWELLING * packed:
        raise NoTableError(
            f"declares that {packed:,} bytes of column {column.path} unpack to {unpacked:,}, more"
            f" than {_SWELLING:,} times as many; export it again"
        )
    if pages.prefixed and column.max_repetition_level:
        raise NoTableError(
            f"writes the lists of column {column.path} as DELTA_BYTE_ARRAY, which may unpack to"
            " anything; export it with dictionaries or plain texts"
        )


def _refuse_group(place: int, rows: int, pages: Collection[Pages], max_line_bytes: int) -> None:
    size, held = (
        sum(values) for values in zip(*((p.unpacked, p.held) for p in pages), strict=True)
    )
    if size > max(rows * max_line_bytes, _HELD):
        raise NoTableError(
            f"declares {size:,} bytes in the {rows:,} rows of row group {place}, more than the"
            f" {max_line_bytes:,} a row that are read; log long texts apart"
        )
    if held > _PAGES:
        raise NoTableError(
            f"has pages that take {held:,} bytes at once in row group {place}, more than the"
            f" {_PAGES:,} that are read; export it with smaller pages"
        )


def _refuse_lists(place: int, nested: list[Pages]) -> None:
    values, packed = sum(pages.values for pages in nested), sum(pages.packed for pages in nested)
    if values > max(_VALUES, packed):
        raise NoTableError(
            f"declares {values:,} values in the lists of row group {place}, which take {packed:,}"
            " bytes, more than one a byte; export it again"
        )

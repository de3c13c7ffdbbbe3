"""Parquet and CSV files as lines of JSON: a row is a line, its number the row's, from 1."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmops_pipelines.ingest.log_files.files import DamagedFileError, most_bytes
from llmops_pipelines.ingest.log_files.lines import SHORT, Block, Refused, ShortLines, too_long
from llmops_pipelines.ingest.log_files.parquet_bounds import NoTableError, reading_plan
from llmops_pipelines.ingest.log_files.rewriting import (
    block_of,
    lines_of,
    object_in,
    with_lines,
    written,
)

_ROWS: Final = 4_000
_SPOOLED: Final = 64 * 2**20
_BATCH_BYTES: Final = 64 * 2**20
_BATCH_VALUES: Final = 1_000_000
PARQUET: Final = b"PAR1"


def parquet_blocks(chunks: Iterator[bytes], max_line_bytes: int) -> Iterator[Block | Refused]:
    """The rows of a Parquet file; the file is spooled to disk, rows are read some at a time.

    Raises:
        NoTableError: It is no whole Parquet file, or unpacks to more than is read.
    """
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as spooled:
        try:
            for chunk in chunks:
                spooled.write(chunk)
            size = spooled.tell()
            plan = reading_plan(spooled, size, max_line_bytes)
            table = pq.ParquetFile(spooled, read_dictionary=plan.stored_once)
            batches = table.iter_batches(batch_size=plan.batch_rows)
        except (pa.ArrowException, DamagedFileError, OSError) as error:
            raise NoTableError("is no whole Parquet file; export it again") from error
        rows = _parquet_rows(batches, table.metadata.num_rows, most_bytes(size), max_line_bytes)
        yield from _blocks(rows, max_line_bytes)


def csv_blocks(
    chunks: Iterator[bytes], max_line_bytes: int, head: bytes
) -> Iterator[Block | Refused]:
    """The rows of a CSV file with a header, as objects of text; empty cells are left out.

    Cells are parted by commas, or by semicolons, tabs or bars where the header (the first line of
    ``head``) holds no comma. A row with more cells than the header is refused alone. Where the file
    ends too early, what is missing is one refused line.
    """
    csv.field_size_limit(max_line_bytes)
    lines = io.TextIOWrapper(
        io.BufferedReader(_Stream(chunks)), encoding="utf-8-sig", errors="replace", newline=""
    )
    rows = csv.reader(lines, strict=True, delimiter=_mark(head))
    yield from _blocks(_csv_rows(rows), max_line_bytes)


def _mark(head: bytes) -> str:
    """What parts the cells: a comma, unless the header has none and one of the others."""
    header = head.partition(b"\n")[0]
    others = [mark for mark in (";", "\t", "|") if mark.encode() in header]
    return others[0] if others and b"," not in header else ","


def _parquet_rows(
    batches: Iterator[pa.RecordBatch], rows: int, most: int, max_line_bytes: int
) -> Iterator[dict[str, Any] | Refused]:
    """The rows, until their texts have ``most`` bytes together."""
    row = size = 0
    try:
        for batch in batches:
            size += sum(map(_text_bytes, batch.columns))
            if size > most:
                reason = f"file: its texts unpack to more than {most:,} bytes; log long texts apart"
                yield _refused(row + 1, reason)._replace(lines=rows - row)
                return
            for part in _of_size(batch, max_line_bytes):
                if isinstance(part, int):
                    row += 1
                    yield _refused(row, too_long(part, max_line_bytes), part)
                    continue
                for record in _unfolded(part).to_pylist():
                    row += 1
                    yield record
    except (pa.ArrowException, OSError, ValueError) as error:
        yield _refused(row + 1, f"row: cannot be read ({type(error).__name__}); export it again")


def _of_size(batch: pa.RecordBatch, max_line_bytes: int) -> Iterator[pa.RecordBatch | int]:
    """``batch`` in parts of bounded size; of a row that is too long as a line, its bytes alone."""
    texts, values = sum(map(_text_bytes, batch.columns)), sum(map(_values, batch.columns))
    if texts <= _BATCH_BYTES and values <= _BATCH_VALUES:
        yield batch
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _of_size(batch.slice(0, half), max_line_bytes)
        yield from _of_size(batch.slice(half), max_line_bytes)
    else:  # as JSON, a value and its comma take two bytes at least
        size = max(texts, 2 * values)
        yield size if size > max_line_bytes else batch


def _unfolded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """``batch`` with each text in its place: so it becomes Python's several times faster."""
    columns = [
        column if (plain := _plain_type(column.type)) == column.type else column.cast(plain)
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """``kind`` without dictionaries."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in kind.fields])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain_type(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_plain_type(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(_plain_type(kind.key_type), _plain_type(kind.item_type))
    return kind


def _text_bytes(array: pa.Array) -> int:
    """How long the texts in ``array`` become, of which each may be stored once for many rows."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return pc.sum(pc.binary_length(array.dictionary).take(array.indices)).as_py() or 0
    if any(asks(kind) for asks in _ARE_TEXTS):
        return pc.sum(pc.binary_length(array)).as_py() or 0
    return sum(map(_text_bytes, _below(array)))


def _values(array: pa.Array) -> int:
    """How many values ``array`` holds, those of its lists and objects included."""
    return len(array) + sum(map(_values, _below(array)))


def _below(array: pa.Array) -> list[pa.Array]:
    """What lists and objects hold."""
    if pa.types.is_struct(array.type):
        return list(array.flatten())
    if pa.types.is_map(array.type):  # has no flatten, and keys and items are those of all rows
        begin, end = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return [part.slice(begin, end - begin) for part in (array.keys, array.items)]
    return [array.flatten()] if any(asks(array.type) for asks in _ARE_LISTS) else []


_ARE_TEXTS: Final = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary,
)  # fmt: skip
_ARE_LISTS: Final = (
    pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list,
)  # fmt: skip


def with_parsed_cells(blocks: Iterator[Block | Refused]) -> Iterator[Block | Refused]:
    """``blocks`` whose cells that hold an object or a list as text hold it as such."""
    for item in blocks:
        if isinstance(item, Block):
            yield with_lines(item, [parsed_cells(line) for line in lines_of(item)])
        else:
            yield item


def parsed_cells(line: bytes) -> bytes:
    """A row, as a line, with those of its texts parsed that are JSON objects or lists.

    A line that holds no object stays as it is.
    """
    row = object_in(line)
    if row is None:
        return line
    held = {
        name: inner
        for name, cell in row.items()
        if isinstance(cell, str) and (inner := _json_in(cell)) is not None
    }
    return (held and written(row | held)) or line


def _json_in(cell: str) -> Any:
    if not cell.startswith(("{", "[")):
        return None
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return None


def _csv_rows(rows: Iterator[list[str]]) -> Iterator[dict[str, Any] | Refused]:
    header: list[str] | None = None
    number, tally = 0, ShortLines()
    while True:
        try:
            cells = next(rows)
            tally.add(1, sum(map(len, cells)) < SHORT)
        except StopIteration:
            return
        except DamagedFileError as error:
            yield _refused(number + 1, f"file: {error}; the rows before are kept, {error.remedy}")
            return
        except csv.Error as error:
            number += 1
            yield _refused(number, f"row: is no CSV ({error}); quote its cells as RFC 4180 says")
            continue
        if not cells:
            continue
        if header is None:
            header = cells
            continue
        number += 1
        if len(cells) > len(header):
            yield _refused(
                number,
                f"row: has {len(cells)} cells, the header {len(header)}; quote cells with commas",
            )
            continue
        yield {name: cell for name, cell in zip(header, cells, strict=False) if cell != ""}


def _blocks(
    rows: Iterator[dict[str, Any] | Refused], max_line_bytes: int
) -> Iterator[Block | Refused]:
    held: list[bytes] = []
    first, size = 1, 0
    for number, row in enumerate(rows, start=1):
        line = row if isinstance(row, Refused) else _line(number, row, max_line_bytes)
        if isinstance(line, Refused) or len(held) == _ROWS or size > max_line_bytes:
            if held:
                yield block_of(held, first)
            held, size = [], 0
        if isinstance(line, Refused):
            yield line
        else:
            first = number if not held else first
            held.append(line)
            size += len(line)
    if held:
        yield block_of(held, first)


def _line(number: int, row: dict[str, Any], max_line_bytes: int) -> bytes | Refused:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    try:
        line = orjson.dumps(row, default=_plain, option=options)
    except TypeError:
        return _refused(number, "row: holds values that JSON cannot; export them as text")
    if len(line) > max_line_bytes:
        return _refused(number, too_long(len(line), max_line_bytes), len(line))
    return line


def _plain(value: Any) -> Any:
    """What JSON has no word for: bytes as hexadecimal digits, all else as its text."""
    return value.hex() if isinstance(value, bytes) else str(value)


def _refused(row: int, reason: str, size: int = 0) -> Refused:
    return Refused(row, size, "unreadable", reason)


class _Stream(io.RawIOBase):
    """Chunks of bytes as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._held:
            try:
                self._held = next(self._chunks)
            except StopIteration:
                return 0
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count

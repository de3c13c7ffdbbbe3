"""What the pages of a Parquet file say of themselves, read without unpacking any.

The footer tells sizes of whole columns, and readers do not hold it against the headers of the
pages, by which they make room. A header is a struct of Thrift's compact protocol; fields are named
in parquet-format's ``parquet.thrift``.
"""

from __future__ import annotations

from typing import IO, Any, Final, NamedTuple

import pyarrow.parquet as pq

_WINDOWS: Final = (2**9, 2**16, 2**24)
"""Bytes of a header to look at: statistics may hold long texts; Arrow reads up to 16 MiB."""

_DEEPEST: Final = 8
_DICTIONARY_PAGE: Final = 2
_DATA_V1, _DICTIONARY, _DATA_V2 = 5, 7, 8
_PREFIXED: Final = 7
"""DELTA_BYTE_ARRAY: a text is so many bytes of the one before, and a rest."""


class PagesError(ValueError):
    """What stands where a page should begin is none."""


class Pages(NamedTuple):
    """The pages of one column of one row group.

    ``packed`` and ``unpacked`` are bytes of them all, ``dictionary`` and ``largest`` those of the
    dictionary and of the largest other page, which a reader holds at once. ``prefixed`` are bytes
    of the largest page of texts that are written by what they share with the text before, 0 without
    any.
    """

    pages: int
    packed: int
    unpacked: int
    dictionary: int
    largest: int
    values: int
    prefixed: int

    @property
    def held(self) -> int:
        """Bytes that a reader has in memory at once."""
        return self.dictionary + self.largest


def pages_of(file: IO[bytes], chunk: pq.ColumnChunkMetaData) -> Pages:
    """The pages that a reader of ``chunk`` meets: from its start until its values are all there.

    Raises:
        PagesError: They end too early, or are no pages.
    """
    begin = chunk.data_page_offset
    if chunk.dictionary_page_offset is not None and 0 < chunk.dictionary_page_offset < begin:
        begin = chunk.dictionary_page_offset
    at, end = begin, begin + chunk.total_compressed_size
    count = unpacked = largest = dictionary = values = prefixed = 0
    while at < end and values < chunk.num_values:
        header, length = _header(file, at)
        size, packed = header.get(2), header.get(3)
        if not isinstance(size, int) or not isinstance(packed, int) or min(size, packed) < 0:
            raise PagesError
        data = header.get(_DATA_V1) or header.get(_DATA_V2) or {}
        if header.get(1) == _DICTIONARY_PAGE:
            dictionary = max(dictionary, size)
        else:
            largest, values = max(largest, size), values + max(data.get(1, 0), 0)
        if _PREFIXED in (header.get(_DATA_V1, {}).get(2), header.get(_DATA_V2, {}).get(4)):
            prefixed = max(prefixed, size)
        count, unpacked, at = count + 1, unpacked + size, at + length + packed
    if at > end:
        raise PagesError
    return Pages(count, at - begin, unpacked, dictionary, largest, values, prefixed)


def _header(file: IO[bytes], at: int) -> tuple[dict[int, Any], int]:
    """The page header at ``at``, by the numbers of its fields, and its length."""
    for size in _WINDOWS:
        file.seek(at)
        data = file.read(size)
        try:
            return _struct(data, 0, 0)
        except IndexError:
            if len(data) < size:
                break
    raise PagesError


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    found: dict[int, Any] = {}
    field = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            field += head >> 4
        else:
            field, at = _number(data, at)
        found[field], at = _value(data, at, head & 15, depth + 1)
    return found, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    match kind:
        case 1 | 2:
            return kind == 1, at
        case 3:
            return data[at], at + 1
        case 4 | 5 | 6:
            return _number(data, at)
        case 7:
            return None, at + 8
        case 8:
            length, at = _varint(data, at)
            return None, at + length
        case 12 if depth < _DEEPEST:
            return _struct(data, at, depth)
    raise PagesError  # headers hold no lists and no maps


def _number(data: bytes, at: int) -> tuple[int, int]:
    folded, at = _varint(data, at)
    return (folded >> 1) ^ -(folded & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise PagesError

"""The digest of a frame's content: the same under any release of Polars, Arrow or this machine.

Not of a file or an Arrow message, whose bytes are their writer's business, but of the values
themselves: of every column, which of its values are null, how long its texts and lists are, and its
values one after another, as the Arrow columnar format lays them out (little-endian).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import xxhash


def content_digest(frame: pl.DataFrame) -> str:
    """XXH3 of names and values, 128 bits in 32 hex digits; rows and columns count in their order.

    It tells contents apart, and proves nothing to somebody who wants to deceive.
    """
    digest = xxhash.xxh3_128()
    for column in frame.iter_columns():
        array: Any = column.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        digest.update(f"{column.name}\0{len(array)}\0".encode())
        for piece in _pieces(array):
            digest.update(piece)
    return digest.hexdigest()


def _pieces(array: Any) -> Iterator[Any]:
    """What ``array`` holds, as runs of bytes; what lies under a null does not count."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _pieces(array.dictionary_decode())
        return
    valid = _bits(array, 0).astype(bool) if array.null_count else None
    yield b"." if valid is None else np.packbits(valid)
    if pa.types.is_null(kind):
        return
    if pa.types.is_struct(kind):
        for field in array.flatten():
            yield from _pieces(field)
    elif pa.types.is_nested(kind):
        sizes = pc.list_value_length(array if valid is None else array.drop_null()).cast(pa.int64())
        held = np.frombuffer(sizes.buffers()[1], np.int64, len(sizes), sizes.offset * 8)
        yield _in_place(held, valid)
        yield from _pieces(array.flatten())
    elif pa.types.is_boolean(kind):
        held = _bits(array, 1)
        yield np.packbits(held if valid is None else held * valid)
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        yield from _texts(array, valid)
    else:
        width = kind.bit_width // 8
        held = np.frombuffer(array.buffers()[1], np.uint8)
        held = held[array.offset * width : (array.offset + len(array)) * width]
        yield held if valid is None else held.reshape(-1, width) * valid[:, None]


def _bits(array: Any, buffer: int) -> Any:
    """A bitmap of ``array``, a byte each. Arrow's own ``to_numpy`` imports pandas: 0.3 CPU-s."""
    held = np.frombuffer(array.buffers()[buffer], np.uint8)
    bits = np.unpackbits(held, count=array.offset + len(array), bitorder="little")
    return bits[array.offset :]


def _texts(array: Any, valid: Any) -> Iterator[Any]:
    """The length of each text in bytes, and all of them together."""
    known = array if valid is None else array.drop_null()
    _, offsets, data = known.buffers()
    ends = np.frombuffer(offsets, np.int64)[known.offset : known.offset + len(known) + 1]
    yield _in_place(np.diff(ends), valid)
    if data is not None and len(ends):
        yield memoryview(data)[ends[0] : ends[-1]]


def _in_place(sizes: Any, valid: Any) -> Any:
    """Sizes of what is not null, with 0 where there is a null."""
    if valid is None:
        return sizes
    every = np.zeros(len(valid), np.int64)
    every[valid] = sizes
    return every

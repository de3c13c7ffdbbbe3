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
    valid = None
    if array.null_count:
        valid = array.is_valid().to_numpy(zero_copy_only=False)
    yield b"." if valid is None else np.packbits(valid)
    if pa.types.is_null(kind):
        return
    if pa.types.is_struct(kind):
        for field in array.flatten():
            yield from _pieces(field)
    elif pa.types.is_nested(kind):
        yield pc.list_value_length(array).fill_null(0).cast(pa.int64()).to_numpy()
        yield from _pieces(array.flatten())
    elif pa.types.is_boolean(kind):
        yield np.packbits(
            pc.fill_null(array, pa.scalar(value=False)).to_numpy(zero_copy_only=False)
        )
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        yield from _texts(array if valid is None else pc.fill_null(array, pa.scalar("", kind)))
    else:
        width = kind.bit_width // 8
        held = np.frombuffer(array.buffers()[1], np.uint8)
        held = held[array.offset * width : (array.offset + len(array)) * width]
        yield held if valid is None else held.reshape(-1, width) * valid[:, None]


def _texts(array: Any) -> Iterator[Any]:
    """The length of each text in bytes, and all of them together."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    yield np.diff(ends)
    if data is not None and len(ends):
        yield memoryview(data)[ends[0] : ends[-1]]

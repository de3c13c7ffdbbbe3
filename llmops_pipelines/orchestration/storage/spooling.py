"""A table too large to be held, read once, part by part, and dealt out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl
import pyarrow as pa

_PIECE: Final = "piece:number"


def dealt_out(
    parts: Iterable[pl.LazyFrame], piece: pl.Expr, portion: int
) -> Iterator[tuple[int | None, pl.LazyFrame]]:
    """The rows of ``parts``: first those without a ``piece`` (null), then each piece by its number.

    Rows without a piece come as they are read, in portions of at least ``portion`` rows, the last
    one excepted. The others wait in a temporary folder, about as large as they are in memory. What
    is handed over is to be collected before the next is asked for.
    """
    with TemporaryDirectory(prefix="llmops-") as folder:
        spool = Path(folder)
        for rows in _spooled(parts, piece, portion, spool):
            yield None, rows.lazy()
        for number in sorted(int(file.name) for file in spool.iterdir()):
            yield number, pl.scan_ipc(spool / str(number))


def _spooled(
    parts: Iterable[pl.LazyFrame], piece: pl.Expr, portion: int, folder: Path
) -> Iterator[pl.DataFrame]:
    """The rows without a piece; meanwhile the others are written to ``folder``."""
    held: list[pl.DataFrame] = []
    with ExitStack() as open_files:
        files: dict[int, pa.ipc.RecordBatchFileWriter] = {}
        for part in parts:
            rows = part.with_columns(piece.alias(_PIECE)).collect()
            if rows[_PIECE].null_count():
                held.append(rows.filter(pl.col(_PIECE).is_null()).drop(_PIECE))
            waiting = rows.filter(pl.col(_PIECE).is_not_null())
            del rows
            for (number,), frame in waiting.partition_by(
                _PIECE, as_dict=True, include_key=False
            ).items():
                table = _arrow(frame)
                if number not in files:
                    file = pa.ipc.new_file(folder / str(number), table.schema)
                    files[number] = open_files.enter_context(file)
                files[number].write_table(table)
            if sum(frame.height for frame in held) >= portion:
                yield pl.concat(held)
                held = []
    if held:
        yield pl.concat(held)


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())

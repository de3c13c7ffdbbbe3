"""A table too large to be held, read once, part by part, and dealt out on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl
import pyarrow as pa

_PIECE: Final = "piece:number"


def dealt_out(parts: Iterable[pl.LazyFrame], piece: pl.Expr, pieces: int) -> Iterator[pl.LazyFrame]:
    """The rows of ``parts`` by their ``piece``, a number from 0 to below ``pieces``, in order.

    They wait in a temporary folder, about as large as the rows are in memory. Each is to be
    collected before the next one is asked for.
    """
    with TemporaryDirectory(prefix="llmops-") as folder:
        _spool(parts, piece, pieces, Path(folder))
        for number in range(pieces):
            yield pl.scan_ipc(Path(folder, str(number)))


def _spool(parts: Iterable[pl.LazyFrame], piece: pl.Expr, pieces: int, folder: Path) -> None:
    with ExitStack() as open_files:
        files: list[pa.ipc.RecordBatchFileWriter] = []
        for part in parts:
            rows = part.with_columns(piece.alias(_PIECE)).collect()
            dealt = rows.partition_by(_PIECE, as_dict=True, include_key=False)
            schema = _arrow(rows.drop(_PIECE).clear()).schema
            if not files:
                paths = [folder / str(number) for number in range(pieces)]
                files += [open_files.enter_context(pa.ipc.new_file(p, schema)) for p in paths]
            for (number,), frame in dealt.items():
                files[number].write_table(_arrow(frame))


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())

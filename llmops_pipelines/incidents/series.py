"""Which figures of a judge may be held against one another: those of one served snapshot."""

from __future__ import annotations

import polars as pl


def one_snapshot_each(quality: pl.DataFrame) -> pl.DataFrame:
    """``QUALITY`` rows with a ``judge_spec`` that names the snapshot where a judge had several.

    Rows of an older release tell no snapshot. They go on as the series they are while all others
    of their judge are of one snapshot, so that an upgrade breaks nothing.
    """
    told = pl.col("snapshot").filter(pl.col("snapshot") != "").n_unique().over("judge_spec")
    named = pl.concat_str("judge_spec", pl.lit("@"), "snapshot")
    return quality.with_columns(judge_spec=pl.when(told > 1).then(named).otherwise("judge_spec"))

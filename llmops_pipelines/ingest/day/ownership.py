"""Who pays for a record that names no team: the owner of its feature, as features.yaml says."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.reference import Features


def with_team(records: pl.DataFrame, features: Features) -> pl.DataFrame:
    """``records`` whose ``team``, where it is null, is that of their ``feature``."""
    owners = {name: features.of(name).team for name in records["feature"].unique().to_list()}
    owner = pl.col("feature").replace_strict(owners, return_dtype=pl.String, default=None)
    return records.with_columns(team=pl.coalesce("team", owner))

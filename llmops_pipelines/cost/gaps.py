"""What figures leave out: models without a price, undeclared features, calls without a feature."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.reference import UNATTRIBUTED, Features


def unpriced_models(call_costs: pl.DataFrame) -> pl.DataFrame:
    """The successful calls without a cost, per provider, model and reason; the most calls first.

    Args:
        call_costs: ``CALL_COSTS``.

    Returns:
        ``provider`` and ``model`` (null where the log names none), ``reason`` and ``calls``.
    """
    return (
        call_costs.filter((pl.col("status") == "ok") & pl.col("cost").is_null())
        .group_by("provider", "model", reason="unpriced_reason")
        .agg(calls=pl.len().cast(pl.Int64))
        .sort("calls", "provider", "model", "reason", descending=[True, False, False, False])
    )


def unknown_features(llm_calls: pl.DataFrame, features: Features) -> pl.DataFrame:
    """Features that calls name and ``features.yaml`` does not; the most calls first.

    A call that names no feature at all is ``unattributed``, which is no feature to declare.

    Args:
        llm_calls: ``LLM_CALLS``.
        features: What ``features.yaml`` says.

    Returns:
        ``feature`` and ``calls``.
    """
    known = [*features.features, UNATTRIBUTED]
    return (
        llm_calls.filter(~pl.col("feature").is_in(known))
        .group_by("feature")
        .agg(calls=pl.len().cast(pl.Int64))
        .sort("calls", "feature", descending=[True, False])
    )


def unattributed_calls(llm_calls: pl.DataFrame) -> pl.DataFrame:
    """Calls that name no feature and that no rule of ``features.yaml`` fits; the most calls first.

    Args:
        llm_calls: ``LLM_CALLS``.

    Returns:
        ``source_format``, ``project`` and ``name``, which a rule may look at, and ``calls``.
    """
    by = ["source_format", "project", "name"]
    return (
        llm_calls.filter(pl.col("feature") == UNATTRIBUTED)
        .group_by(by)
        .agg(calls=pl.len().cast(pl.Int64))
        .sort("calls", *by, descending=[True, False, False, False])
    )

"""The night's sample: a stratified draw that any machine repeats and a larger one contains."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from llmops_pipelines.reference import Features
from llmops_pipelines.tables import SAMPLED_TRACES

LEAST_PER_STRATUM = 5
"""Draws that every stratum gets first, as far as they go: none would leave it out of the rates."""

WEIGHTS = {"high": 9, "normal": 3, "low": 1}
"""Draws of a feature by criticality, against each other: 3 to 1 to 1/3, in whole numbers."""

UNVERSIONED = "unversioned"
"""The prompt version of a stratum whose calls name none."""


def sample_traces(
    traces: pl.DataFrame, *, per_day: int, seed: int, features: Features
) -> pl.DataFrame:
    """Draw the day's traces for judging, stratified by feature and prompt version.

    Drawn from are answered traces whose text was kept, of features that are judged at all: others
    have nothing to judge, so they are no part of the population either (``stratum_size`` counts
    what could be drawn). Draws are handed out one at a time, in an order that does not depend on
    ``per_day``. First each stratum gets up to 5, heavier features first. Every further draw goes to
    the feature that has least for its weight, and within it to the stratum that has least for its
    size (Webster's method); what a feature cannot take goes to the others. A stratum gives its
    traces in the order of a keyed hash of their id. So equal arguments give equal rows everywhere,
    and a larger ``per_day`` keeps every earlier row.

    Args:
        traces: ``TRACES`` of the day.
        per_day: Traces to draw; all of them when there are fewer.
        seed: Key of the hash: another seed is another sample.
        features: Criticality per feature, and which have ``judging: none``.

    Returns:
        ``SAMPLED_TRACES``. ``probability`` is the stratum's draws over its size, exactly. Strata
        that got no draw, possible where ``per_day`` is less than 5 per stratum, are not there.

    Raises:
        ValueError: ``per_day`` is negative.
    """
    if per_day < 0:
        raise ValueError(f"per_day is {per_day}, expected 0 or more traces")
    unjudged = [name for name, feature in features.features.items() if feature.judging == "none"]
    frame = _strata(traces.filter(~pl.col("feature").is_in(unjudged)))
    drawn = _in_order_of_draw(frame, seed, features).head(per_day)
    return SAMPLED_TRACES.require(
        drawn.with_columns(probability=pl.len().over("stratum") / pl.col("stratum_size")).rename(
            {"root_call_id": "call_id"}
        )
    )


def _strata(traces: pl.DataFrame) -> pl.DataFrame:
    """What could be drawn, each trace with its stratum and how many share it."""
    version = pl.col("prompt_version").fill_null(UNVERSIONED)
    return (
        traces.filter((pl.col("status") == "ok") & pl.col("has_text"))
        .with_columns(stratum=pl.concat_str("feature", pl.lit(" | "), version))
        .with_columns(stratum_size=pl.len().over("stratum").cast(pl.Int64))
    )


def _in_order_of_draw(strata: pl.DataFrame, seed: int, features: Features) -> pl.DataFrame:
    """Every trace, first drawn first."""
    rank, turn, least = pl.col("rank"), pl.col("turn"), LEAST_PER_STRATUM
    weights = [WEIGHTS[features.of(name).criticality] for name in strata["feature"]]
    further = pl.when(rank >= least)
    return (
        strata.with_columns(
            weight=pl.Series(weights, dtype=pl.Int64),
            hash=pl.Series(_hashes(strata["trace_id"], seed), dtype=pl.String),
        )
        .sort("hash", "trace_id")
        .with_columns(rank=pl.int_range(pl.len()).over("stratum"))
        .with_columns(
            round=pl.min_horizontal(rank, pl.lit(least)),
            claim=further.then(pl.col("stratum_size") / (2 * rank + 1)),
        )
        .sort("round", "claim", "stratum", descending=[False, True, False], maintain_order=True)
        .with_columns(turn=pl.int_range(pl.len()).over("feature"))
        .with_columns(feature_claim=further.then(pl.col("weight") / (2 * turn + 1)))
        .sort(
            ["round", "feature_claim", "weight", "feature", "stratum_size", "stratum", "turn"],
            descending=[False, True, True, False, True, False, False],
            nulls_last=True,
        )
    )


def _hashes(trace_ids: pl.Series, seed: int) -> list[str]:
    """Keyed digests from the standard library: Polars' own hash changes with its version."""
    key = str(seed).encode()
    return [blake2b(name.encode(), digest_size=16, key=key).hexdigest() for name in trace_ids]

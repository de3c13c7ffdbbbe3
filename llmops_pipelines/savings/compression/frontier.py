"""Tokens and money saved against support lost, per technique and setting."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import polars as pl

from llmops_pipelines.savings.routing.outcomes import Floats
from llmops_pipelines.statistics import NOTHING, Interval, mean_interval
from llmops_pipelines.statistics.interval import t_critical
from llmops_pipelines.statistics.linearised import codes, linearise

_CONFIDENCE = 0.95

COMPRESSION_POINTS = pl.Schema(
    {
        "technique": pl.String,
        "step": pl.Int64,
        "setting": pl.Float64,
        "calls": pl.Int64,
        "shortened": pl.Int64,
        "unscored": pl.Int64,
        "unpriced": pl.Int64,
        "tokens_before": pl.Float64,
        "tokens_saved": pl.Float64,
        "tokens_saved_low": pl.Float64,
        "tokens_saved_high": pl.Float64,
        "tokens_saved_share": pl.Float64,
        "used_lost_share": pl.Float64,
        "score_full": pl.Float64,
        "score_kept": pl.Float64,
        "loss": pl.Float64,
        "loss_low": pl.Float64,
        "loss_high": pl.Float64,
        "loss_at_most": pl.Float64,
        "saved": pl.Float64,
        "saved_low": pl.Float64,
        "saved_high": pl.Float64,
        "saved_share": pl.Float64,
    }
)
"""One row is one setting. ``tokens_*`` and ``saved`` (US dollars) are means per call, over all
calls and over the priced ones. ``shortened`` counts the calls that the setting changes.
``used_lost_share`` is the share of the contexts that answers used of which nothing is left.
``loss`` is the part of the mean score that is lost (below 0: a gain), over the scored calls;
``loss_at_most`` bounds it from above, one-sided, at 95 %. Null is unknown."""


def compression_points(compressed: pl.DataFrame) -> pl.DataFrame:
    """``COMPRESSION_POINTS`` of replayed calls.

    Args:
        compressed: `compressed_costs`, with ``weight`` (1 / inclusion probability) and ``session``,
            the cluster; null is a cluster of its own.
    """
    rows = [
        {"technique": technique, "step": step, **_figures(own)}
        for (technique, step), own in compressed.sort("technique", "step", "call_id").group_by(
            "technique", "step", maintain_order=True
        )
    ]
    return pl.DataFrame(rows, schema=COMPRESSION_POINTS)


def _figures(own: pl.DataFrame) -> dict[str, Any]:
    scored = own.drop_nulls(["score_full", "score_kept"])
    priced = own.drop_nulls("saved").with_columns(pl.col("saved", "cost_before").cast(pl.Float64))
    weights = own["weight"].to_numpy()
    removed = (own["tokens_before"] - own["tokens_after"]).cast(pl.Float64)
    tokens = mean_interval(removed, weights, own["session"])
    before = float(np.average(own["tokens_before"].to_numpy(), weights=weights))
    loss, at_most = relative_loss(
        scored["score_full"].to_numpy(),
        scored["score_kept"].to_numpy(),
        scored["weight"].to_numpy(),
        scored["session"],
    )
    saved = mean_interval(priced["saved"], priced["weight"], priced["session"])
    return {
        "setting": own["setting"][0],
        "calls": own.height,
        "shortened": int((removed > 0).sum()),
        "unscored": own.height - scored.height,
        "unpriced": own.height - priced.height,
        "tokens_before": before,
        **_ends("tokens_saved", tokens),
        "tokens_saved_share": (tokens.estimate or 0.0) / before if before else None,
        "used_lost_share": _share(own["used_lost"], own["used"], own["weight"]),
        "score_full": _mean(scored, "score_full"),
        "score_kept": _mean(scored, "score_kept"),
        **_ends("loss", loss),
        "loss_at_most": at_most,
        **_ends("saved", saved),
        "saved_share": _share(priced["saved"], priced["cost_before"], priced["weight"]),
    }


def relative_loss(
    full: Floats, kept: Floats, weights: Floats, clusters: pl.Series
) -> tuple[Interval, float | None]:
    """The part of the mean of ``full`` that ``kept`` lacks, and its one-sided 95 % bound.

    A ratio of two means of the same items: linearised, clustered, Student's t. The bound is taken
    over what is seen and one more item whose score is lost whole: where no loss was seen its spread
    is unknown, not 0; so bounded, it comes to about the rule of three.

    Args:
        full: Scores from 0 to 1.
        kept: Scores of the same items.
        weights: Positive.
        clusters: What each belongs to; null is a cluster by itself.
    """
    if not len(full) or np.average(full, weights=weights) <= 0:
        return NOTHING._replace(n=len(full)), None
    estimate, error, degrees = _ratio(full, kept, weights, codes(clusters, len(full)))
    if error is None:
        return Interval(estimate, None, None, len(full)), None
    half = t_critical(_CONFIDENCE, degrees) * error
    own = codes(clusters, len(full))
    one_more, error_more, degrees = _ratio(
        np.append(full, np.average(full, weights=weights)),
        np.append(kept, 0.0),
        np.append(weights, weights.mean()),
        np.append(own, own.max() + 1),
    )
    critical = t_critical(2 * _CONFIDENCE - 1, degrees)
    return (
        Interval(estimate, estimate - half, estimate + half, len(full)),
        one_more + critical * (error_more or 0.0),
    )


def _ratio(
    full: Floats, kept: Floats, weights: Floats, clusters: Any
) -> tuple[float, float | None, int]:
    """``1 - mean(kept) / mean(full)``, its standard error and degrees of freedom."""
    mean = float(np.average(full, weights=weights))
    share = float(np.average(kept, weights=weights)) / mean
    strata = np.zeros(len(full), dtype=np.int64)
    spread = linearise((kept - share * full) / mean, weights, clusters, strata)
    error = None if spread.variance is None else sqrt(spread.variance)
    return 1 - share, error, spread.degrees_of_freedom


def _share(part: pl.Series, whole: pl.Series, weights: pl.Series) -> float | None:
    """Weighted sums over each other; null where there is nothing to have a share of."""
    rows = pl.DataFrame([part.alias("part"), whole.alias("whole"), weights.alias("w")])
    known = rows.drop_nulls().cast(pl.Float64).to_numpy()
    total = float(known[:, 1] @ known[:, 2])
    return float(known[:, 0] @ known[:, 2]) / total if total > 0 else None


def _mean(rows: pl.DataFrame, name: str) -> float | None:
    if rows.is_empty():
        return None
    return float(np.average(rows[name].to_numpy(), weights=rows["weight"].to_numpy()))


def _ends(name: str, figure: Interval) -> dict[str, float | None]:
    return {name: figure.estimate, f"{name}_low": figure.low, f"{name}_high": figure.high}

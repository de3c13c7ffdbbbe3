"""What a change of judge did to the scores: the same items under both, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import polars as pl

from llmops_pipelines.quality.items import ALL
from llmops_pipelines.quality.snapshots import UNTOLD
from llmops_pipelines.statistics import paired_difference
from llmops_pipelines.tables import JUDGE_BRIDGES

_METHOD = (
    "mean of paired differences, weighted by 1 / inclusion probability, MOVER interval clustered "
    "by session"
)


def judge_bridges(
    sampled: pl.DataFrame, verdicts: pl.DataFrame, judge_specs: pl.DataFrame
) -> pl.DataFrame:
    """How much higher one judge scores than another of the same metric, on the items of both.

    A trend line that goes from one judge to the other may be read across the change by this much,
    and not without. Where another snapshot answered to a judge's model, each snapshot is a judge of
    its own here; a reply that tells none is taken for one of the only snapshot that is told of.
    Repeated draws of an item are averaged. Each pair goes from the one whose first verdict is older
    to the other; items that only one of them scored are counted, and say nothing.

    Args:
        sampled: ``day``, ``call_id``, ``feature``, ``session_id``, ``probability``.
        verdicts: ``day``, ``call_id``, ``spec_id``, ``outcome``, ``score``, ``model_served``,
            ``scored_at``.
        judge_specs: ``JUDGE_SPECS``, each id once.

    Returns:
        ``JUDGE_BRIDGES``, a row per metric, feature (``*``: all) and pair of judges that scored
        anything both.
    """
    known = judge_specs.select(
        "spec_id", "metric", judge=pl.concat_str("kind", "model", separator=" ")
    )
    scores = (
        verdicts.filter(pl.col("outcome") == "scored", pl.col("score").is_between(0, 1))
        .with_columns(snapshot=_snapshot())
        .group_by("day", "call_id", *_JUDGE)
        .agg(pl.col("score").mean(), pl.col("scored_at").min())
        .join(known, on="spec_id")
        .join(sampled, on=["day", "call_id"])
        .sort("day", "call_id", *_JUDGE)
    )
    rows = [
        row
        for (_metric,), of_metric in scores.group_by("metric", maintain_order=True)
        for row in _of_metric(of_metric)
    ]
    return JUDGE_BRIDGES.require(pl.DataFrame(rows, schema=JUDGE_BRIDGES.schema, orient="row"))


_JUDGE = ("spec_id", "snapshot")


def _snapshot() -> pl.Expr:
    served = pl.col("model_served")
    told = served.drop_nulls()
    only = pl.when(told.n_unique() == 1).then(told.first()).over("spec_id")
    return served.fill_null(only).fill_null(UNTOLD)


def _of_metric(scores: pl.DataFrame) -> Iterator[dict[str, Any]]:
    first = scores.group_by(_JUDGE).agg(pl.col("scored_at").min()).sort("scored_at", *_JUDGE)
    for before, after in combinations(first.select(_JUDGE).iter_rows(), 2):
        old, new = (scores.filter(spec_id=spec, snapshot=name) for spec, name in (before, after))
        pairs = old.join(new.select("day", "call_id", new_score="score"), on=["day", "call_id"])
        if pairs.is_empty():
            continue
        names = {
            "metric": old["metric"][0],
            "from_spec": before[0],
            "from_snapshot": before[1],
            "to_spec": after[0],
            "to_snapshot": after[1],
            "from_judge": old["judge"][0],
            "to_judge": new["judge"][0],
        }
        days = pairs["day"].unique().to_list()
        for feature in (ALL, *pairs["feature"].unique().sort()):
            of_feature = pl.lit(value=True) if feature == ALL else pl.col("feature") == feature
            alone = sum(
                frame.filter(of_feature, pl.col("day").is_in(days)).height for frame in (old, new)
            )
            yield {**names, "feature": feature, **_bridge(pairs.filter(of_feature), alone)}


def _bridge(pairs: pl.DataFrame, scored: int) -> dict[str, Any]:
    weights = 1 / pairs["probability"]
    found = paired_difference(pairs["new_score"], pairs["score"], weights, pairs["session_id"])
    total = float(weights.sum())
    return {
        **found._asdict(),
        "from_mean": float((weights * pairs["score"]).sum()) / total,
        "to_mean": float((weights * pairs["new_score"]).sum()) / total,
        "changed": int((pairs["new_score"] != pairs["score"]).sum()),
        "unpaired": scored - 2 * pairs.height,
        "first_day": pairs["day"].min(),
        "last_day": pairs["day"].max(),
        "method": _METHOD,
    }

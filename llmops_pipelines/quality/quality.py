"""The day's quality: a figure per feature, prompt version, metric and judge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from llmops_pipelines.quality.estimates import estimate
from llmops_pipelines.quality.items import ALL, answered, census_items, sampled_items
from llmops_pipelines.quality.snapshots import UNTOLD, by_snapshot
from llmops_pipelines.tables import QUALITY


def quality(
    sampled_traces: pl.DataFrame,
    heuristic_scores: pl.DataFrame,
    verdicts: pl.DataFrame,
    traces: pl.DataFrame,
    judge_specs: pl.DataFrame,
    support_spec_id: str,
) -> pl.DataFrame:
    """Turn scores into rates and means with 95 % intervals, per prompt version and for all (``*``).

    ``support`` comes from every answered trace with text (a census of the day, read as a sample of
    the service: its interval has no finite population correction); verdicts about it carry evidence
    only. Every other metric comes from the sample, weighted by its inclusion probabilities. Traces
    of one session count as related. A metric whose scores are all 0 or 1 is a rate, else a mean.
    Judges are never pooled: each spec has rows of its own, for the features it was asked about, and
    where several served snapshots of one answered, each of those has. A
    group to which a metric does not apply at all has no row; one where nothing could be scored has
    n = 0 and nulls, and so has ``support`` of a feature whose answers came
    without any text. Calls that name no prompt version are filed under `unversioned`.

    Args:
        sampled_traces: ``SAMPLED_TRACES`` of the day.
        heuristic_scores: ``HEURISTIC_SCORES`` of the day.
        verdicts: ``JUDGE_SCORES`` columns, the rows of sampled calls; others are ignored.
        traces: ``TRACES`` of the day.
        judge_specs: ``JUDGE_SPECS``, with every judge behind the verdicts.
        support_spec_id: The spec of the scorer behind ``heuristic_scores.support``.

    Returns:
        ``QUALITY``.

    Raises:
        ValueError: A judge is not in ``judge_specs``.
    """
    items = pl.concat(
        [
            census_items(traces, heuristic_scores, support_spec_id),
            sampled_items(sampled_traces, verdicts),
        ]
    )
    rows = [*_rows(items, _answered(traces)), *_textless(traces, support_spec_id)]
    return QUALITY.require(
        pl.DataFrame(rows, schema=_SCHEMA, orient="row").pipe(_with_judges, judge_specs)
    )


_SCHEMA = {name: QUALITY.schema[name] for name in QUALITY.schema if name not in ("metric", "judge")}


def _rows(items: pl.DataFrame, answered: dict[tuple[str, str], int]) -> Iterator[dict[str, Any]]:
    everything = items.with_columns(prompt_version=pl.lit(ALL))
    keys = ["spec_id", "feature", "prompt_version"]
    for key, group in pl.concat([items, everything]).partition_by(keys, as_dict=True).items():
        spec_id, feature, version = (str(part) for part in key)
        for snapshot, items_of_one in by_snapshot(group):
            found = estimate(items_of_one, answered=answered.get((feature, version), 0))
            if found.interval.n or found.unscored:
                yield {
                    "feature": feature,
                    "prompt_version": version,
                    "judge_spec": spec_id,
                    "snapshot": snapshot,
                    **found.interval._asdict(),
                    **found._asdict(),
                }


def _textless(traces: pl.DataFrame, support_spec_id: str) -> Iterator[dict[str, Any]]:
    """A row without a figure for each feature that answered, and left nothing to look at."""
    silent = answered(traces).group_by("feature").agg(pl.len(), pl.col("has_text").any())
    for feature, count, has_text in silent.sort("feature").iter_rows():
        if not has_text:
            yield {
                "feature": feature,
                "prompt_version": ALL,
                "judge_spec": support_spec_id,
                "snapshot": UNTOLD,
                "n": 0,
                "unscored": count,
                "not_applicable": 0,
                "population": count,
                "method": f"no text: {count:,} answered traces came without, or none was kept",
            }


def _answered(traces: pl.DataFrame) -> dict[tuple[str, str], int]:
    """Answered traces per feature and prompt version, and per feature under ``*``."""
    kept = answered(traces).select("feature", "prompt_version")
    both = pl.concat([kept, kept.with_columns(prompt_version=pl.lit(ALL))])
    counts = both.group_by("feature", "prompt_version").len()
    return {(feature, version): n for feature, version, n in counts.iter_rows()}


def _with_judges(rows: pl.DataFrame, judge_specs: pl.DataFrame) -> pl.DataFrame:
    judges = judge_specs.select(
        "metric",
        judge_spec="spec_id",
        judge=pl.concat_str("kind", "model", separator=" "),
    )
    named = rows.join(judges, on="judge_spec", how="left")
    unknown = named.filter(pl.col("judge").is_null())["judge_spec"].unique().sort().to_list()
    if unknown:
        raise ValueError(
            f"judge_specs: has no spec {', '.join(unknown)}, but scores of it exist; "
            "record a judge's spec before its scores"
        )
    return named

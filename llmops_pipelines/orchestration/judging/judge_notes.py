"""Days that were scored before a judge was set: nothing judges them by itself, so it is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.orchestration.judging.asking import table_of_verdicts
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup
from llmops_pipelines.orchestration.judging.judging import nightly_specs
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import SAMPLED_TRACES


def about_judging(lake: Lake, setup: JudgeSetup, today: date) -> Iterator[str]:
    """Judges of nights that recent days, whose samples they are for, know nothing of."""
    asked = [
        (names, spec) for names, spec, seat in nightly_specs(setup) if seat.endpoint.configured
    ]
    earliest = today - timedelta(days=setup.judge.judge_within_days)
    days = [day for day in lake.days(SAMPLED_TRACES) if day >= earliest]
    if not (asked and days):
        return
    sampled = lake.scan(SAMPLED_TRACES, days).select("day", "feature").unique().collect()
    lacking = defaultdict[tuple[date, ...], list[str]](list)
    for names, spec in asked:
        wanted = set(sampled.filter(pl.col("feature").is_in(names))["day"])
        if missing := wanted - _told(lake, spec, days):
            lacking[tuple(sorted(missing))].append(spec.metric)
    for missed, metrics in lacking.items():
        each = list(dict.fromkeys(metrics))
        yield (
            f"{len(missed)} day(s) from {missed[0]} to {missed[-1]} have samples that were not "
            f"judged by {', '.join(each)}, and no night goes back by itself: "
            f"llmops rescore --from {missed[0]} --to {missed[-1]} --spec {each[0]}"
            f"{' (and so on)' if each[1:] else ''}"
        )


def _told(lake: Lake, spec: judging.JudgeSpec, days: list[date]) -> set[date]:
    """The days on which a verdict of ``spec`` stands, or why there is none."""
    rows = lake.scan(table_of_verdicts(spec), days).filter(pl.col("spec_id") == spec.spec_id)
    return set(rows.select(pl.col("day").unique()).collect()["day"])

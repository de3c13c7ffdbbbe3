"""Propositions about a day's tables, as Dagster shows them; the rooms compute what is wrong."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from llmops_pipelines import cost, ingest
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.landing import landed_rows, log_index
from llmops_pipelines.orchestration.partitions import days_of
from llmops_pipelines.orchestration.resources import ReferenceFolder
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    CALL_COSTS,
    FEATURE_COSTS,
    LANDED_CALLS,
    LANDED_DAYS,
    LLM_CALLS,
    REJECTED_LINES,
)

MAX_REJECTED_SHARE = 0.05
SHOWN = 20


def days_checked(context: dg.AssetCheckExecutionContext) -> list[date]:
    """The days that the run computes; a check of a partitioned asset speaks of these."""
    run = context.op_execution_context
    return (
        days_of(run.partition_keys) if run.has_partition_key or run.has_partition_key_range else []
    )


def no_file_lost_lines(lake: Lake) -> dg.AssetCheckResult:
    """Every landed file's lines are all accounted for."""
    faults = ingest.unaccounted_files(log_index(lake))
    return _result(faults, "{n:,} file(s) whose lines do not add up")


def no_call_vanished(lake: Lake, days: Sequence[date]) -> dg.AssetCheckResult:
    """Every landed call of ``days`` is in `llm_calls` once, and nothing else is."""
    faults = [
        ingest.unaccounted_rows(
            landed_rows(lake, LANDED_CALLS, day, lake.read(LANDED_DAYS, [day])).collect(),
            lake.read(LLM_CALLS, [day]),
        )
        for day in days
    ]
    return _result(_together(faults), "{n:,} call(s) lost or invented")


def expectations_met(
    lake: Lake, days: Sequence[date], validate: Callable[[pl.DataFrame, date], Sequence[Any]]
) -> dg.AssetCheckResult:
    """Great Expectations' verdict; each failure names column, expectation, count and examples."""
    failures = [
        {"day": day, **failure._asdict(), "examples": str(list(failure.examples))}
        for day in days
        for failure in validate(lake.read(LLM_CALLS, [day]).drop("day"), day)
    ]
    return _result(pl.DataFrame(failures), "{n:,} expectation(s) not met")


def few_rejected(lake: Lake, days: Sequence[date]) -> dg.AssetCheckResult:
    """The share of rejected lines of each day stays below the limit."""
    rows = []
    for day in days:
        rejected = lake.read(REJECTED_LINES, [day])
        kept = lake.scan(LLM_CALLS, [day]).select(pl.len()).collect().item()
        share = rejected.height / max(rejected.height + kept, 1)
        if share > MAX_REJECTED_SHARE:
            first = rejected.row(0, named=True)
            rows.append(
                {
                    "day": day,
                    "rejected": rejected.height,
                    "share": share,
                    "first": f"{first['source_file']}:{first['source_line']}: {first['reason']}",
                }
            )
    return _result(
        pl.DataFrame(rows),
        f"{{n:,}} day(s) with more than {MAX_REJECTED_SHARE:.0%} rejected lines",
    )


def features_known(
    lake: Lake, days: Sequence[date], reference: ReferenceFolder
) -> dg.AssetCheckResult:
    """Features in the logs that features.yaml does not list have no owner."""
    unknown = cost.unknown_features(
        lake.read(LLM_CALLS, days), reference.read("features.yaml", Features)
    )
    return _result(
        unknown,
        "{n:,} feature(s) without an entry in features.yaml",
        severity=dg.AssetCheckSeverity.WARN,
    )


def all_priced(lake: Lake, days: Sequence[date]) -> dg.AssetCheckResult:
    """Names the models without a price, and how many calls that leaves out of spend."""
    unpriced = cost.unpriced_models(lake.read(CALL_COSTS, days))
    return _result(
        unpriced,
        f"{unpriced['calls'].sum():,} call(s) of {{n:,}} model(s) have no price; "
        "add them to prices.yaml",
        severity=dg.AssetCheckSeverity.WARN,
    )


def spend_adds_up(lake: Lake, days: Sequence[date]) -> dg.AssetCheckResult:
    """Exact decimals: the two sums are equal or something is wrong."""
    calls = lake.scan(CALL_COSTS, days).group_by("day").agg(calls=pl.col("cost").sum()).collect()
    features = (
        lake.scan(FEATURE_COSTS, days).group_by("day").agg(features=pl.col("cost").sum()).collect()
    )
    both = calls.join(features, on="day", how="full", coalesce=True)
    return _result(
        both.filter(pl.col("calls").ne_missing(pl.col("features"))),
        "{n:,} day(s) whose features do not add up to their calls",
    )


def _together(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames) if frames else pl.DataFrame()


def _result(
    faults: pl.DataFrame,
    sentence: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """Passed when there are no faults; else a sentence and the first of them as a table."""
    if faults.is_empty():
        return dg.AssetCheckResult(passed=True, severity=severity)
    return dg.AssetCheckResult(
        passed=False,
        severity=severity,
        description=sentence.format(n=faults.height),
        metadata={
            "faults": dg.MetadataValue.table(
                [
                    dg.TableRecord({name: str(value) for name, value in row.items()})
                    for row in faults.head(SHOWN).to_dicts()
                ]
            )
        },
    )

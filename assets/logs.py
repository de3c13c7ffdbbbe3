"""What was logged: landing, then the day's calls, steps, traces, feedback and rejected lines."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import polars as pl

from llmops_pipelines import ingest
from llmops_pipelines.adapters.expectations import validate_calls
from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.conditions import on_landed_change
from llmops_pipelines.orchestration.graph.daily import daily, table_metadata
from llmops_pipelines.orchestration.graph.daily_checks import daily_check
from llmops_pipelines.orchestration.graph.partitions import DAILY
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    LakeResource,
    LogFolder,
    Policy,
    Privacy,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.landing.landed_rows import landed_rows
from llmops_pipelines.orchestration.landing.landing import calls_of_day, land
from llmops_pipelines.orchestration.landing.late_feedback import feedback_of_day
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    CALL_TEXTS,
    FEEDBACK,
    LANDED_CALLS,
    LANDED_DAYS,
    LANDED_REJECTIONS,
    LANDED_STEPS,
    LATE_FEEDBACK,
    LLM_CALLS,
    LOG_INDEX,
    REJECTED_LINES,
    STEP_TEXTS,
    TRACE_STEPS,
    TRACES,
)

OWNER = "team:llm-platform"


@dg.asset(
    group_name="landing",
    owners=[OWNER],
    kinds={"duckdb", "polars", "parquet"},
    pool="landing",
    metadata=table_metadata(LOG_INDEX),
    deps=[
        reference_key("sources"),
        reference_key("features"),
        reference_key("privacy"),
        "pulled_logs",
    ],
)
def landing(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    logs: LogFolder,
    reference: ReferenceFolder,
    privacy: Privacy,
    clock: Clock,
    policy: Policy,
) -> dg.MaterializeResult[None]:
    """New and changed log files, each parsed and redacted once, as rows and texts per event day."""
    return land(context, lake, logs, reference, privacy, clock, policy)


landed_days = dg.AssetSpec(
    "landed_days",
    description="Which log files hold rows of a day; the landing run reports each change.",
    group_name="logs",
    owners=[OWNER],
    kinds={"parquet"},
    deps=[landing],
    partitions_def=DAILY,
    metadata=table_metadata(LANDED_DAYS),
)

late_feedback = dg.AssetSpec(
    "late_feedback",
    description="Feedback given on another day than its call; the landing run reports each change.",
    group_name="logs",
    owners=[OWNER],
    kinds={"parquet"},
    deps=[landing],
    partitions_def=DAILY,
    metadata=table_metadata(LATE_FEEDBACK),
)

call_texts = dg.AssetSpec(
    "call_texts",
    description="Redacted messages, answers and contexts, stored once and apart from the numbers.",
    group_name="landing",
    owners=[OWNER],
    kinds={"parquet"},
    deps=[landing],
    metadata=table_metadata(CALL_TEXTS),
)

step_texts = dg.AssetSpec(
    "step_texts",
    description="Redacted documents that retrievers and rerankers returned, stored once and apart.",
    group_name="landing",
    owners=[OWNER],
    kinds={"parquet"},
    deps=[landing],
    metadata=table_metadata(STEP_TEXTS),
)


@daily(
    LLM_CALLS,
    group="logs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    condition=on_landed_change,
    figures=figures.of_calls,
    deps=["landing", "pulled_logs"],
)
def llm_calls(
    landed_days: pl.DataFrame, lake: LakeResource, reference: ReferenceFolder, day: date
) -> Iterator[pl.DataFrame]:
    """Every model call that started on the day, once, with disjoint token buckets."""
    features = reference.read("features.yaml", Features)
    return calls_of_day(lake.open(), day, landed_days, features)


@daily(
    TRACE_STEPS,
    group="logs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    condition=on_landed_change,
    deps=["landing", "pulled_logs"],
)
def trace_steps(landed_days: pl.DataFrame, lake: LakeResource, day: date) -> pl.DataFrame:
    """Retrievers, tools, guardrails and parsers: what a trace does besides calling models."""
    return ingest.trace_steps(landed_rows(lake.open(), LANDED_STEPS, day, landed_days))


@daily(
    FEEDBACK,
    group="logs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    condition=on_landed_change,
    figures=figures.of_feedback,
    deps=["landing", "pulled_logs"],
)
def feedback(
    landed_days: pl.DataFrame, late_feedback: pl.DataFrame, lake: LakeResource, day: date
) -> pl.DataFrame:
    """What users of the application said of the day's answers, whenever they said it."""
    given = feedback_of_day(lake.open(), day, landed_days, late_feedback)
    return ingest.feedback(given, landed_rows(lake.open(), LANDED_CALLS, day, landed_days))


@daily(
    REJECTED_LINES,
    group="logs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    condition=on_landed_change,
    figures=figures.of_rejections,
    deps=["landing", "pulled_logs"],
)
def rejected_lines(landed_days: pl.DataFrame, lake: LakeResource, day: date) -> pl.DataFrame:
    """Lines that could not be read, each with file, line number, reason and digest."""
    landed = landed_rows(lake.open(), LANDED_REJECTIONS, day, landed_days)
    return ingest.rejected_lines(landed, landed_days)


@daily(
    TRACES,
    group="logs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_traces,
)
def traces(llm_calls: pl.DataFrame, trace_steps: pl.DataFrame) -> pl.DataFrame:
    """Requests of users, each with the call that gave its final answer."""
    return ingest.traces(llm_calls, trace_steps)


@dg.asset_check(asset=landing, blocking=True)
def every_line_is_accounted_for(lake: LakeResource) -> dg.AssetCheckResult:
    """Lines read = calls + steps + feedback + rejected + ignored, for every file."""
    return checks.no_file_lost_lines(lake.open())


@dg.asset_check(asset=landing)
def logs_keep_their_rhythm(lake: LakeResource, clock: Clock) -> dg.AssetCheckResult:
    """No day lacks its logs, and none has far fewer calls than its weekday used to have."""
    return checks.logs_keep_their_rhythm(lake.open(), clock.today())


@daily_check(llm_calls, blocking=True)
def every_landed_call_is_kept_or_a_duplicate(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """No call vanishes between landing and the day's table, and none is invented."""
    return checks.no_call_vanished(lake.open(), day)


@daily_check(llm_calls, blocking=True)
def calls_meet_expectations(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """Great Expectations over the day's calls: ids, times, tokens, latencies, states."""
    return checks.expectations_met(lake.open(), day, validate_calls)


@daily_check(rejected_lines)
def few_lines_are_rejected(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """At most 5 % of a day's lines could not be read."""
    return checks.few_rejected(lake.open(), day)


@daily_check(llm_calls)
def every_feature_is_known(
    lake: LakeResource, reference: ReferenceFolder, day: date
) -> dg.AssetCheckResult:
    """Every call has a feature, and every feature an owner in features.yaml."""
    return checks.features_known(lake.open(), day, reference)


@daily_check(llm_calls)
def every_total_is_that_of_its_tokens(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """No tool logged a total of tokens that its own counts do not come to."""
    return checks.totals_add_up(lake.open(), day)

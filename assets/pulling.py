"""What services that keep logs behind an API are asked for, day by day."""

from datetime import date

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.daily import daily
from llmops_pipelines.orchestration.graph.daily_checks import daily_check
from llmops_pipelines.orchestration.graph.jobs import SERVICE
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    LakeResource,
    LogFolder,
    Pulling,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.landing.pulling import pull
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.tables import PULLED_LOGS

OWNER = "team:llm-platform"


@daily(
    PULLED_LOGS,
    group="landing",
    owner=OWNER,
    kinds={SERVICE, "parquet"},
    condition=None,
    figures=figures.of_pulls,
    deps=[reference_key("sources")],
)
def pulled_logs(
    lake: LakeResource,
    logs: LogFolder,
    reference: ReferenceFolder,
    pulling: Pulling,
    clock: Clock,
    day: date,
) -> pl.DataFrame:
    """The day's logs of every service under `pull:` in sources.yaml, as a file to be landed."""
    return pull(lake, logs, reference, pulling, clock, day)


@daily_check(pulled_logs)
def every_pulled_day_is_complete(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """No source failed, and each gave as many records as its server counts."""
    return checks.day_is_complete(lake.open(), day)

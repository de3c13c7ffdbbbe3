"""How well the service runs."""

import polars as pl

from llmops_pipelines import health
from llmops_pipelines.orchestration.graph.daily import daily
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.tables import SERVICE_HEALTH


@daily(
    SERVICE_HEALTH,
    group="health",
    owner="team:llm-platform",
    kinds={"polars", "parquet"},
    figures=figures.of_health,
)
def service_health(
    llm_calls: pl.DataFrame,
    heuristic_scores: pl.DataFrame,
    feedback: pl.DataFrame,
    rejected_lines: pl.DataFrame,
    call_costs: pl.DataFrame,
) -> pl.DataFrame:
    """Errors, retries, latency, first token, refusals, format, utilisation and feedback."""
    return health.service_health(llm_calls, heuristic_scores, feedback, rejected_lines, call_costs)

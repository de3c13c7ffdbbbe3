"""The day's service health, one row per figure."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.health.durations import durations
from llmops_pipelines.health.feedback import csat
from llmops_pipelines.health.measures import ALL, KEYS, at_every_level, measured_calls
from llmops_pipelines.health.rates import error_classes, rates, rejected_lines_rate
from llmops_pipelines.statistics import mean_intervals
from llmops_pipelines.tables import SERVICE_HEALTH


def service_health(
    llm_calls: pl.DataFrame,
    heuristic_scores: pl.DataFrame,
    feedback: pl.DataFrame,
    rejected_lines: pl.DataFrame,
    call_costs: pl.DataFrame,
) -> pl.DataFrame:
    """Measure the day per feature and model, per feature (model ``*``) and for all (both ``*``).

    Rates have Wilson intervals, percentiles order-statistic intervals, means (``csat``,
    ``context_utilisation``) intervals clustered by session; ``calls`` is a count and has none. What
    fails or waits in a batch has no latency; a call without a price row is missing from
    ``unpriced_call_rate``, not priced. Of errors by class only those that occurred have a row.

    A metric has a row where it applies, with n = 0 and nulls where nothing could be measured: that
    is `no_data`. ``format_error_rate``, ``context_utilisation`` and TTFT apply where a format was
    asked for, contexts were given, answers were streamed; the others apply to every feature with
    calls. A quiet day still says ``calls`` = 0 for ``*``.

    Args:
        llm_calls: ``LLM_CALLS`` of the day.
        heuristic_scores: ``HEURISTIC_SCORES`` of the day.
        feedback: ``FEEDBACK`` of the day.
        rejected_lines: ``REJECTED_LINES`` of the day.
        call_costs: ``CALL_COSTS`` of the day.

    Returns:
        ``SERVICE_HEALTH``.
    """
    calls = measured_calls(llm_calls, heuristic_scores, call_costs)
    levels = at_every_level(calls)
    columns = SERVICE_HEALTH.schema.names()
    return SERVICE_HEALTH.require(
        pl.concat(
            part.select(columns)
            for part in (
                _calls(levels),
                rates(levels),
                error_classes(levels),
                rejected_lines_rate(levels, rejected_lines),
                durations(levels),
                _utilisation(levels),
                csat(llm_calls, calls, feedback),
            )
        )
    )


def _calls(levels: pl.DataFrame) -> pl.DataFrame:
    counts = levels.group_by(KEYS).agg(n=pl.len().cast(pl.Int64))
    if counts.is_empty():
        counts = pl.DataFrame({"feature": [ALL], "model": [ALL], "n": [0]})
    nothing = pl.lit(None, pl.Float64)
    return counts.with_columns(
        metric=pl.lit("calls"),
        estimate=pl.col("n").cast(pl.Float64),
        low=nothing,
        high=nothing,
        missing=pl.lit(0, pl.Int64),
    )


def _utilisation(levels: pl.DataFrame) -> pl.DataFrame:
    """How much of its contexts an answer draws on, on average over calls that had some."""
    value = pl.col("utilisation")
    with_contexts = levels.filter("utilisation_applies").with_columns(
        pl.when(value.is_between(0, 1)).then(value).alias("utilisation")
    )
    means = mean_intervals(
        with_contexts, KEYS, "utilisation", cluster="session_id", bounds=(0.0, 1.0)
    )
    missing = with_contexts.group_by(KEYS).agg(missing=value.null_count().cast(pl.Int64))
    return missing.join(means, on=KEYS, how="left").with_columns(
        pl.col("n").fill_null(0), metric=pl.lit("context_utilisation")
    )

"""Every call with what it says about the service's health, at each level it counts for."""

from __future__ import annotations

import polars as pl

ALL = "*"
"""Stands for all models, or all features."""

UNKNOWN = "unknown"
"""The model of a call that names none."""

KEYS = ["feature", "model"]


def measured_calls(
    llm_calls: pl.DataFrame, heuristic_scores: pl.DataFrame, call_costs: pl.DataFrame
) -> pl.DataFrame:
    """One row per call: outcome, durations, and whether each rate applies, is known and came true.

    A duration is null where it says nothing about the service: of failed calls, and of batch calls,
    which wait on purpose. A boolean measure is null where it should be known and is not; its
    ``*_applies`` column says whether the call counts for it at all.
    """
    scores = heuristic_scores.select(
        "call_id", "refused", "format_valid", utilisation=pl.col("context_utilisation")
    )
    costs = call_costs.select("call_id", is_unpriced=pl.col("cost").is_null())
    ok = pl.col("status") == "ok"
    live = ok & ~pl.col("is_batch")
    asked_for_json = pl.col("format_requested").is_in(["json_object", "json_schema"])
    return (
        llm_calls.join(scores, on="call_id", how="left", maintain_order="left")
        .join(costs, on="call_id", how="left", maintain_order="left")
        .select(
            "call_id",
            "session_id",
            "error_class",
            feature=_unmistakable("feature"),
            model=_unmistakable("model").fill_null(UNKNOWN),
            latency=_finite("latency_ms"),
            latency_applies=live,
            ttft=_finite("ttft_ms"),
            ttft_applies=live & (pl.col("is_stream").fill_null(True) | (pl.col("ttft_ms") > 0)),
            output_tokens_per_s=_tokens_per_s(),
            output_tokens_per_s_applies=live,
            error=~ok,
            error_applies=pl.lit(True),
            retry=pl.col("attempt") > 1,
            retry_applies=pl.lit(True),
            refusal=pl.col("refused"),
            refusal_applies=ok,
            format_error=~pl.col("format_valid"),
            format_error_applies=ok
            & (pl.col("format_valid").is_not_null() | asked_for_json.fill_null(False)),
            unpriced_call=pl.col("is_unpriced"),
            unpriced_call_applies=ok,
            utilisation="utilisation",
            utilisation_applies=ok
            & (pl.col("utilisation").is_not_null() | (pl.col("context_count") > 0)),
        )
    )


def at_every_level(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row three times: for its feature and model, its feature, and the whole service."""
    everything = pl.lit(ALL)
    return pl.concat(
        [
            rows,
            rows.with_columns(everything.alias("model")),
            rows.with_columns(everything.alias("model"), everything.alias("feature")),
        ]
    )


def _unmistakable(column: str) -> pl.Expr:
    """A name that cannot be taken for the total."""
    return pl.col(column).replace(ALL, f"'{ALL}'")


def _finite(column: str) -> pl.Expr:
    value = pl.col(column)
    return pl.when(value.is_finite() & (value >= 0)).then(value)


def _tokens_per_s() -> pl.Expr:
    """Generated tokens, reasoning included, over the time from the first to the last."""
    generating = pl.col("latency_ms") - pl.col("ttft_ms").fill_null(0.0)
    tokens = pl.col("output_text") + pl.col("reasoning").fill_null(0)
    measurable = generating.is_finite() & (generating > 0)
    return pl.when(measurable).then(tokens / (generating / 1000))

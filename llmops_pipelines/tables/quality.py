"""How well the service runs and answers: rates, each with n, what is missing and an interval."""

import polars as pl

from llmops_pipelines.tables.table import Column, Table

_RATE = (
    Column(
        "estimate", pl.Float64, "The figure; null where nothing could be measured.", nullable=True
    ),
    Column("low", pl.Float64, "Lower end of its 95 % interval.", nullable=True),
    Column("high", pl.Float64, "Upper end of its 95 % interval.", nullable=True),
    Column("n", pl.Int64, "Observations behind it."),
)

SERVICE_HEALTH = Table(
    name="service_health",
    row="One metric of one feature and model (`*`: all models) on one day.",
    key=("feature", "model", "metric"),
    columns=(
        Column("feature", pl.String, "Feature."),
        Column("model", pl.String, "Served model, or `*` for all."),
        Column(
            "metric",
            pl.String,
            "calls, error_rate, error_rate/<class>, retry_rate, latency_p50/p95/p99 and "
            "ttft_p50/p95/p99 (ms), output_tokens_per_s_p50, refusal_rate, format_error_rate, "
            "context_utilisation, csat, rejected_line_rate, unpriced_call_rate.",
        ),
        *_RATE,
        Column("missing", pl.Int64, "Calls the metric applies to that could not be measured."),
    ),
)

HEURISTIC_SCORES = Table(
    name="heuristic_scores",
    row="One model call with text, scored without a model.",
    key=("call_id",),
    columns=(
        Column("call_id", pl.String, "The call."),
        Column("feature", pl.String, "Feature."),
        Column("model", pl.String, "Served model.", nullable=True),
        Column("prompt_version", pl.String, "Prompt version.", nullable=True),
        Column(
            "support",
            pl.Float64,
            "Lexical overlap of the answer with its contexts, 0 to 1; not truth.",
            "fraction",
            nullable=True,
        ),
        Column("unscored_reason", pl.String, "Why `support` is null.", nullable=True),
        Column("refused", pl.Boolean, "The answer declines; null without an answer.", nullable=True),
        Column("format_valid", pl.Boolean, "Answer meets the asked format; null if none was asked.", nullable=True),
        Column("format_error", pl.String, "First thing wrong with its format.", nullable=True),
        Column(
            "context_utilisation",
            pl.Float64,
            "Share of its contexts that the answer draws on; null without contexts.",
            "fraction",
            nullable=True,
        ),
        Column("unmatched", pl.List(pl.String), "Numbers, dates, names absent from question and contexts."),
    ),
)  # fmt: skip

SAMPLED_TRACES = Table(
    name="sampled_traces",
    row="One trace drawn for judging.",
    key=("trace_id",),
    columns=(
        Column("trace_id", pl.String, "The trace."),
        Column("call_id", pl.String, "Its root's final call: what is judged."),
        Column("feature", pl.String, "Feature."),
        Column("model", pl.String, "Served model.", nullable=True),
        Column("prompt_name", pl.String, "Prompt.", nullable=True),
        Column("prompt_version", pl.String, "Prompt version.", nullable=True),
        Column("session_id", pl.String, "Conversation: the cluster.", nullable=True),
        Column("stratum", pl.String, "feature | prompt version."),
        Column("stratum_size", pl.Int64, "Traces of the day in the stratum.", "traces"),
        Column("probability", pl.Float64, "Inclusion probability.", "probability"),
        Column("has_text", pl.Boolean, "Whether there is a text to judge."),
    ),
)

QUALITY = Table(
    name="quality",
    row="One metric of one feature and prompt version (`*`: all) under one judge and snapshot, on one day.",
    key=("feature", "prompt_version", "metric", "judge_spec", "snapshot"),
    version=2,
    columns=(
        Column("feature", pl.String, "Feature."),
        Column("prompt_version", pl.String, "Prompt version, or `*` for all."),
        Column("metric", pl.String, "support, relevance, groundedness, faithfulness, ..."),
        Column("judge_spec", pl.String, "Spec id of the judge; rates never pool across specs."),
        Column("judge", pl.String, "Kind and model of the judge, for people."),
        Column(
            "snapshot",
            pl.String,
            "Served snapshot that answered, as the endpoint called it; empty where nobody told. Rates never pool across.",
            default="",
        ),
        *_RATE,
        Column("unscored", pl.Int64, "Sampled traces without a score.", "traces"),
        Column("not_applicable", pl.Int64, "Sampled traces the metric does not speak of.", "traces"),
        Column("population", pl.Int64, "Traces of the day the sample stands for.", "traces"),
        Column("method", pl.String, "Estimator and interval."),
    ),
)  # fmt: skip

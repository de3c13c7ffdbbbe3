"""Rules evaluated, alert states changed, prompts rolled back."""

import polars as pl

from llmops_pipelines.tables.table import INSTANT, Column, Table

RULE_EVALUATIONS = Table(
    name="rule_evaluations",
    row="One rule applied to one scope on one day.",
    key=("rule", "scope"),
    version=2,
    columns=(
        Column("rule", pl.String, "Rule in alert_rules.yaml."),
        Column("scope", pl.String, "Feature it watched, or `total`."),
        Column("metric", pl.String, "What it measured."),
        Column("status", pl.String, "ok, warning, critical or no_data."),
        Column("estimate", pl.Float64, "The figure.", nullable=True),
        Column("low", pl.Float64, "Lower end of its interval.", nullable=True),
        Column("high", pl.Float64, "Upper end of its interval.", nullable=True),
        Column("n", pl.Int64, "Observations behind it."),
        Column("warning", pl.Float64, "Line of a warning.", nullable=True),
        Column("critical", pl.Float64, "Line of a critical alert.", nullable=True),
        Column("smallest_effect", pl.Float64, "Smallest breach it could have seen.", nullable=True),
        Column("summary", pl.String, "One line a person on call can act on."),
        Column("judge_spec", pl.String, "Judge behind the figure.", nullable=True),
        Column(
            "kind",
            pl.String,
            "threshold, or relative_drop: figure, lines and breach are shares of the days before.",
            nullable=True,
        ),
    ),
)

ALERTS = Table(
    name="alerts",
    row="One change of state of one rule on one scope.",
    key=("rule", "scope"),
    columns=(
        Column("rule", pl.String, "Rule."),
        Column("scope", pl.String, "Feature, or `total`."),
        Column("from_state", pl.String, "ok, warning, critical or no_data."),
        Column("to_state", pl.String, "ok, warning, critical or no_data."),
        Column("summary", pl.String, "One line a person on call can act on."),
        Column("backfilled", pl.Boolean, "Evaluated later than `act_within`: nobody is told."),
        Column("alert_key", pl.String, "Stable key: rule, scope, day and both states."),
        Column("to_roll_back", pl.Boolean, "The rule asks for a rollback of the prompt."),
    ),
)

DELIVERIES = Table(
    name="deliveries",
    row="One notification that was sent. Append-only.",
    key=("alert_key",),
    volatile=("sent_at",),
    columns=(
        Column("alert_key", pl.String, "The change of state."),
        Column("outcome", pl.String, "delivered or failed."),
        Column("detail", pl.String, "HTTP status, or the error."),
        Column("sent_at", INSTANT, "When, UTC."),
    ),
)

ROLLBACKS = Table(
    name="rollbacks",
    row="One decision about rolling a prompt back.",
    key=("rule", "scope"),
    columns=(
        Column("rule", pl.String, "Rule that asked."),
        Column("scope", pl.String, "Feature."),
        Column("prompt", pl.String, "Prompt.", nullable=True),
        Column("from_version", pl.String, "Active version before.", nullable=True),
        Column("to_version", pl.String, "Version moved to, or that would be.", nullable=True),
        Column("outcome", pl.String, "rolled_back, dry_run or refused."),
        Column("reason", pl.String, "Why, with the interval of the difference."),
        Column("difference", pl.Float64, "Current minus previous version.", nullable=True),
        Column("low", pl.Float64, "Lower end of its 95 % interval.", nullable=True),
        Column("high", pl.Float64, "Upper end of its 95 % interval.", nullable=True),
    ),
)

NIGHTLY_REPORTS = Table(
    name="nightly_report",
    row="The page of one night.",
    key=("path",),
    columns=(
        Column("path", pl.String, "Where the page lies, relative to the lake."),
        Column("size", pl.Int64, "Its size.", "bytes"),
        Column("digest", pl.String, "SHA-256 of the page, first 32 hex digits."),
    ),
)

PROMETHEUS_METRICS = Table(
    name="prometheus_metrics",
    row="One sample in Prometheus text format.",
    key=("sample",),
    columns=(
        Column("sample", pl.String, "Metric name and labels."),
        Column("value", pl.Float64, "Its value."),
    ),
)

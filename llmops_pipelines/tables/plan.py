"""What all savings come to together."""

import polars as pl

from llmops_pipelines.tables.table import Column, Table

SAVINGS_PLAN = Table(
    name="savings_plan",
    row="One step of a feature's savings, replayed alone and behind the steps before it.",
    key=("feature", "step"),
    partitioned=False,
    columns=(
        Column("feature", pl.String, "Feature, or `*` for all."),
        Column("step", pl.String, "cache, route, compress, batch (in this order), or plan: all four as one."),
        Column("setting", pl.String, "What is replayed, and what it promises of the answers; why nothing is where nothing is recommended."),
        Column("is_taken", pl.Boolean, "A recommendation stands behind it."),
        Column("calls", pl.Int64, "Sampled calls replayed.", "calls"),
        Column("unpriced", pl.Int64, "Sampled calls whose cost is not known: in no figure.", "calls"),
        Column("changed", pl.Int64, "Those of `calls` that the step changes in the plan.", "calls"),
        Column("dearer", pl.Int64, "Those that it was not taken for: without a price, or dearer so.", "calls"),
        Column("calls_per_day", pl.Float64, "Calls that the sample stands for on an average day: those that answer a trace, with texts and a known cost; for `*` of the features that are in it.", "calls", nullable=True),
        Column("paid_per_call", pl.Float64, "What a call costs today, on the weighted average.", "usd", nullable=True),
        Column("saved_alone", pl.Float64, "Saved per call by this step alone; for plan the sum of the four.", "usd", nullable=True),
        Column("saved", pl.Float64, "Saved per call behind the steps before it; for plan by all.", "usd", nullable=True),
        Column("saved_low", pl.Float64, "Lower end of its 95 % interval, sessions as clusters.", "usd", nullable=True),
        Column("saved_high", pl.Float64, "Upper end.", "usd", nullable=True),
        Column("saved_a_year", pl.Float64, "The same for 365 days of `calls_per_day`.", "usd", nullable=True),
        Column("saved_a_year_low", pl.Float64, "Lower end.", "usd", nullable=True),
        Column("saved_a_year_high", pl.Float64, "Upper end.", "usd", nullable=True),
        Column("loss_at_most", pl.Float64, "One-sided 95 % bound of the share of answers, or of their score, that is lost; for plan the sum of its steps' bounds, which allows for any overlap (a gain counts as 0); for `*` the worst feature's.", "fraction", nullable=True),
        Column("inputs_digest", pl.String, "Digest of what it rests on: the same is not replayed again."),
    ),
)  # fmt: skip

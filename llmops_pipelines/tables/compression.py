"""What shorter prompts would save, and what of the answers' support they would lose."""

import polars as pl

from llmops_pipelines.tables.logs import TOKEN_BUCKETS
from llmops_pipelines.tables.table import Column, Table, bounded

CALL_AFTER = pl.Struct({"call_id": pl.String, **dict.fromkeys(TOKEN_BUCKETS, pl.Int64)})
"""What is left of a call: its token buckets, those of a summary it needs included."""

COMPRESSION_SAVINGS = Table(
    name="compression_savings",
    row="One setting of one way to send less, replayed on sampled calls of a feature.",
    key=("feature", "technique", "step"),
    partitioned=False,
    columns=(
        Column("feature", pl.String, "Feature."),
        Column("technique", pl.String, "contexts_by_rank, contexts_by_likeness, extractive, recent_history, examples_by_likeness, or unused_contexts (a bound: known only after the answer)."),
        Column("step", pl.Int64, "1 is the mildest setting."),
        Column("setting", pl.Float64, "Contexts, turns or examples kept; for extractive the share of the contexts' tokens."),
        Column("state", pl.String, "Of the technique: recommended, cannot_tell, loses_too_much, nothing_saved, nothing_to_shorten or bound."),
        Column("reason", pl.String, "Why, in a sentence."),
        Column("is_recommended", pl.Boolean, "The setting that is recommended."),
        Column("calls", pl.Int64, "Sampled calls replayed.", "calls"),
        Column("left_out", pl.Int64, "Sampled calls not replayed: their texts are gone, or hold more sentences than a night compares.", "calls"),
        Column("shortened", pl.Int64, "Those that the setting makes shorter.", "calls"),
        Column("unscored", pl.Int64, "Those whose answers cannot be scored: refusals, no claims, nothing to rest on.", "calls"),
        Column("unpriced", pl.Int64, "Those without price or usage: in the tokens and the loss, not in the money.", "calls"),
        Column("tokens_before", pl.Float64, "Mean prompt as it was sent.", "tokens"),
        *bounded("tokens_saved", "Mean prompt tokens a call would save.", "tokens"),
        Column("tokens_saved_share", pl.Float64, "The same as a share of the prompts.", "fraction", nullable=True),
        Column("used_lost_share", pl.Float64, "Of the contexts that answers used, the share of which nothing is left.", "fraction", nullable=True),
        Column("scored_by", pl.String, "What the scores are: `support` of the logged answer by what is left, no new answer."),
        Column("score_full", pl.Float64, "Mean score with all that was sent.", nullable=True),
        Column("score_kept", pl.Float64, "Mean score with what is left.", nullable=True),
        *bounded("loss", "Part of the mean score that is lost; below 0 a gain.", "fraction"),
        Column("loss_at_most", pl.Float64, "Its one-sided 95 % bound.", "fraction", nullable=True),
        *bounded("saved", "Mean saving of a call, lost cache reads and summaries taken off.", "usd"),
        Column("saved_share", pl.Float64, "The same as a share of what the calls cost.", "fraction", nullable=True),
        *bounded("saved_a_year", "The same for 365 days of `calls_per_day`.", "usd"),
        Column("calls_per_day", pl.Float64, "Calls that the sample stands for on an average day: those that answer a trace, with texts and a known cost.", "calls", nullable=True),
        Column("calls_after", pl.List(CALL_AFTER), "The calls that the recommended setting shortens, with the tokens that are left; null elsewhere.", nullable=True),
        Column("counted_by", pl.String, "Vocabularies that counted tokens, or `text length`, scaled to the logged tokens."),
        Column("inputs_digest", pl.String, "Digest of the calls, texts and costs it rests on: the same are not replayed again."),
    ),
)  # fmt: skip

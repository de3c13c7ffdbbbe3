"""What routing saved, and what a better policy would, by questions that two models answered."""

import polars as pl

from llmops_pipelines.tables.table import MONEY, Column, Table, bounded

FRONTIER_POINT = pl.Struct(
    dict.fromkeys(
        (
            *("strong_share", "quality", "loss", "loss_low", "loss_high", "loss_at_most"),
            *("saved", "saved_low", "saved_high"),
            *("saved_share", "saved_share_low", "saved_share_high"),
        ),
        pl.Float64,
    )
)

ROUTING_POLICIES = Table(
    name="routing_policies",
    row="One router replayed on the questions of a feature that a small and a large model both answered.",
    key=("feature", "spec_id", "model_weak", "model_strong", "router"),
    partitioned=False,
    columns=(
        Column("feature", pl.String, "Feature."),
        Column("spec_id", pl.String, "The judge that scored both answers."),
        Column("metric", pl.String, "What it measures."),
        Column("model_weak", pl.String, "The small model: the one whose answers cost less."),
        Column("model_strong", pl.String, "The large model."),
        Column("router", pl.String, "classifier (by need), value (by need per dollar), length, random or oracle."),
        Column("state", pl.String, "recommended, cannot_tell, nothing_saved or too_few."),
        Column("reason", pl.String, "Why, in a sentence."),
        Column("is_own", pl.Boolean, "The router that a policy is made of; others are held against it."),
        Column("questions", pl.Int64, "Questions that both answered and the judge scored."),
        Column("groups", pl.Int64, "Sessions they come from; never on both sides of a split.", nullable=True),
        Column("score_weak", pl.Float64, "Mean score of the small model.", nullable=True),
        Column("score_strong", pl.Float64, "Mean score of the large model.", nullable=True),
        *bounded("area", "Mean score over all shares of large calls."),
        *bounded("apgr", "Average performance gap recovered; 0.5 by chance; null without a gap."),
        *bounded("cpt_50", "Share of large calls that recovers half of the gap.", "fraction"),
        *bounded("cpt_80", "Share of large calls that recovers 80 % of it.", "fraction"),
        Column("strong_share", pl.Float64, "Calls to the large model at the recommended point; null where there is none.", "fraction", nullable=True),
        *bounded("loss", "Part of the large model's mean score lost there.", "fraction"),
        Column("loss_at_most", pl.Float64, "Its one-sided 95 % bound.", "fraction", nullable=True),
        *bounded("saved", "Saved per call against the large model alone, the router's own calls taken off.", "usd"),
        *bounded("saved_share", "The same as a share of what the large model would cost.", "fraction"),
        *bounded("saved_a_year", "The same for 365 days of `calls_per_day`.", "usd"),
        Column("calls_per_day", pl.Float64, "Requests of the feature that the two models were sent on an average day of the window: those that the router decides on.", "calls", nullable=True),
        Column("frontier", pl.List(FRONTIER_POINT), "All 101 thresholds, from all calls to the large model to none."),
        Column("policy", pl.String, "The policy as JSON; null unless this router is the own one and recommended.", nullable=True),
        Column("pairs_digest", pl.String, "Digest of the calls and scores it rests on: the same are not learned from again."),
    ),
)  # fmt: skip

ROUTING_SAVINGS = Table(
    name="routing_savings",
    row="One feature's successful calls of the day, paid and replayed at other models' prices.",
    key=("feature",),
    columns=(
        Column("feature", pl.String, "Feature, or `*` for all."),
        Column("calls", pl.Int64, "Calls replayed: successful, with usage and a price.", "calls"),
        Column("left_out", pl.Int64, "Successful calls not replayed.", "calls"),
        Column("paid", MONEY, "What they cost.", "usd", nullable=True),
        Column("cheapest_model", pl.String, "Cheapest model in use that day.", nullable=True),
        Column("all_cheapest", MONEY, "All of them at its prices.", "usd", nullable=True),
        Column("dearest_model", pl.String, "Most expensive model in use.", nullable=True),
        Column("all_dearest", MONEY, "All of them at its prices.", "usd", nullable=True),
        Column(
            "router_calls",
            pl.Int64,
            "Successful calls of a router for itself; not among `calls`.",
            "calls",
            default=0,
        ),
        Column(
            "router_cost",
            MONEY,
            "What those cost; null where one has no price.",
            "usd",
            nullable=True,
        ),
        Column(
            "saved",
            MONEY,
            "all_dearest - paid - router_cost: what routing saved against always the dearest.",
            "usd",
            nullable=True,
        ),
        Column(
            "saved_low",
            pl.Float64,
            "Lower end of its 95 % interval, as of a day like this.",
            "usd",
            nullable=True,
        ),
        Column("saved_high", pl.Float64, "Upper end.", "usd", nullable=True),
        Column("saved_a_year", pl.Float64, "`saved` on 365 such days.", "usd", nullable=True),
        Column(
            "saved_a_year_low", pl.Float64, "Lower end of its 95 % interval.", "usd", nullable=True
        ),
        Column("saved_a_year_high", pl.Float64, "Upper end.", "usd", nullable=True),
        Column("caveat", pl.String, "What the replay assumes."),
    ),
)

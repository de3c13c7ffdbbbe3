"""What a semantic cache would save, and the vectors it is replayed with."""

import polars as pl

from llmops_pipelines.tables.table import INSTANT, MONEY, Column, Table

_RUNG = (
    Column("rung", pl.String, "exact (equal questions), or the least cosine of a question and the one whose answer it is given."),
    Column("threshold", pl.Float64, "That cosine; null for exact.", nullable=True),
    Column("requests", pl.Int64, "Requests replayed.", "calls"),
    Column("hits", pl.Int64, "Requests answered from the cache.", "calls"),
    Column("hit_rate", pl.Float64, "Hits per request.", "fraction", nullable=True),
    Column("hit_rate_low", pl.Float64, "Lower end of its 95 % interval, sessions as clusters.", "fraction", nullable=True),
    Column("hit_rate_high", pl.Float64, "Upper end.", "fraction", nullable=True),
    Column("spend", MONEY, "What the replayed requests with a known cost cost.", "usd", nullable=True),
    Column("saved", MONEY, "Cost of the hits, less what embedding the questions costs; null where no cost is known.", "usd", nullable=True),
    Column("saved_low", pl.Float64, "Lower end of its 95 % interval, sessions as clusters.", "usd", nullable=True),
    Column("saved_high", pl.Float64, "Upper end.", "usd", nullable=True),
    Column("saved_a_year", pl.Float64, "The same for 365 days of this traffic; null for less than a day of it.", "usd", nullable=True),
    Column("saved_a_year_low", pl.Float64, "Lower end.", "usd", nullable=True),
    Column("saved_a_year_high", pl.Float64, "Upper end.", "usd", nullable=True),
    Column("unpriced_hits", pl.Int64, "Hits whose cost is unknown; they are not in `saved`.", "calls"),
    Column("latency_saved_s", pl.Float64, "Waiting that the hits would have spared, of those whose latency is known.", "s", nullable=True),
    Column("sampled", pl.Int64, "Hits whose cached answer was compared with the logged one.", "calls"),
    Column("wrong", pl.Int64, "Of these, hits given an answer unlike the logged one.", "calls"),
    Column("wrong_rate", pl.Float64, "Their share.", "fraction", nullable=True),
    Column("wrong_at_most", pl.Float64, "Its one-sided 95 % bound, of Wilson's form, sessions as clusters.", "fraction", nullable=True),
    Column("judged", pl.Int64, "Hits where one judge scored the cached and the logged answer.", "calls"),
    Column("judged_wrong", pl.Int64, "Of these, hits where it passed the logged answer only.", "calls"),
    Column("judged_wrong_at_least", pl.Float64, "One-sided 95 % bound of their share from below (Wilson).", "fraction", nullable=True),
    Column("judged_wrong_at_most", pl.Float64, "The same from above.", "fraction", nullable=True),
)  # fmt: skip

RUNG = pl.Schema({column.name: column.dtype for column in _RUNG})
"""One row is one rung of a feature's cache, replayed."""

LEFT_OUT = pl.Struct({"reason": pl.String, "requests": pl.Int64})

SEMANTIC_CACHE_SAVINGS = Table(
    name="semantic_cache_savings",
    row="One feature's requests of the last days replayed through a cache that takes questions of one likeness for the same.",
    key=("feature", "rung"),
    partitioned=False,
    columns=(
        Column("feature", pl.String, "Feature."),
        *_RUNG,
        Column("state", pl.String, "Of the feature: recommended, cannot_tell or nothing_saved."),
        Column("reason", pl.String, "Why, in a sentence."),
        Column("is_recommended", pl.Boolean, "The rung that saves most with few enough wrong hits."),
        Column("first_at", INSTANT, "When the first of the replayed requests began; null without any.", nullable=True),
        Column("hit_calls", pl.List(pl.String), "Calls of the hits; told of the recommended rung only.", nullable=True),
        Column("ttl_hours", pl.Float64, "How long a cached answer lives; null for ever.", nullable=True),
        Column("only_exact", pl.List(LEFT_OUT), "Requests that are compared by equality alone, and why."),
        Column("left_out", pl.List(LEFT_OUT), "Requests that no cache may answer, and why."),
        Column("inputs_digest", pl.String, "Digest of the days it rests on: the same are not replayed again."),
    ),
)  # fmt: skip

TEXT_VECTORS = Table(
    name="text_vectors",
    row="A text of the last weeks with its vector, so that it is not embedded again.",
    key=("text_digest",),
    partitioned=False,
    columns=(
        Column("text_digest", pl.String, "SHA-256 of embedding and text, 32 hex digits."),
        Column("call_id", pl.String, "A call that holds the text: forgotten with it."),
        Column("vector", pl.List(pl.Float32), "Unit vector."),
    ),
)

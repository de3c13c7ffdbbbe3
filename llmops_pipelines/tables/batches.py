"""Batches of judge requests, from the intention to submit one to the collection of its results."""

import polars as pl

from llmops_pipelines.tables.table import INSTANT, MONEY, Column, Table

JUDGE_BATCHES = Table(
    name="judge_batches",
    row="One thing that happened to one batch of requests to a judge, by day of the judged calls. "
    "Append-only.",
    key=("batch", "event"),
    volatile=("at",),
    columns=(
        Column("batch", pl.String, "Our own id, made before anything is sent; in its metadata."),
        Column(
            "event",
            pl.String,
            "intended (before it is submitted), submitted, cancelled (the endpoint was asked to "
            "leave the rest), ended (its results could not all be read at first), dropped (it "
            "never reached the endpoint) or collected.",
        ),
        Column("at", INSTANT, "When, UTC."),
        Column("api", pl.String, "openai or anthropic."),
        Column("endpoint", pl.String, "What features.yaml calls the judge."),
        Column("base_url", pl.String, "Root of the endpoint."),
        Column("model", pl.String, "Requested model."),
        Column("requests", pl.Int64, "Requests in it, canaries included.", "calls"),
        Column("reserved", MONEY, "Most it may cost; null where the judge has no price.", "usd", nullable=True),
        Column("batch_id", pl.String, "The endpoint's name for it, once submitted.", nullable=True),
        Column("file_id", pl.String, "The endpoint's name for its input file.", nullable=True),
        Column("state", pl.String, "What the endpoint says of it: completed, expired, ...", nullable=True),
        Column("detail", pl.String, "Why it was dropped, what went wrong, or what could not be read.", nullable=True),
        Column("verdicts", pl.Int64, "Once collected: items it brought a verdict on.", nullable=True),
        Column("unanswered", pl.Int64, "Items without one: failed, expired, cancelled, unreadable.", nullable=True),
        Column("lost", pl.Int64, "Of them, those of which nothing came back, though they may be billed.", nullable=True),
        Column("paid_twice", pl.Int64, "Items that had got a verdict elsewhere meanwhile.", nullable=True),
        Column("repeated_lines", pl.Int64, "Result lines about a request that had one already.", "lines", nullable=True),
        Column("unknown_lines", pl.Int64, "Result lines about requests that are not in it.", "lines", nullable=True),
        Column("damaged_lines", pl.Int64, "Result lines that cannot be read.", "lines", nullable=True),
        Column("cost", MONEY, "What it cost; null where nothing tells.", "usd", nullable=True),
    ),
)  # fmt: skip

JUDGE_BATCH_ITEMS = Table(
    name="judge_batch_items",
    row="One request of one batch, written before it is submitted. Append-only.",
    key=("batch", "custom_id"),
    columns=(
        Column("batch", pl.String, "The batch, as in judge_batches."),
        Column("custom_id", pl.String, "SHA-256 of judge, content and repetition, 32 hex digits."),
        Column("spec_id", pl.String, "The judge."),
        Column("item_digest", pl.String, "SHA-256 of exactly what the judge sees."),
        Column("repetition", pl.Int32, "0 for the first draw."),
        Column("call_id", pl.String, "The judged call, or canary."),
    ),
)

"""What past days cost before and after a price was put right."""

import polars as pl

from llmops_pipelines.tables.table import INSTANT, MONEY, Column, Table

PRICE_RESTATEMENTS = Table(
    name="price_restatements",
    row="One feature, team and model of a day that was priced again: what its calls cost before, and after.",
    key=("number", "feature", "team", "model"),
    volatile=("restated_at",),
    columns=(
        Column("number", pl.Int32, "Which restatement of this day it is: 1 is the first."),
        Column("restatement", pl.String, "The command, or the run, that it belongs to; the same on all its days."),
        Column("feature", pl.String, "Feature."),
        Column("team", pl.String, "Owner, else `unattributed`."),
        Column("model", pl.String, "Served model, else `unknown`."),
        Column("calls", pl.Int64, "Calls of these three on the day that were priced before.", "calls"),
        Column("calls_changed", pl.Int64, "Those whose cost changes, or a part of it.", "calls"),
        Column("now_priced", pl.Int64, "Of them, those that had no cost before.", "calls"),
        Column("now_unpriced", pl.Int64, "Of them, those that have none after.", "calls"),
        Column("cost_before", MONEY, "Sum over the calls priced before; null if none was.", "usd", nullable=True),
        Column("cost_after", MONEY, "Sum over the calls priced after; null if none is.", "usd", nullable=True),
        Column("prices_before", pl.List(pl.String), "Where the prices of the changed calls came from."),
        Column("prices_after", pl.List(pl.String), "Where they come from now."),
        Column("why", pl.String, "The reason given with `--why`, or that the day was computed again, as with late logs.", nullable=True),
        Column("book_after", pl.String, "Digest of the price book that the costs after come from."),
        Column("costs_before", pl.String, "Digest of the day's `call_costs` before."),
        Column("costs_after", pl.String, "Digest of `call_costs` as restated: while the table has it, this restatement holds."),
        Column("restated_at", INSTANT, "When, UTC."),
    ),
)  # fmt: skip

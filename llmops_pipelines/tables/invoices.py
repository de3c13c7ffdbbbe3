"""Invoices of providers held against our own records."""

import polars as pl

from llmops_pipelines.tables.table import MONEY, Column, Table

INVOICE_RECONCILIATION = Table(
    name="invoice_reconciliation",
    row="What one invoice file bills for one day, model, tier and meter, and what our records say.",
    key=("source_file", "state", "day", "provider", "model", "tier", "meter"),
    partitioned=False,
    version=2,
    columns=(
        Column("source_file", pl.String, "File, relative to the invoice folder."),
        Column("digest", pl.String, "SHA-256 of the file's bytes, first 32 hex digits."),
        Column("source", pl.String, "openai_costs, openai_usage, anthropic_costs, anthropic_usage, litellm_spend, or `unknown`."),
        Column("day", pl.Date, "Day of the invoice; null for lines that cannot be read.", nullable=True),
        Column("provider", pl.String, "Who bills.", nullable=True),
        Column("model", pl.String, "Model as the price book spells it, else as billed; null: all of the provider.", nullable=True),
        Column("tier", pl.String, "standard, batch, flex, ..., or not_batch where the export tells only batches apart; null: all.", nullable=True),
        Column("meter", pl.String, "input, cached_input, output or tool; null: all.", nullable=True),
        Column("lines", pl.Int64, "Lines of the file that are in it.", "lines"),
        Column("invoiced", MONEY, "What they bill; null where tokens alone are told.", "usd", nullable=True),
        Column("invoiced_tokens", pl.Int64, "Tokens they count; null where money alone is told.", "tokens", nullable=True),
        Column("calls", pl.Int64, "Our calls, failed ones included; by meter they stand with the output.", "calls"),
        Column("unpriced_calls", pl.Int64, "Of them, successful ones without a cost.", "calls"),
        Column("ours", MONEY, "What our calls cost, as far as priced.", "usd"),
        Column("our_tokens", pl.Int64, "Tokens of our calls.", "tokens"),
        Column("evaluation_calls", pl.Int64, "Our own judges' calls, which are on the same bill.", "calls"),
        Column("evaluation", MONEY, "What those cost.", "usd"),
        Column("evaluation_tokens", pl.Int64, "Tokens of those.", "tokens"),
        Column("difference", MONEY, "invoiced - ours - evaluation; null where no money is billed.", "usd", nullable=True),
        Column("token_difference", pl.Int64, "The same in tokens; null where none are billed.", "tokens", nullable=True),
        Column("state", pl.String, "matched, differs, missing (billed, and we have no calls), surplus (we have calls, not billed), empty or unreadable."),
        Column("reason", pl.String, "Likely reason of the difference, or what is wrong with the lines.", nullable=True),
        Column("proven", pl.Boolean, "Whether figures alone show that reason: the difference comes out of it exactly, or to the cent."),
    ),
)  # fmt: skip

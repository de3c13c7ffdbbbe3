"""What models cost, and when each price was believed."""

from datetime import date, datetime, time
from decimal import Decimal

import polars as pl

from llmops_pipelines.tables.table import INSTANT, Column, Table

PRICE = pl.Decimal(38, 12)

_BEGINNING = datetime.combine(date(1970, 1, 1), time(0))

PRICE_BOOK = Table(
    name="price_book",
    row="The price of one token bucket of one model, for an interval of time and prompt length, as "
    "it was believed for a while; `known_to` is null in what is believed now.",
    key=(
        "provider",
        "model",
        "tier",
        "region",
        "hours",
        "team",
        "bucket",
        "valid_from",
        "context_from",
        "known_to",
    ),
    partitioned=False,
    volatile=("known_from", "fetched_at"),
    version=2,
    columns=(
        Column("provider", pl.String, "Provider as genai-prices spells it."),
        Column(
            "model",
            pl.String,
            "Catalogue id, which stands for all names it covers, or a name of prices.yaml.",
        ),
        Column(
            "tier",
            pl.String,
            "Service tier: standard, batch, flex, priority or fast.",
            default="standard",
        ),
        Column(
            "region",
            pl.String,
            "Region that the model was addressed in, or `*` for all without a price of their own.",
            default="*",
        ),
        Column(
            "hours",
            pl.String,
            "`hh:mm-hh:mm` of the day, UTC, the end excluded, or `*` for all others.",
            default="*",
        ),
        Column(
            "team",
            pl.String,
            "Team whose price it is, or `*` for all without one of their own.",
            default="*",
        ),
        Column("bucket", pl.String, "Token bucket, or `request` for a price per call."),
        Column("context_from", pl.Int64, "Prompt length from which it holds.", "tokens"),
        Column(
            "price",
            PRICE,
            "Charged per million tokens (per 1,000 requests): list_price x usd_rate x (1 - discount), half to even.",
            "usd/Mtok",
        ),
        Column(
            "list_price",
            PRICE,
            "As listed, in `currency` and before a discount; null in rows of a release before it.",
            nullable=True,
        ),
        Column("currency", pl.String, "ISO 4217 code of the list price.", default="USD"),
        Column("usd_rate", PRICE, "USD for one unit of it.", default=Decimal(1)),
        Column(
            "discount",
            PRICE,
            "Part of the list price that is not charged.",
            "fraction",
            default=Decimal(0),
        ),
        Column("valid_from", INSTANT, "First moment the price holds, UTC."),
        Column("valid_to", INSTANT, "First moment it no longer does.", nullable=True),
        Column(
            "known_from",
            INSTANT,
            "First moment it was believed, UTC.",
            default=_BEGINNING,
        ),
        Column(
            "known_to", INSTANT, "First moment it no longer was; null while it is.", nullable=True
        ),
        Column(
            "source",
            pl.String,
            "genai-prices <version> that said so first, or which entry of prices.yaml and why.",
        ),
        Column("fetched_at", INSTANT, "When it was first read.", nullable=True),
    ),
)

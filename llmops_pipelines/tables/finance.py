"""Money as a finance team needs it: business days, months, what is closed and what came after."""

import polars as pl

from llmops_pipelines.tables.logs import TOKEN_BUCKETS
from llmops_pipelines.tables.table import INSTANT, MONEY, Column, Table

RATE = pl.Decimal(38, 12)

_COUNTS = ("calls", "errors", "unpriced_calls", *TOKEN_BUCKETS)

_COUNTED = {
    "calls": ("Calls, failed ones included.", "calls"),
    "errors": ("Failed calls.", "calls"),
    "unpriced_calls": ("Successful calls without a cost.", "calls"),
    **{bucket: (f"Recorded tokens in bucket {bucket}.", "tokens") for bucket in TOKEN_BUCKETS},
}

BUSINESS_DAYS = Table(
    name="business_days",
    row="The calls of one UTC day and one day of the business that share feature, logged team, provider and model.",
    key=("utc_day", "business_day", "feature", "team", "provider", "model"),
    partitioned=False,
    columns=(
        Column("utc_day", pl.Date, "UTC day on which they began: the day of the call tables."),
        Column("business_day", pl.Date, "Day on which they began in `report_timezone`."),
        Column("feature", pl.String, "Feature."),
        Column("team", pl.String, "Owner as recorded with the calls, else `unattributed`."),
        Column("provider", pl.String, "Who served them.", nullable=True),
        Column("model", pl.String, "Served model.", nullable=True),
        *(Column(name, pl.Int64, *_COUNTED[name]) for name in _COUNTS),  # type: ignore[arg-type]
        Column("cost", MONEY, "Sum over the priced calls; null if none is.", "usd", nullable=True),
    ),
)

_LINE = (
    Column("month", pl.String, "Month of the business, as 2026-10."),
    Column("kind", pl.String, "usage, fee, credit, shared or adjustment."),
    Column("name", pl.String, "Which fee, credit or shared cost of finance.yaml.", nullable=True),
    Column("of_month", pl.String, "The closed month that an adjustment corrects.", nullable=True),
    Column("team", pl.String, "Owner by the rules of finance.yaml, else as recorded, else `unattributed`."),
    Column("feature", pl.String, "Feature; null where an amount is a team's.", nullable=True),
    Column("provider", pl.String, "Who is paid, where known.", nullable=True),
    Column("model", pl.String, "Served model, where known.", nullable=True),
    *(
        Column(name, pl.Int64, f"{_COUNTED[name][0]} Null in fees, credits and shared costs.", _COUNTED[name][1], nullable=True)  # type: ignore[arg-type]
        for name in _COUNTS
    ),
    Column("cost", MONEY, "US dollars; credits are negative; null where no call has a price.", "usd", nullable=True),
    Column("currency", pl.String, "`report_currency`."),
    Column("rate", RATE, "Units of `currency` for one US dollar; null where no rate is known.", nullable=True),
    Column("rate_date", pl.Date, "Day of the rate; null for US dollars.", nullable=True),
    Column("rate_source", pl.String, "Where it comes from.", nullable=True),
    Column("cost_report", MONEY, "cost x rate in `currency`, half to even at 12 decimals; null without a rate.", nullable=True),
    Column("rule", pl.String, "How an amount that no call makes came about: enough to recompute it.", nullable=True),
)  # fmt: skip

_LINE_KEY = (
    "month",
    "kind",
    "name",
    "of_month",
    "team",
    "feature",
    "provider",
    "model",
    "rate_date",
)

MONTHLY_COSTS = Table(
    name="monthly_costs",
    row="What a team spent on a feature and model in a month, or a fee, credit, shared cost or adjustment.",
    key=_LINE_KEY,
    partitioned=False,
    columns=_LINE,
)

CLOSED_COSTS = Table(
    name="closed_costs",
    row="A row of monthly_costs as it stood when its month was closed; never changed.",
    key=_LINE_KEY,
    partitioned=False,
    columns=(
        *_LINE,
        Column("report_timezone", pl.String, "Whose days the month is made of."),
        Column("closed_at", INSTANT, "When the month was closed, UTC."),
        Column("closed_by", pl.String, "Who closed it."),
        Column("digest", pl.String, "Digest of the month's rows without these four columns."),
    ),
)

COST_ADJUSTMENTS = Table(
    name="cost_adjustments",
    row="What of a closed month has become another figure since, in the month in which it was found.",
    key=("month", "booked", "kind", "name", "team", "feature", "provider", "model"),
    partitioned=False,
    columns=(
        Column("month", pl.String, "The closed month."),
        Column("booked", pl.String, "The month in which the difference was found and is booked."),
        Column("kind", pl.String, "usage, fee, credit or shared."),
        Column("name", pl.String, "Which fee, credit or shared cost.", nullable=True),
        Column("team", pl.String, "Owner."),
        Column("feature", pl.String, "Feature.", nullable=True),
        Column("provider", pl.String, "Who is paid.", nullable=True),
        Column("model", pl.String, "Served model.", nullable=True),
        Column("closed_cost", MONEY, "As closed; null where there was no such row, or no price.", "usd", nullable=True),
        Column("present_cost", MONEY, "As it would be closed now; null as above.", "usd", nullable=True),
        Column("booked_before", MONEY, "Differences of it booked in earlier months.", "usd"),
        Column("difference", MONEY, "present - closed - booked before, what is unknown left out.", "usd"),
        Column("closed_report", MONEY, "`closed_cost` in `report_currency`.", nullable=True),
        Column("present_report", MONEY, "`present_cost` in it.", nullable=True),
        Column("difference_report", MONEY, "`difference` in it; null without a rate.", nullable=True),
        Column("difference_calls", pl.Int64, "The same of the calls.", "calls"),
        Column("reason", pl.String, "Likely: late_calls, erased, repriced, reassigned_owner, rate_changed, charge_changed or reallocated."),
        Column("first_seen", INSTANT, "When it was first found, UTC."),
    ),
)  # fmt: skip

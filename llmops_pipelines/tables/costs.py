"""What calls cost, per feature, against budgets."""

import polars as pl

from llmops_pipelines.tables.finance import RATE
from llmops_pipelines.tables.logs import TOKEN_BUCKETS, WEB_SEARCHES
from llmops_pipelines.tables.table import INSTANT, MONEY, Column, Table

_PARTS = tuple(
    Column(name, MONEY, description, "usd", nullable=True)
    for name, description in (
        ("input_cost", "Part of it for the prompt at its full rate, cache writes included."),
        ("cache_read_cost", "Part of it for what was read from the provider's cache."),
        ("output_cost", "Part of it for the answer, and fees per call."),
    )
)
"""Null in rows of a release before these columns, and where there is no cost."""

COST_PARTS = tuple(column.name for column in _PARTS)
"""What a cost is the sum of."""

CALL_COSTS = Table(
    name="call_costs",
    row="One model call and what it cost.",
    key=("call_id",),
    columns=(
        Column("call_id", pl.String, "The call."),
        Column("trace_id", pl.String, "Its request."),
        Column("started_at", INSTANT, "When it began, UTC."),
        Column("feature", pl.String, "Feature."),
        Column("team", pl.String, "Owner.", nullable=True),
        Column(
            "provider",
            pl.String,
            "Provider, as logged; where the log names none, the one whose price of the model it is.",
            nullable=True,
        ),
        Column("model", pl.String, "Served model.", nullable=True),
        Column("prompt_version", pl.String, "Prompt version.", nullable=True),
        Column("status", pl.String, "`ok` or `error`."),
        Column("is_batch", pl.Boolean, "Served through a batch endpoint."),
        Column("attempt", pl.Int32, "1 for the first try."),
        *(
            Column(bucket, pl.Int64, f"Tokens in bucket {bucket}.", "tokens", nullable=True)
            for bucket in TOKEN_BUCKETS
        ),
        WEB_SEARCHES,
        Column("cost", MONEY, "Null where no price or no usage is known.", "usd", nullable=True),
        *_PARTS,
        Column(
            "unpriced_reason",
            pl.String,
            "Why there is no cost: no_usage, no_model, unknown_model, no_price_at_that_time,"
            " no_search_price (only its web searches have none).",
            nullable=True,
        ),
        Column("price_source", pl.String, "Where the price came from.", nullable=True),
        Column("cost_reported", MONEY, "What the source claimed.", "usd", nullable=True),
    ),
)

FEATURE_COSTS = Table(
    name="feature_costs",
    row="One feature, team and model on one day.",
    key=("feature", "team", "model"),
    columns=(
        Column("feature", pl.String, "Feature."),
        Column("team", pl.String, "Owner, else `unattributed`."),
        Column("model", pl.String, "Served model, else `unknown`."),
        Column("calls", pl.Int64, "Calls, failed ones included.", "calls"),
        Column("errors", pl.Int64, "Failed calls.", "calls"),
        Column("unpriced_calls", pl.Int64, "Successful calls without a cost.", "calls"),
        Column("cost", MONEY, "Sum over the priced calls; null if none is.", "usd", nullable=True),
        Column("retry_cost", MONEY, "Part of it spent on repeated attempts.", "usd", nullable=True),
        *(
            Column(bucket, pl.Int64, f"Tokens in bucket {bucket}.", "tokens")
            for bucket in TOKEN_BUCKETS
        ),
    ),
)

COST_CUBE = Table(
    name="cost_cube",
    row="The calls of one hour that share feature, team, model and all else a bill is divided by.",
    key=(
        "hour",
        "feature",
        "team",
        "environment",
        "provider",
        "model",
        "service_tier",
        "is_batch",
        "is_cached",
        "is_retry",
        "prompt_name",
        "prompt_version",
        "status",
    ),
    columns=(
        Column("hour", pl.Int8, "Hour of the day in which they began, UTC."),
        Column("feature", pl.String, "Feature."),
        Column("team", pl.String, "Owner, else `unattributed`."),
        Column("environment", pl.String, "production, staging, ...", nullable=True),
        Column("provider", pl.String, "Who served them.", nullable=True),
        Column("model", pl.String, "Served model.", nullable=True),
        Column("service_tier", pl.String, "standard, flex, priority, ...", nullable=True),
        Column("is_batch", pl.Boolean, "Served through a batch endpoint."),
        Column("is_cached", pl.Boolean, "Read a part of their prompt from the provider's cache."),
        Column("is_retry", pl.Boolean, "Repeated an earlier attempt."),
        Column("prompt_name", pl.String, "Prompt in the registry.", nullable=True),
        Column("prompt_version", pl.String, "Its version.", nullable=True),
        Column("status", pl.String, "`ok` or `error`: what failed was paid for as well."),
        Column("calls", pl.Int64, "Calls, failed ones included.", "calls"),
        Column("errors", pl.Int64, "Failed calls.", "calls"),
        Column("unpriced_calls", pl.Int64, "Successful calls without a cost.", "calls"),
        Column("no_usage_calls", pl.Int64, "Calls without recorded tokens.", "calls"),
        *(
            Column(bucket, pl.Int64, f"Recorded tokens in bucket {bucket}.", "tokens")
            for bucket in TOKEN_BUCKETS
        ),
        Column("cost", MONEY, "Sum over the priced calls; null if none is.", "usd", nullable=True),
        *_PARTS,
        *(
            Column(
                f"latency_p{percent}",
                pl.Float64,
                f"Exact {percent}th percentile of logged latencies, nearest rank.",
                "ms",
                nullable=True,
            )
            for percent in (50, 95, 99)
        ),
    ),
)

COST_DRIVERS = Table(
    name="cost_drivers",
    row="One reason why a feature, or all of them, cost more or less than a week before.",
    key=("feature", "driver"),
    columns=(
        Column("feature", pl.String, "Feature, or `*` for all."),
        Column(
            "driver",
            pl.String,
            "volume, mix, retry_rate, routing, prompt_length, cache_rate, answer_length or price.",
        ),
        Column(
            "business_day",
            pl.Date,
            "Last of the seven days, in `report_timezone`: the latest to end with the UTC day or "
            "before; null in rows of a release before it.",
            nullable=True,
        ),
        Column("report_timezone", pl.String, "Whose days they are.", default="UTC"),
        Column("amount", MONEY, "Its part of the change; those of a feature add up to it.", "usd"),
        Column("before", MONEY, "Spent in the seven days before those.", "usd"),
        Column("after", MONEY, "Spent in the seven days that end with it.", "usd"),
    ),
)

BUDGET_STATUS = Table(
    name="budget_status",
    row="One budget of one scope as it stands on one day.",
    key=("kind", "scope", "period"),
    columns=(
        Column(
            "kind",
            pl.String,
            "feature, team or total; `feature` in all rows of a release before this column.",
            default="feature",
        ),
        Column("scope", pl.String, "A feature or a team, or `total`."),
        Column("period", pl.String, "day, month or rolling.", default="day"),
        Column("period_days", pl.Int64, "Days of it so far, this one included.", default=1),
        Column(
            "business_day",
            pl.Date,
            "Last day of the period, in `report_timezone`: the latest to end with the UTC day or "
            "before; null in rows of a release before it.",
            nullable=True,
        ),
        Column("report_timezone", pl.String, "Whose days and months they are.", default="UTC"),
        Column(
            "budget",
            MONEY,
            "Allowed in the period; of one in `currency`, `budget_report` / `rate`.",
            "usd",
            nullable=True,
        ),
        Column("spent", MONEY, "Spent in it up to this day.", "usd", nullable=True),
        Column(
            "currency",
            pl.String,
            "In which the budget is given; null where that is dollars, or none is.",
            nullable=True,
        ),
        Column("budget_report", MONEY, "Allowed, in `currency`.", nullable=True),
        Column(
            "spent_report",
            MONEY,
            "Spent, in `currency`, each day at its own rate; null where one of them has none.",
            nullable=True,
        ),
        Column(
            "rate",
            RATE,
            "Units of `currency` for one US dollar on `business_day`; null where no rate is known.",
            nullable=True,
        ),
        Column("rate_date", pl.Date, "Day of the rate.", nullable=True),
        Column("rate_source", pl.String, "Where it comes from.", nullable=True),
        Column(
            "share",
            pl.Float64,
            "spent / budget, in `currency` where it is given in one; null without a budget.",
            nullable=True,
        ),
        Column("unpriced_calls", pl.Int64, "Calls that `spent` leaves out.", "calls"),
        Column(
            "forecast", pl.Float64, "What the month will have cost, median.", "usd", nullable=True
        ),
        Column("forecast_low", pl.Float64, "Lower end of its 80 % interval.", "usd", nullable=True),
        Column("forecast_high", pl.Float64, "Upper end.", "usd", nullable=True),
        Column("forecast_days", pl.Int64, "Days of history it rests on.", nullable=True),
        Column(
            "status",
            pl.String,
            "within, over, forecast_over (within so far, but nine of ten futures of the month are "
            "over) or no_data.",
        ),
        Column(
            "hint", pl.String, "What to do where nothing can be told, or not all.", nullable=True
        ),
    ),
)

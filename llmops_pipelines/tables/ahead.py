"""Where spend is heading, and which day's was unusual."""

import polars as pl

from llmops_pipelines.tables.table import MONEY, Column, Table

_SCOPE = (
    Column("kind", pl.String, "feature, team or total."),
    Column("scope", pl.String, "The feature or team, or `total`."),
)

_ENDS = (
    ("low_80", "Lower end of its 80 % interval."),
    ("high_80", "Upper end."),
    ("low_95", "Lower end of its 95 % interval."),
    ("high_95", "Upper end."),
)

COST_FORECAST = Table(
    name="cost_forecast",
    row="One scope's spend on one day to come, and in its month up to then, as foretold on a day.",
    key=("kind", "scope", "target"),
    columns=(
        *_SCOPE,
        Column("target", pl.Date, "The day that is foretold, in `report_timezone`."),
        Column("known_until", pl.Date, "Last day whose spend was known: a day counts once over."),
        Column("expected", pl.Float64, "Spend of that day, median.", "usd", nullable=True),
        *(Column(name, pl.Float64, text, "usd", nullable=True) for name, text in _ENDS),
        Column(
            "month_expected",
            pl.Float64,
            "Spend of that day's month up to and including it, median.",
            "usd",
            nullable=True,
        ),
        *(Column(f"month_{name}", pl.Float64, text, "usd", nullable=True) for name, text in _ENDS),
        Column("history_days", pl.Int64, "Days whose spend it rests on."),
        Column(
            "unknown_days",
            pl.Int64,
            "Days between them without logs, or too many of whose calls have no price.",
        ),
        Column(
            "unpriced_calls",
            pl.Int64,
            "Calls in the history of models that never had a price: what they cost is in nothing "
            "here; null in rows of a release before it.",
            "calls",
            nullable=True,
        ),
        Column(
            "method",
            pl.String,
            "weekday_level, mixed (8 to 13 days: half of it mean), mean (3 to 7), none (fewer).",
        ),
        Column("reason", pl.String, "Why there is no forecast.", nullable=True),
    ),
)

COST_ANOMALIES = Table(
    name="cost_anomalies",
    row="One scope's spend of the day against what is usual on such a weekday.",
    key=("kind", "scope"),
    columns=(
        *_SCOPE,
        Column(
            "business_day",
            pl.Date,
            "The day, in `report_timezone`: the latest to end with the UTC day or before; null in "
            "rows of a release before it.",
            nullable=True,
        ),
        Column("report_timezone", pl.String, "Whose day it is.", default="UTC"),
        Column("spent", MONEY, "Spent on the day.", "usd", nullable=True),
        Column(
            "unpriced_calls",
            pl.Int64,
            "Successful calls of the day without a price, which are not in it; null in rows of a "
            "release before it.",
            "calls",
            nullable=True,
        ),
        Column("expected", pl.Float64, "Usual on such a day.", "usd", nullable=True),
        Column("usual_low", pl.Float64, "Below this, spend is unusual.", "usd", nullable=True),
        Column("usual_high", pl.Float64, "Above this, spend is unusual.", "usd", nullable=True),
        Column(
            "z",
            pl.Float64,
            "Robust deviations of the logarithm of spend from what is usual.",
            nullable=True,
        ),
        Column("status", pl.String, "usual, unusual, or no_data with a reason."),
        Column("direction", pl.String, "higher or lower, where unusual.", nullable=True),
        Column("history_days", pl.Int64, "Earlier days that it is held against."),
        Column("driver_feature", pl.String, "Feature that changed most.", nullable=True),
        Column("driver_model", pl.String, "Its model that changed most.", nullable=True),
        Column(
            "driver_change",
            pl.Float64,
            "Its spend less what is usual for it.",
            "usd",
            nullable=True,
        ),
        Column("reason", pl.String, "Why nothing can be told.", nullable=True),
    ),
)

"""Everything the report of one night is made of, and how a day is taken out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from llmops_pipelines.reporting.business import BusinessMoney
from llmops_pipelines.tables import (
    ALERTS,
    BUDGET_STATUS,
    COST_DRIVERS,
    COST_FORECAST,
    EVALUATION_COSTS,
    FEATURE_COSTS,
    GOLDEN_DATASET,
    JUDGE_BRIDGES,
    JUDGE_SPECS,
    QUALITY,
    REJECTED_LINES,
    ROLLBACKS,
    ROUTING_SAVINGS,
    RULE_EVALUATIONS,
    SAVINGS_PLAN,
    SERVICE_HEALTH,
)

UNPRICED_MODELS = pl.Schema(
    {"provider": pl.String, "model": pl.String, "reason": pl.String, "calls": pl.Int64}
)
"""One model without a price on the day, and how many calls that leaves out of the spend."""


_ENDS = ("from", "to")

PAST_SPEND = pl.Schema(
    {
        "kind": pl.String,
        "scope": pl.String,
        "day": pl.Date,
        "spent": pl.Float64,
        "at_least": pl.Float64,
    }
)
"""What a feature, a team, or all (`total`) spent on a day, in USD: null where that is not known, as
where calls have no price, and what is known then."""

OPEN_ALERTS = pl.Schema(
    {"rule": pl.String, "scope": pl.String, "state": pl.String, "since": pl.Date}
)
"""One rule and scope that is in warning or critical at the end of the night, and since which day.

That may be so although the night's figure is not beyond a line for certain, or is not known: an
alert gets better only once its estimate is back."""

SERIES_BREAKS = pl.Schema(
    [("day", pl.Date), ("kind", pl.String), ("feature", pl.String), ("metric", pl.String)]
    + [(f"{end}_{what}", pl.String) for what in ("spec", "judge", "snapshot") for end in _ENDS]
)
"""One figure that goes on under another judge, or another snapshot of one, from a day on."""


@dataclass(frozen=True)
class NightlyData:
    """One night's tables, as the lake holds them.

    A frame may carry a ``day`` column and reach back over earlier days: the page shows ``day`` and
    draws trends over the rest. A frame left out is empty, and the page says what is missing. With
    ``money``, ``feature_costs`` is of days of the business, by who is charged, with
    ``cost_report``.
    """

    day: date
    feature_costs: pl.DataFrame = field(default_factory=FEATURE_COSTS.empty)
    money: BusinessMoney | None = None
    """None where finance.yaml leaves days, currency and teams as they are recorded."""
    budget_status: pl.DataFrame = field(default_factory=BUDGET_STATUS.empty)
    cost_forecast: pl.DataFrame = field(default_factory=COST_FORECAST.empty)
    cost_drivers: pl.DataFrame = field(default_factory=COST_DRIVERS.empty)
    past_spend: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PAST_SPEND))
    why_spend_changed: str = ""
    """In a sentence, against the week before; empty where there is no such week."""
    unpriced_models: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=UNPRICED_MODELS)
    )
    service_health: pl.DataFrame = field(default_factory=SERVICE_HEALTH.empty)
    quality: pl.DataFrame = field(default_factory=QUALITY.empty)
    judge_specs: pl.DataFrame = field(default_factory=JUDGE_SPECS.empty)
    series_breaks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SERIES_BREAKS))
    judge_bridges: pl.DataFrame = field(default_factory=JUDGE_BRIDGES.empty)
    rule_evaluations: pl.DataFrame = field(default_factory=RULE_EVALUATIONS.empty)
    alerts: pl.DataFrame = field(default_factory=ALERTS.empty)
    open_alerts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OPEN_ALERTS))
    rollbacks: pl.DataFrame = field(default_factory=ROLLBACKS.empty)
    rejected_lines: pl.DataFrame = field(default_factory=REJECTED_LINES.empty)
    routing_savings: pl.DataFrame = field(default_factory=ROUTING_SAVINGS.empty)
    savings_plan: pl.DataFrame = field(default_factory=SAVINGS_PLAN.empty)
    """As the night before left it: it looks back over weeks."""
    evaluation_costs: pl.DataFrame = field(default_factory=EVALUATION_COSTS.empty)
    golden_dataset: pl.DataFrame = field(default_factory=GOLDEN_DATASET.empty)
    """``GOLDEN_DATASET``; its embeddings are not needed."""
    golden_version: str | None = None
    price_sources: tuple[str, ...] = ()
    """Where the prices came from, such as ``genai-prices 0.2.3``."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """What else the figures rest on: versions, digests of tables and reference files."""
    charts: Mapping[str, str] = field(default_factory=dict)
    """SVG elements by name: ``spend``, ``model_mix``, ``forecast``, ``budget``, ``drivers``,
    ``quality``, ``quality_trend``, ``judged_trend``, ``latency``, ``errors``."""

    @property
    def spend_day(self) -> date:
        """The day whose money is told."""
        return self.money.day if self.money else self.day

    @property
    def whole_days(self) -> pl.DataFrame:
        """``feature_costs`` without days of which some hours are not there."""
        if self.money is None or not (partial := self.money.partial_days):
            return self.feature_costs
        return self.feature_costs.filter(~pl.col("day").is_in(partial))

    def known_spend(self, feature: str | None = None) -> list[tuple[date, float]]:
        """What a feature, or all, spent on its days of calls that are whole and known, in USD."""
        own = self.whole_days if feature is None else self.whole_days.filter(feature=feature)
        if "day" not in own.columns:
            return []
        # As scopes are told apart in the tables of spend.
        scope = "total (feature)" if feature == "total" else feature or "total"
        known = self.past_spend.filter(
            pl.col("day").is_in(own["day"].implode()),
            kind="feature" if feature else "total",
            scope=scope,
        )
        return known.select("day", "spent").drop_nulls().sort("day").rows()

    @property
    def business_day(self) -> date:
        """The last day of budgets and forecast: that of the business, where they know it."""
        known = self.budget_status["business_day"].drop_nulls().unique()
        return known[0] if known.len() else self.day


def on(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """The rows of one day; all rows of a frame that knows no days."""
    return frame.filter(pl.col("day") == day) if "day" in frame.columns else frame


def daily(frame: pl.DataFrame, day: date, value: pl.Expr) -> list[tuple[date, float]]:
    """``value`` summed up for each day until ``day`` that has rows, in order of days."""
    if "day" not in frame.columns:
        frame = frame.with_columns(day=pl.lit(day))
    return (
        frame.filter(pl.col("day") <= day)
        .group_by("day")
        .agg(value.cast(pl.Float64).alias("value"))
        .drop_nulls()
        .sort("day")
        .rows()
    )

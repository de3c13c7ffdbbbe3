"""Cost per feature, budgets, where spend is heading and what of it was unusual."""

from llmops_pipelines.cost.amounts import Rate
from llmops_pipelines.cost.anomalies import cost_anomalies
from llmops_pipelines.cost.budget_status import budget_status
from llmops_pipelines.cost.budgets import Budget, Budgets, currencies, unknown_names
from llmops_pipelines.cost.cube import (
    BOOKED_COLUMNS,
    CUBE_COLUMNS,
    DIMENSIONS,
    UnknownDimensionError,
    booked,
    columns_for,
    cost_cube,
    sum_calls,
)
from llmops_pipelines.cost.drivers import WEEK, cost_drivers, has_unknown_cost, week_drivers
from llmops_pipelines.cost.drivers_told import not_compared, told_change, told_week
from llmops_pipelines.cost.factors import DRIVERS
from llmops_pipelines.cost.features import UNKNOWN_MODEL, feature_costs
from llmops_pipelines.cost.forecast import cost_forecast, month_end
from llmops_pipelines.cost.gaps import unattributed_calls, unknown_features, unpriced_models
from llmops_pipelines.cost.history import HISTORY_DAYS, past_spend
from llmops_pipelines.cost.reported import MAX_DIFFERENCE, REPORTED_COLUMNS, reported_differences
from llmops_pipelines.cost.repricing import GROUP, compare_costs, sum_changes
from llmops_pipelines.cost.spend import (
    SPEND_DIMENSIONS,
    add_up,
    as_charged,
    dimension_called,
    in_cube,
    spend_of_calls,
)
from llmops_pipelines.cost.units import ACCEPTED, UNIT_COLUMNS, UNIT_COST_COLUMNS, unit_costs
from llmops_pipelines.cost.unpriced import UNPRICED_COLUMNS, unpriced_spend
from llmops_pipelines.cost.unpriced_told import told_estimate, told_unpriced

__all__ = [
    "ACCEPTED",
    "BOOKED_COLUMNS",
    "CUBE_COLUMNS",
    "DIMENSIONS",
    "DRIVERS",
    "GROUP",
    "HISTORY_DAYS",
    "MAX_DIFFERENCE",
    "REPORTED_COLUMNS",
    "SPEND_DIMENSIONS",
    "UNIT_COLUMNS",
    "UNIT_COST_COLUMNS",
    "UNKNOWN_MODEL",
    "UNPRICED_COLUMNS",
    "WEEK",
    "Budget",
    "Budgets",
    "Rate",
    "UnknownDimensionError",
    "add_up",
    "as_charged",
    "booked",
    "budget_status",
    "columns_for",
    "compare_costs",
    "cost_anomalies",
    "cost_cube",
    "cost_drivers",
    "cost_forecast",
    "currencies",
    "dimension_called",
    "feature_costs",
    "has_unknown_cost",
    "in_cube",
    "month_end",
    "not_compared",
    "past_spend",
    "reported_differences",
    "spend_of_calls",
    "sum_calls",
    "sum_changes",
    "told_change",
    "told_estimate",
    "told_unpriced",
    "told_week",
    "unattributed_calls",
    "unit_costs",
    "unknown_features",
    "unknown_names",
    "unpriced_models",
    "unpriced_spend",
    "week_drivers",
]

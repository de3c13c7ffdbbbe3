"""Cost per feature and budgets."""

from llmops_pipelines.cost.budgets import Budget, Budgets, budget_status
from llmops_pipelines.cost.cube import (
    BOOKED_COLUMNS,
    CUBE_COLUMNS,
    DIMENSIONS,
    UnknownDimensionError,
    columns_for,
    cost_cube,
    sum_calls,
)
from llmops_pipelines.cost.drivers import WEEK, cost_drivers, week_drivers
from llmops_pipelines.cost.drivers_told import told_change, told_week
from llmops_pipelines.cost.features import feature_costs
from llmops_pipelines.cost.gaps import unknown_features, unpriced_models

__all__ = [
    "BOOKED_COLUMNS",
    "CUBE_COLUMNS",
    "DIMENSIONS",
    "WEEK",
    "Budget",
    "Budgets",
    "UnknownDimensionError",
    "budget_status",
    "columns_for",
    "cost_cube",
    "cost_drivers",
    "feature_costs",
    "sum_calls",
    "told_change",
    "told_week",
    "unknown_features",
    "unpriced_models",
    "week_drivers",
]

"""Cost per feature and budgets."""

from llmops_pipelines.cost.budgets import Budget, Budgets, budget_status
from llmops_pipelines.cost.cube import (
    CUBE_COLUMNS,
    DIMENSIONS,
    UnknownDimensionError,
    add_up,
    columns_for,
    cost_cube,
    sum_calls,
)
from llmops_pipelines.cost.features import feature_costs
from llmops_pipelines.cost.gaps import unknown_features, unpriced_models

__all__ = [
    "CUBE_COLUMNS",
    "DIMENSIONS",
    "Budget",
    "Budgets",
    "UnknownDimensionError",
    "add_up",
    "budget_status",
    "columns_for",
    "cost_cube",
    "feature_costs",
    "sum_calls",
    "unknown_features",
    "unpriced_models",
]

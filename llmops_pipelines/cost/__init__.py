"""Cost per feature and budgets."""

from llmops_pipelines.cost.budgets import Budget, Budgets, budget_status
from llmops_pipelines.cost.features import feature_costs
from llmops_pipelines.cost.gaps import unknown_features, unpriced_models

__all__ = [
    "Budget",
    "Budgets",
    "budget_status",
    "feature_costs",
    "unknown_features",
    "unpriced_models",
]

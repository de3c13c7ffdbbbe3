"""Cost per feature and budgets."""

"""The files people edit, as external assets with their digest as data version."""

from llmops_pipelines.orchestration.graph.reference_assets import reference_asset

PLATFORM, FINOPS, EVALUATION = "team:llm-platform", "team:finops", "team:evaluation"

sources = reference_asset("sources", "sources.yaml", "How log files are read.", PLATFORM)
features = reference_asset(
    "features", "features.yaml", "Features: owner, content, judging.", PLATFORM
)
prices = reference_asset("prices", "prices.yaml", "Price corrections and discounts, dated.", FINOPS)
privacy = reference_asset("privacy", "privacy.yaml", "National ids, names, retention.", PLATFORM)
budgets = reference_asset(
    "budgets", "budgets.yaml", "Budgets per feature, team and in total.", FINOPS
)
finance = reference_asset(
    "finance", "finance.yaml", "Days, currency, owners, fees of the business.", FINOPS
)
judges = reference_asset(
    "judges", "judges.yaml", "Endpoints that features may name, and juries.", EVALUATION
)
rubrics = reference_asset("rubrics", "rubrics.yaml", "What judges are asked.", EVALUATION)
alert_rules = reference_asset("alert_rules", "alert_rules.yaml", "When people are told.", PLATFORM)
prompts = reference_asset("prompts", "prompts/*.yaml", "The prompt registry.", PLATFORM)

"""Which rule of a provider's cache holds for a model."""

import re

import pytest

from llmops_pipelines.savings import RULES, rule_of
from llmops_pipelines.tables import TOKEN_BUCKETS


@pytest.mark.parametrize(
    ("provider", "model", "minimum", "ttl", "longest"),
    [
        ("openai", "gpt-4o-2024-08-06", 1_024, 300, 3_600),
        (None, "gpt-4o", 1_024, 300, 3_600),
        ("openai", "gpt-4.1-mini-2025-04-14", 1_024, 300, 3_600),
        ("openai", "gpt-4.1-2025-04-14", 1_024, 300, 86_400),
        ("azure", "gpt-5.1", 1_024, 300, 86_400),
        ("openai", "o3", 1_024, 300, 3_600),
        ("openai", "gpt-5.6-sol", 1_024, 1_800, 1_800),
        ("anthropic", "claude-sonnet-4-5-20250929", 1_024, 300, 3_600),
        ("anthropic", "claude-3.5-haiku-20241022", 2_048, 300, 3_600),
        ("anthropic", "anthropic/claude-opus-4-5", 4_096, 300, 3_600),
        ("anthropic", "claude-opus-4-1", 1_024, 300, 3_600),
        ("anthropic", "claude-opus-5", 512, 300, 3_600),
        ("google", "gemini-2.5-flash-lite", 2_048, None, None),
        ("deepseek", "deepseek-chat", 64, 3_600, 86_400),
    ],
)
def test_a_model_has_the_rule_that_its_provider_publishes(provider, model, minimum, ttl, longest):
    rule = rule_of(provider, model)
    assert (rule.minimum, rule.ttl_s, rule.longest_s) == (minimum, ttl, longest)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        (None, None),
        ("anthropic", "gpt-4o"),
        ("openai", None),
        ("openai", "gpt-3.5-turbo"),
        ("openai", "gpt-4o-2024-05-13"),
        ("aws", "claude-sonnet-4-5"),
        ("acme", "acme-7b"),
    ],
)
def test_of_other_models_nothing_is_known(provider, model):
    assert rule_of(provider, model) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.models)
def test_a_rule_says_where_it_comes_from_and_can_be_replayed(rule):
    assert re.match(r"[a-z.-]+\.[a-z]+/", rule.source)
    assert rule.as_of.year >= 2026
    assert (rule.ttl_s or 0) <= (rule.longest_s or 0)
    assert all(option.bucket in TOKEN_BUCKETS for option in rule.writes)

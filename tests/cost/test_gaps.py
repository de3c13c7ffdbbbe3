from datetime import datetime

import polars as pl

from llmops_pipelines.cost import unattributed_calls, unknown_features, unpriced_models
from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.tables import CALL_COSTS, LLM_CALLS
from tests.cost.factories import costs, failed, priced


def test_unpriced_models_are_named_with_their_reason_most_calls_first():
    day = costs(
        priced("1"),
        priced(None, model="acme-7b"),
        priced(None, model="acme-7b"),
        priced(None, model=None, provider=None, unpriced_reason="no_model"),
    )
    assert unpriced_models(day).rows() == [
        ("openai", "acme-7b", "unknown_model", 2),
        (None, None, "no_model", 1),
    ]


def test_failed_calls_are_not_unpriced():
    assert unpriced_models(costs(failed(), failed())).is_empty()


def test_a_priced_or_empty_day_names_nothing():
    assert unpriced_models(costs(priced("1"))).is_empty()
    assert unpriced_models(CALL_COSTS.empty()).columns == ["provider", "model", "reason", "calls"]


def calls(*features):
    day = datetime.fromisoformat("2026-11-10")
    return pl.DataFrame({"feature": features, "started_at": [day] * len(features)})


def test_features_that_nobody_declared_are_counted():
    known = Features(features={"chat": Feature()})
    day = calls("chat", "beta", "beta", "alpha", "unattributed")
    assert unknown_features(day, known).rows() == [("beta", 2), ("alpha", 1)]


def test_without_declarations_every_feature_is_unknown():
    assert unknown_features(calls("chat"), Features()).rows() == [("chat", 1)]
    assert unknown_features(LLM_CALLS.empty(), Features()).is_empty()


def test_calls_without_a_feature_are_counted_by_what_a_rule_may_look_at():
    day = (
        LLM_CALLS.empty()
        .clear(4)
        .with_columns(
            feature=pl.Series(["unattributed", "chat", "unattributed", "unattributed"]),
            source_format=pl.Series(["litellm", "litellm", "langfuse", "litellm"]),
            project=pl.Series([None, None, "shop", None], dtype=pl.String),
            name=pl.Series([None, "answer", "answer", None], dtype=pl.String),
        )
    )
    assert unattributed_calls(day).rows() == [
        ("litellm", None, None, 2),
        ("langfuse", "shop", "answer", 1),
    ]
    assert unattributed_calls(LLM_CALLS.empty()).is_empty()

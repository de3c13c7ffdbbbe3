"""Quotes before spending."""

from decimal import Decimal

import pytest

from llmops_pipelines.judging import Estimate, RubricJudge, estimated_tokens, quote
from tests.judging.worlds import item, no_price, spec


def by_the_token(_model, tokens):
    return sum(tokens.values()) * Decimal("0.001")


def quoted(*estimates, price=by_the_token):
    return quote(
        estimates, metric="politeness", spec_id="s", model="judge-1", already_paid=7, price=price
    )


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("word", 1), ("a sentence of words", 5), ("返金", 2), ("né", 2)]
)
def test_tokens_are_estimated_from_length_and_script(text, tokens):
    assert estimated_tokens(text) == tokens


def test_a_quote_adds_up_its_items():
    found = quoted(Estimate(1, 100, 10, 50), Estimate(2, 200, 20, 50))
    assert (found.items, found.already_paid, found.calls) == (2, 7, 3)
    assert (found.input_tokens, found.output_tokens) == (300, 30)
    assert found.usd == Decimal("0.330") * Decimal("1.02")
    assert found.usd_at_most == Decimal("1.400")
    assert str(found) == (
        "politeness by judge-1: 2 to judge, 7 already paid; 3 calls, about 300 tokens in and "
        "30 out; about $0.34, at most $1.40"
    )


def test_a_quote_tells_what_it_would_be_in_batches_without_repairs():
    def half(model, tokens):
        return by_the_token(model, tokens) / 2

    each = (Estimate(1, 100, 10, 50), Estimate(2, 200, 20, 50))
    found = quote(
        each, metric="politeness", spec_id="s", model="judge-1", already_paid=0,
        price=by_the_token, batch_price=half,
    )  # fmt: skip
    assert found.usd_in_batches == Decimal("0.165")
    assert str(found).endswith("about $0.34 ($0.16 in batches), at most $1.40")


def test_a_judge_without_a_price_is_quoted_in_calls_and_tokens():
    found = quoted(Estimate(1, 100, 10, 50), price=no_price)
    assert (found.usd, found.usd_at_most) == (None, None)
    assert str(found).endswith("no price known")


def test_nothing_to_judge_costs_nothing():
    assert quoted().usd == 0


def test_a_rubric_is_estimated_from_the_prompt_it_would_send():
    judge = RubricJudge(spec())
    short, long = judge.estimate(item("Yes.")), judge.estimate(item("Yes. " * 400))
    assert short.calls == 1
    assert long.input_tokens - short.input_tokens == pytest.approx(499, abs=2)
    assert long.most_output_tokens == 1500

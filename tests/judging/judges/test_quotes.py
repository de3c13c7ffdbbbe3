"""Quotes before spending."""

import weakref
from decimal import Decimal

import pytest

from llmops_pipelines.judging import (
    BY_LENGTH,
    Estimate,
    RubricJudge,
    counted_with,
    estimated_tokens,
    expected_seconds,
    quote,
    total,
)
from tests.judging.worlds import item, no_price, spec


def by_the_token(_model, tokens):
    return sum(tokens.values()) * Decimal("0.001")


def quoted(*estimates, by=None, price=by_the_token, **options):
    return quote(estimates, by or spec(), already_paid=7, price=price, **options)


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


def test_canaries_are_paid_for_where_there_is_an_item_and_are_none():
    canary = Estimate(1, 50, 5, 50)
    found = quoted(Estimate(1, 100, 10, 50), canaries=[canary, canary])
    assert (found.items, found.calls, found.input_tokens) == (1, 3, 200)
    nothing = quoted(canaries=[canary])
    assert (nothing.items, nothing.calls, nothing.usd) == (0, 0, 0)


def test_estimates_are_drawn_one_by_one_and_not_kept():
    alive = []

    def each():
        for _ in range(5):
            estimate = Estimate(1, 100, 10, 50)
            alive.append(weakref.ref(estimate))
            yield estimate
            del estimate
            assert sum(ref() is not None for ref in alive) <= 2

    found = quote(each(), spec(), price=by_the_token, already_paid=0)
    assert found.items == 5


def test_a_quote_tells_what_it_would_be_in_batches_without_repairs():
    def half(model, tokens):
        return by_the_token(model, tokens) / 2

    found = quoted(Estimate(1, 100, 10, 50), Estimate(2, 200, 20, 50), batch_price=half)
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


def test_what_is_at_most_paid_for_takes_every_reply_for_broken_twice():
    found = quoted(Estimate(1, 100, 10, 50), Estimate(2, 200, 20, 50))
    assert (found.calls_at_most, found.input_tokens_at_most) == (9, 1100)
    assert found.output_tokens_at_most == 300
    assert found.usd_at_most == by_the_token("", {"in": 1100, "out": 300})


def test_judges_count_with_a_vocabulary_where_there_is_one():
    judge = RubricJudge(spec())
    by_length = judge.estimate(item("Yes. " * 400)).input_tokens
    with counted_with(lambda text: 2 * len(text)):
        assert judge.estimate(item("Yes. " * 400)).input_tokens > 7 * by_length
    assert judge.estimate(item("Yes. " * 400)).input_tokens == by_length


def test_days_add_up_by_judge_and_an_unknown_price_stays_unknown():
    other_judge = spec(temperature=1.0)
    day, other = quoted(Estimate(1, 100, 10, 50)), quoted(Estimate(1, 50, 10, 50), by=other_judge)
    unpriced = quoted(Estimate(2, 10, 5, 50), price=no_price)
    both, alone = total([day, other, unpriced])
    assert (both.items, both.calls, both.already_paid, both.input_tokens) == (2, 3, 14, 110)
    assert (both.usd, both.usd_in_batches, both.counted_by) == (None, None, BY_LENGTH)
    assert alone == other


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        ({"latency_ms": 500.0}, 5.1),
        ({"latency_ms": 500.0, "calls_per_minute": 60}, 102.0),
        ({"latency_ms": None, "tokens_per_minute": 10_000}, 306.0),
        ({"latency_ms": None}, None),
        ({"latency_ms": 90_000.0, "concurrency": 1_000}, 90.0),
    ],
)
def test_the_slowest_limit_sets_the_time(pace, seconds):
    found = expected_seconds(100, 50_000, **{"concurrency": 10} | pace)
    assert found == (seconds if seconds is None else pytest.approx(seconds))

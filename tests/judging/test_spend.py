"""What evaluation costs, apart from production, and what of it was paid twice."""

from datetime import timedelta
from decimal import Decimal

import polars as pl

from llmops_pipelines.judging import evaluation_costs, judge_specs, paid_twice
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_SCORES
from tests.judging.worlds import NOON, spec

SPEC = spec()
OTHER = spec(asks="Is it kind?")
CENT = Decimal("0.01")


def call(number, digest="d-1", outcome="ok", cost=CENT, step="verdict", judge=SPEC, tokens=10):
    return {
        "attempt_id": f"a-{number}", "spec_id": judge.spec_id, "item_digest": digest,
        "repetition": 0, "call_id": "c", "step": step, "outcome": outcome, "cost": cost,
        "uncached_input": tokens, "output_text": tokens, "cache_read": 0, "reasoning": 0,
        "asked_at": NOON + timedelta(seconds=number),
    }  # fmt: skip


def calls(*rows):
    return pl.DataFrame(rows, schema=JUDGE_CALLS.schema).lazy()


def verdict(call_id, outcome="scored", judge=SPEC):
    return {
        "spec_id": judge.spec_id, "item_digest": call_id, "repetition": 0, "metric": judge.metric,
        "call_id": call_id, "outcome": outcome, "attempts": 1, "library_versions": "{}",
        "scored_at": NOON,
    }  # fmt: skip


def costs(made, *verdicts):
    scores = pl.DataFrame(verdicts, schema=JUDGE_SCORES.schema).lazy()
    return evaluation_costs(made, scores, judge_specs([SPEC, OTHER]))


def test_a_judges_calls_tokens_faults_and_dollars_add_up():
    made = calls(
        call(1), call(2, "d-2", "http_429", Decimal(0), tokens=None), call(3, "d-2"),
        call(4, "d-3", "truncated"), call(5, "d-4", "timeout", None, tokens=None),
    )  # fmt: skip
    (row,) = costs(made, verdict("d-1"), verdict("d-2"), verdict("d-3", "failed")).to_dicts()
    assert (row["metric"], row["model"], row["kind"]) == ("politeness", "judge-1", "rubric")
    assert (row["verdicts"], row["calls"], row["faults"], row["truncated"]) == (2, 5, 3, 1)
    assert (row["uncached_input"], row["output_text"]) == (30, 30)
    assert (row["cost"], row["unpriced_calls"]) == (3 * CENT, 1)
    assert (row["paid_twice"], row["paid_twice_cost"]) == (0, None)


def test_verdicts_that_were_paid_for_before_cost_nothing_now():
    (row,) = costs(calls(), verdict("d-1")).to_dicts()
    assert (row["verdicts"], row["calls"], row["cost"]) == (1, 0, 0)


def test_what_no_price_is_known_of_is_null_not_nothing():
    (row,) = costs(calls(call(1, cost=None, tokens=None))).to_dicts()
    assert (row["cost"], row["uncached_input"], row["unpriced_calls"]) == (None, None, 1)


def test_a_refusal_that_cost_nothing_does_not_make_the_other_calls_free():
    refusal = call(1, outcome="http_500", cost=Decimal(0), tokens=None)
    assert costs(calls(refusal))["cost"].to_list() == [0]
    (row,) = costs(calls(refusal, call(2, cost=None, tokens=None))).to_dicts()
    assert (row["cost"], row["unpriced_calls"]) == (None, 1)


def test_of_two_answers_to_one_question_the_first_is_its_charge():
    made = calls(call(2), call(1), call(3, cost=None), call(4, "d-2"), call(5, judge=OTHER))
    again = paid_twice(made).collect()
    assert again["attempt_id"].to_list() == ["a-2", "a-3"]
    rows = costs(made).sort("paid_twice").to_dicts()
    assert [(row["paid_twice"], row["paid_twice_cost"]) for row in rows] == [(0, None), (2, CENT)]


def test_a_fault_and_the_answer_after_it_are_one_payment():
    made = calls(call(1, outcome="http_500"), call(2, outcome="unreadable"), call(3))
    repair = calls(call(4, step="verdict/repair"))
    assert paid_twice(pl.concat([made, repair])).collect().is_empty()


def test_a_canary_that_is_asked_before_every_batch_is_not_paid_twice():
    made = calls(call(1, step="canary/verdict"), call(2, step="canary/verdict"))
    assert paid_twice(made).collect().is_empty()
    assert costs(made)["cost"].to_list() == [2 * CENT]

"""What is paid for, and the rows that say so."""

import json
from datetime import timedelta
from decimal import Decimal

import polars as pl

from llmops_pipelines.judging import FINAL, UNFINISHED, Ruling, unpaid, verdicts_of
from llmops_pipelines.judging.ledger import attempt_row, verdict_frame, verdict_row
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER, JUDGE_SCORES
from tests.judging.worlds import NOON, item, item_frame, ok, spec


def row(digest, *, judge=None, score=1.0, at=NOON, **fields):
    ruling = Ruling("scored", score, "because")
    return {
        **verdict_row(judge or spec(), item(digest=digest), ruling, attempts=(), scored_at=at,
                      library_versions={}),
        **fields,
    }  # fmt: skip


def digests(frame, judge=None):
    return unpaid(frame, JUDGE_LEDGER.empty(), judge or spec())["item_digest"].to_list()


def test_everything_is_unpaid_at_first_in_the_order_of_its_digest():
    found = digests(item_frame("a", "b", "c"))
    assert len(found) == 3
    assert found == sorted(found)


def test_equal_content_is_judged_once_under_its_first_call():
    left = unpaid(item_frame("same", "same", "same"), JUDGE_LEDGER.empty(), spec())
    assert left["call_id"].to_list() == ["c-000"]


def test_what_the_ledger_holds_is_not_asked_again():
    frame = item_frame("a", "b", "c")
    first, *rest = digests(frame)
    left = unpaid(frame, verdict_frame([row(first)]), spec())
    assert left["item_digest"].to_list() == rest


def test_another_judge_or_another_draw_is_paid_for_by_itself():
    frame = item_frame("a")
    paid = verdict_frame([row(digests(frame)[0])])
    assert unpaid(frame, paid, spec(temperature=1)).height == 1
    assert unpaid(frame, paid, spec(), repetition=1).height == 1
    assert unpaid(frame, paid.lazy(), spec()).height == 0


def test_verdicts_come_back_for_every_call_that_shares_the_content():
    frame = item_frame("same", "same", "other")
    ledger = verdict_frame([row(d) for d in digests(frame)])
    found = verdicts_of(frame, ledger, [spec()])
    assert found["call_id"].to_list() == ["c-000", "c-001", "c-002"]
    assert found.schema == JUDGE_SCORES.schema


def test_verdicts_of_other_judges_and_contents_are_left_out():
    frame = item_frame("a")
    ledger = verdict_frame([row("f" * 32), row(digests(frame)[0], judge=spec(temperature=1))])
    assert verdicts_of(frame, ledger, [spec()]).is_empty()
    assert verdicts_of(frame, ledger, []).schema == JUDGE_SCORES.schema


def test_of_two_payments_for_one_content_the_earlier_counts():
    frame = item_frame("a")
    digest = digests(frame)[0]
    twice = pl.DataFrame(
        [row(digest, score=0.0, at=NOON + timedelta(hours=1)), row(digest, score=1.0)],
        schema=JUDGE_LEDGER.schema,
    )
    assert verdicts_of(frame, twice, [spec()])["score"].to_list() == [1.0]


def test_outcomes_are_final_or_tried_again_and_never_both():
    assert set(FINAL).isdisjoint(UNFINISHED)
    assert len(FINAL) + len(UNFINISHED) == 9


def attempt(number=1, cost=Decimal("0.01"), **fields):
    return attempt_row(
        spec(), item(), ok(**fields), step="verdict", number=number, run_id="r", cost=cost,
        asked_at=NOON,
    )  # fmt: skip


def verdict(*attempts):
    return verdict_row(
        spec(), item(), Ruling("scored", 1.0, None), attempts=attempts, scored_at=NOON,
        library_versions={"b": "2", "a": "1"},
    )  # fmt: skip


def test_an_attempt_has_its_own_id_and_the_tokens_of_both_sides():
    first, second = attempt(1), attempt(2)
    assert first["attempt_id"] != second["attempt_id"]
    assert (first["input_tokens"], first["output_tokens"]) == (100, 10)
    assert set(first) == set(JUDGE_CALLS.schema.names())


def test_unknown_tokens_and_cost_stay_null():
    row = attempt(tokens=None, cost=None)
    assert (row["input_tokens"], row["output_tokens"], row["cost"]) == (None, None, None)


def test_a_verdict_costs_what_is_known_of_its_attempts():
    assert verdict(attempt(), attempt(2))["cost"] == Decimal("0.02")
    assert verdict(attempt(), attempt(2, cost=None))["cost"] == Decimal("0.01")
    assert verdict(attempt(cost=None))["cost"] is None
    assert verdict()["cost"] == 0


def test_that_a_refusal_cost_nothing_says_nothing_of_the_reply_after_it():
    refusal = attempt(cost=Decimal(0))
    assert verdict(refusal)["cost"] == 0
    assert verdict(refusal, attempt(2))["cost"] == Decimal("0.01")
    assert verdict(refusal, attempt(2, cost=None))["cost"] is None


def test_a_verdict_names_the_snapshot_and_the_libraries():
    row = verdict(attempt())
    assert row["model_served"] == "judge-1-2026-01-01"
    assert json.loads(row["library_versions"]) == {"a": "1", "b": "2"}

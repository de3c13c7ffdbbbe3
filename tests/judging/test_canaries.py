"""An item whose verdict is known: asked first, paid for, recorded, and counted nowhere."""

import asyncio
import json
from datetime import timedelta

import pytest

from llmops_pipelines.judging import (
    Circuit,
    Conduct,
    Purse,
    RubricJudge,
    ask_canaries,
    canary_item,
    missed_canaries,
    rubric_spec,
)
from llmops_pipelines.judging.canaries import came_back
from tests.judging.worlds import (
    NOON,
    QUICK,
    Ledger,
    default_rubrics,
    failure,
    no_price,
    ok,
    rubric,
    spec,
)

RUDE = {"answer": "Get lost.", "expects": [False]}
KINDS = {
    "scale": "categorical",
    "categories": {"dull": 0, "rude": 0, "kind": 1},
    "output": {
        "type": "object",
        "properties": {"polite": {"enum": ["dull", "rude", "kind"]}, "reason": {"type": "string"}},
    },
}


def conduct(ask):
    clock = iter(NOON + timedelta(microseconds=n) for n in range(1_000))
    return Conduct(
        ask=ask, purse=Purse(), price=no_price, limits=QUICK, circuit=Circuit(9, 99),
        now=lambda: next(clock), seed=7, run_id="run-1",
    )  # fmt: skip


def tried(judge_spec, *replies):
    """The canary of ``judge_spec`` before a judge that gives these replies, and the ledger."""
    ledger, left = Ledger(), iter(replies)

    async def ask(_request, _seconds):
        return next(left)

    (result,) = asyncio.run(
        ask_canaries([RubricJudge(judge_spec)], conduct(ask), ledger.append, library_versions={})
    )
    return result, ledger


@pytest.mark.parametrize(
    ("changes", "reply", "state"),
    [
        ({"canary": RUDE}, False, "held"),
        ({"canary": RUDE}, True, "missed"),
        ({"canary": RUDE}, None, "missed"),
        ({"canary": {**RUDE, "expects": [None]}}, None, "held"),
        ({"canary": {**RUDE, "expects": [None]}}, False, "missed"),
        ({**KINDS, "canary": {**RUDE, "expects": ["rude"]}}, "rude", "held"),
        ({**KINDS, "canary": {**RUDE, "expects": ["rude", "kind"]}}, "kind", "held"),
        ({**KINDS, "canary": {**RUDE, "expects": ["rude"]}}, "dull", "missed"),
    ],
)
def test_the_known_verdict_comes_back_or_the_canary_is_missed(changes, reply, state):
    result, ledger = tried(spec(**changes), ok(reply))
    assert (result.metric, result.state, result.calls) == ("politeness", state, 1)
    assert ledger.verdicts.is_empty()
    assert ledger.attempts["outcome"].to_list() == ["ok" if state == "held" else "canary_missed"]
    assert missed_canaries(ledger.attempts).height == (state == "missed")


def test_a_judge_that_declines_or_cannot_be_read_has_missed_it():
    result, _ = tried(spec(canary=RUDE), ok(outcome="refused", text=None, detail="no"))
    assert (result.state, "the judge declined" in result.detail) == ("missed", True)


def test_an_endpoint_that_does_not_answer_says_nothing_of_the_judge():
    result, ledger = tried(spec(canary=RUDE), *[failure("http_500")] * QUICK.attempts)
    assert result.state == "unanswered"
    assert set(ledger.attempts["outcome"]) == {"http_500"}
    assert missed_canaries(ledger.attempts).is_empty()


def test_a_pair_is_tried_in_both_orders():
    preference = rubric_spec("preference", default_rubrics().rubrics["preference"], model="j")
    said = {"wanted": "w", "about_first": "f", "about_second": "s", "reason": "because"}
    second, first = (ok(text=json.dumps({**said, "better": b})) for b in ("second", "first"))
    held, ledger = tried(preference, second, first)
    assert (held.state, held.calls) == ("held", 2)
    assert ledger.attempts.sort("asked_at")["step"].to_list() == [
        "canary/verdict",
        "canary/swapped",
    ]
    missed, ledger = tried(preference, first, first)
    assert missed.state == "missed"
    assert ledger.attempts.sort("asked_at")["outcome"].to_list() == ["ok", "canary_missed"]


def test_a_judge_without_a_canary_is_not_tried():
    assert canary_item(spec()) is None
    assert asyncio.run(
        ask_canaries([RubricJudge(spec())], conduct(None), Ledger().append, library_versions={})
    ) == ()  # fmt: skip


def test_a_canary_cut_off_half_way_is_still_on_record():
    ledger = Ledger()

    async def cut_off():
        asking = asyncio.Event()

        async def ask(_request, _seconds):
            asking.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(
            ask_canaries(
                [RubricJudge(spec(canary=RUDE))], conduct(ask), ledger.append, library_versions={}
            )
        )
        await asking.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cut_off())
    assert ledger.attempts["outcome"].to_list() == ["cancelled"]


def test_what_the_judge_is_shown_decides_the_digest_of_its_canary():
    one, other = (
        canary_item(spec(canary={"answer": answer, "expects": [False]})) for answer in "ab"
    )
    assert (one.call_id, one.digest == other.digest) == ("canary", False)
    assert rubric(canary=RUDE).canary.given == {"answer"}


@pytest.mark.parametrize(
    ("scale", "expects", "score", "held"),
    [
        ("binary", False, 0.3, True),
        ("binary", False, 0.6, False),
        ("binary", True, 0.6, True),
    ],
)
def test_a_weighed_score_counts_as_the_verdict_it_is_nearest_to(scale, expects, score, held):
    tried_by = rubric(scale=scale, canary={"answer": "a", "expects": [expects]})
    row = {"outcome": "scored", "score": score, "evidence": None}
    assert came_back(row, tried_by, weighed=True) is held
    assert not came_back(row, tried_by)

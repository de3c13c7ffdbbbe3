"""An item whose verdict is known: asked first, paid for, recorded, and counted nowhere."""

import asyncio
import json
from datetime import timedelta
from typing import get_args

import pytest

from llmops_pipelines.judging import (
    Circuit,
    Conduct,
    JudgeSpec,
    Purse,
    RubricJudge,
    ask_canaries,
    known_items,
    missed_canaries,
    rubric_spec,
)
from llmops_pipelines.judging.execution.metric_canaries import METRIC_CANARIES
from llmops_pipelines.judging.judges.rubrics import VisibleField
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

FIELDS = get_args(VisibleField)
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
        ask=ask, purse=Purse(), price=no_price, limits=QUICK, circuit=Circuit(9, 99, 99),
        now=lambda: next(clock), seed=7, run_id="run-1",
    )  # fmt: skip


def all_tried(judge_spec, *replies):
    """The canaries of ``judge_spec`` before a judge that gives these replies, and the ledger."""
    ledger, left = Ledger(), iter(replies)

    async def ask(_request, _seconds):
        return next(left)

    results = asyncio.run(
        ask_canaries([RubricJudge(judge_spec)], conduct(ask), ledger.append, library_versions={})
    )
    return results, ledger


def tried(judge_spec, *replies):
    """The same of a judge with one canary."""
    (result,), ledger = all_tried(judge_spec, *replies)
    return result, ledger


@pytest.mark.parametrize(
    ("changes", "reply", "state"),
    [
        ({"canaries": [RUDE]}, False, "held"),
        ({"canaries": [RUDE]}, True, "missed"),
        ({"canaries": [RUDE]}, None, "missed"),
        ({"canaries": [{**RUDE, "expects": [None]}]}, None, "held"),
        ({"canaries": [{**RUDE, "expects": [None]}]}, False, "missed"),
        ({**KINDS, "canaries": [{**RUDE, "expects": ["rude"]}]}, "rude", "held"),
        ({**KINDS, "canaries": [{**RUDE, "expects": ["rude", "kind"]}]}, "kind", "held"),
        ({**KINDS, "canaries": [{**RUDE, "expects": ["rude"]}]}, "dull", "missed"),
    ],
)
def test_the_known_verdict_comes_back_or_the_canary_is_missed(changes, reply, state):
    result, ledger = tried(spec(**changes), ok(reply))
    assert (result.metric, result.state, result.calls) == ("politeness", state, 1)
    assert ledger.verdicts.is_empty()
    assert ledger.attempts["outcome"].to_list() == ["ok" if state == "held" else "canary_missed"]
    assert missed_canaries(ledger.attempts).height == (state == "missed")


def test_a_judge_that_declines_or_cannot_be_read_has_missed_it():
    result, _ = tried(spec(canaries=[RUDE]), ok(outcome="refused", text=None, detail="no"))
    assert (result.state, "the judge declined" in result.detail) == ("missed", True)


def test_an_endpoint_that_does_not_answer_says_nothing_of_the_judge():
    result, ledger = tried(spec(canaries=[RUDE]), *[failure("http_500")] * QUICK.attempts)
    assert result.state == "unanswered"
    assert set(ledger.attempts["outcome"]) == {"http_500"}
    assert missed_canaries(ledger.attempts).is_empty()


@pytest.mark.parametrize(
    ("says", "states"),
    [(True, ["missed", "held"]), (False, ["held", "missed"])],
    ids=["yes to everything", "no to everything"],
)
def test_a_judge_that_says_the_same_of_everything_misses_one_of_two(says, states):
    kind = {"answer": "Gladly, here it is.", "expects": [True]}
    results, ledger = all_tried(spec(canaries=[RUDE, kind]), ok(says), ok(says))
    assert [result.state for result in results] == states
    assert [result.expects for result in results] == ["false", "true"]
    outcomes = dict(ledger.attempts.select("item_digest", "outcome").iter_rows())
    assert sorted(outcomes.values()) == ["canary_missed", "ok"]
    assert missed_canaries(ledger.attempts)["times"].to_list() == [1]


@pytest.mark.parametrize("metric", METRIC_CANARIES)
def test_every_metric_that_others_write_has_a_good_and_a_bad_one(metric):
    kind = "deepeval" if metric.startswith("deepeval") else "ragas"
    guest = JudgeSpec(metric=metric, kind=kind, model="j", sees=FIELDS, requires=())
    bad, good = known_items(guest)
    for score, missed in ((0.0, good), (1.0, bad)):
        row = {"outcome": "scored", "score": score, "evidence": None}
        assert [known.came_back(row) for known in (bad, good)] == [
            missed is not bad, missed is not good
        ]  # fmt: skip
    silent = {"outcome": "not_applicable", "score": None, "evidence": None}
    assert not bad.came_back(silent)
    assert bad.item.digest != good.item.digest


def test_a_pair_is_tried_in_both_orders():
    rubrics = default_rubrics().rubrics
    only_bad = {"canaries": rubrics["preference"].canaries[:1]}
    preference = rubric_spec(
        "preference", rubrics["preference"].model_copy(update=only_bad), model="j"
    )
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
    assert known_items(spec()) == ()
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
                [RubricJudge(spec(canaries=[RUDE]))],
                conduct(ask),
                ledger.append,
                library_versions={},
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
        known_items(spec(canaries=[{"answer": answer, "expects": [False]}]))[0].item
        for answer in "ab"
    )
    assert (one.call_id, one.digest == other.digest) == ("canary", False)
    assert rubric(canaries=[RUDE]).canaries[0].given == {"answer"}


@pytest.mark.parametrize(
    ("expects", "score", "held"), [(False, 0.3, True), (False, 0.6, False), (True, 0.6, True)]
)
def test_a_weighed_score_counts_as_the_verdict_it_is_nearest_to(expects, score, held):
    tried_by = rubric(canaries=[{"answer": "a", "expects": [expects]}])
    row = {"outcome": "scored", "score": score, "evidence": None}
    weighed, plain = (
        known_items(rubric_spec("politeness", tried_by, model="j", logprobs=logprobs))[0]
        for logprobs in (True, False)
    )
    assert weighed.came_back(row) is held
    assert not plain.came_back(row)

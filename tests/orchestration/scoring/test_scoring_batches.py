"""A file of samples in batches, against the Batch API on loopback and a real lake."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmops_pipelines.adapters.endpoints import openai_batches, patience
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.scoring import SampleFile
from llmops_pipelines.adapters.spool import Row
from llmops_pipelines.judging import Caps, Limits, Pace, rubric_spec
from llmops_pipelines.orchestration.judging.batches import all_batches
from llmops_pipelines.orchestration.judging.endpoints import Seat
from llmops_pipelines.orchestration.judging.purses import price_of
from llmops_pipelines.orchestration.scoring import scoring_batches
from llmops_pipelines.orchestration.scoring.scoring import (
    Chosen,
    Scoring,
    Telling,
    Terms,
    score_file,
)
from llmops_pipelines.orchestration.scoring.scoring_batches import NoBatchesError
from llmops_pipelines.orchestration.scoring.scoring_juries import hear_jury
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER, JUDGE_SPECS
from tests.batch_stub import (
    MALFORMED,
    BatchStub,
    Fault,
    MessageBatchStub,
    Misfortune,
    PromptStub,
)
from tests.judge_stub import JudgeStub
from tests.judging.worlds import default_rubrics
from tests.orchestration.batch_worlds import MODEL, MORNING, price_book

RUBRICS = default_rubrics()
SAMPLES = 6
CANARIES = len(RUBRICS.rubrics["groundedness"].canaries)
HALF = CANARIES + SAMPLES // 2


@dataclass
class Desk:
    """A lake, an endpoint, and a file of samples."""

    root: Path
    stub: BatchStub
    now: Any = MORNING
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lake = Lake(open_store(str(self.root / "lake")))
        self.file(*range(SAMPLES))

    def file(self, *numbers: int, **changes: Any) -> None:
        lines = [
            {
                "id": f"s-{n}",
                "user_input": "How long do refunds take?",
                "retrieved_contexts": ["Refunds take five days."],
                "response": f"Refund {n} takes five days.",
                **changes,
            }
            for n in numbers
        ]
        (self.root / "samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))

    def seat(self, model: str = MODEL) -> Seat:
        endpoint = Endpoint(self.stub.base_url, model, "sk-secret", "judge")
        return Seat(endpoint, False, Limits(concurrency=2), Pace(2))

    def chosen(self, rubric: str = "groundedness", model: str = MODEL) -> Chosen:
        return Chosen(rubric_spec(rubric, RUBRICS.rubrics[rubric], model=model))

    def bench(self, *models: str) -> list[tuple[Chosen, Seat]]:
        return [(self.chosen(model=model), self.seat(model)) for model in models]

    def score_all(self, bench: list[tuple[Chosen, Seat]], **changes: Any) -> list[Scoring]:
        terms = Terms(
            features=Features(),
            price=lambda service: price_of(price_book(), self.now, service),
            caps=Caps(),
            desk=None,
            now=lambda: self.now,
            preflight_days=0,
            canaries=True,
            batch=True,
            endpoints={self.stub.base_url: self.seat().endpoint},
        )
        telling = Telling(lambda *_: None, lambda *_: None, lambda _: None, self._waiting)
        file = SampleFile(self.root / "samples.jsonl")
        return score_file(file, bench, self.lake, replace(terms, **changes), telling)

    def score(self, **changes: Any) -> Scoring:
        [self.scoring] = self.score_all(self.bench(MODEL), **changes)
        return self.scoring

    def _waiting(self, standing: list[Any]) -> None:
        self.said += [f"{one.state}: {one.told}" for one in standing]

    @property
    def outcomes(self) -> dict[str, int]:
        return self.scoring.spool.outcomes()

    @property
    def rows(self) -> list[Row]:
        return list(self.scoring.spool.rows())

    @property
    def asked(self) -> Counter[str]:
        """How often each request was submitted."""
        lines = [line for batch in self.stub.batches.values() for line in batch.lines]
        return Counter(line["custom_id"] for line in lines)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(scoring_batches, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(scoring_batches, "LONGEST_PAUSE_S", 0.01)
    with PromptStub() as stub:
        yield Desk(tmp_path, stub)


def test_a_batch_gives_the_rows_that_asking_at_once_would_at_half_the_price(desk, tmp_path):
    desk.stub.judge.truth = {"Refund 3 takes five days.": False}
    batched = desk.score()
    rows = desk.rows
    (tmp_path / "other").mkdir()
    other = Desk(tmp_path / "other", desk.stub)
    at_once = other.score(batch=False)
    assert [row._replace(cost=None) for row in rows] == [r._replace(cost=None) for r in other.rows]
    assert (batched.calls, at_once.calls, desk.stub.requests) == (
        SAMPLES, SAMPLES, SAMPLES + CANARIES
    )  # fmt: skip
    assert batched.cost * 2 == at_once.cost > 0
    assert [canary.state for canary in batched.canaries] == ["held"] * CANARIES
    assert "in batches), at most $" in str(batched.quote)
    again = desk.score()
    assert (again.calls, again.cost, again.calls_saved) == (0, 0, SAMPLES)
    assert len(desk.stub.batches) == 1


class PromptMessages(PromptStub, MessageBatchStub):
    """The same of Anthropic's."""


def test_a_seat_that_says_so_is_asked_by_message_batches(tmp_path):
    with PromptMessages() as stub:
        desk = Desk(tmp_path, stub)
        seat = desk.seat()._replace(batch="anthropic")
        [desk.scoring] = desk.score_all([(desk.chosen(), seat)])
    assert desk.outcomes == {"scored": SAMPLES}
    assert [canary.state for canary in desk.scoring.canaries] == ["held"] * CANARIES


def test_nothing_but_the_samples_is_submitted_where_no_canary_is_wanted(desk):
    assert desk.score(canaries=False).canaries == ()
    assert desk.stub.requests == SAMPLES


def test_a_sample_that_says_what_the_canary_says_or_is_called_so_is_judged(desk):
    canary = RUBRICS.rubrics["groundedness"].canaries[0]
    desk.file(1, 2, id="canary")
    with (desk.root / "samples.jsonl").open("a") as file:
        told = {"user_input": canary.question, "response": canary.answer,
                "retrieved_contexts": list(canary.contexts)}  # fmt: skip
        file.write(json.dumps(told) + "\n")
    desk.score()
    assert desk.outcomes == {"scored": 3}
    assert set(desk.asked.values()) == {1}


def test_a_canary_of_many_batches_is_no_try_of_a_sample_that_says_the_same(desk):
    for day in range(3):
        desk.file(day)
        desk.score()
        desk.now += timedelta(days=1)
    canary = RUBRICS.rubrics["groundedness"].canaries[0]
    said = {"user_input": canary.question, "retrieved_contexts": list(canary.contexts)}
    desk.file(0, **said, response=canary.answer)
    desk.score()
    assert desk.outcomes == {"scored": 1}


def test_what_a_batch_answers_about_another_file_is_no_call_of_this_one(desk):
    desk.stub.fates = [None]
    _stop_waiting(desk)
    desk.file(0)
    desk.score()
    assert (desk.outcomes, desk.scoring.calls) == ({"scored": 1}, 1)
    own = desk.lake.read(JUDGE_CALLS).filter(step="verdict")["cost"]
    assert desk.scoring.cost < sum(own)


def test_a_file_that_is_more_than_a_batch_may_hold_makes_several(desk, monkeypatch):
    monkeypatch.setattr(openai_batches, "MOST", openai_batches.Size(CANARIES + 2, 10**6))
    desk.score()
    assert [len(batch.lines) for batch in desk.stub.batches.values()] == [CANARIES + 2] * 3
    assert desk.outcomes == {"scored": SAMPLES}
    assert len(desk.scoring.canaries) == 3 * CANARIES


@pytest.mark.parametrize(
    ("fate", "outcomes", "reason", "calls"),
    [
        ({"state": "expired", "done": HALF}, {"failed": 3, "scored": 3},
         "batch_expired: This request", 6),
        ({"state": "cancelled", "done": HALF}, {"failed": 3, "scored": 3}, "ended as cancelled", 3),
        ({"state": "failed", "done": 0}, {"failed": 6}, "ended as failed", 0),
        ({"fault": lambda n: Fault(status=500) if n > 2 + CANARIES else None},
         {"failed": 3, "scored": 3}, "http_500: injected", 6),
        ({"fault": lambda n: MALFORMED if n > 2 + CANARIES else None},
         {"failed": 3, "scored": 3}, "unreadable", 6),
    ],
)  # fmt: skip
def test_what_a_batch_left_undone_is_told_and_asked_by_the_next_run(
    desk, fate, outcomes, reason, calls
):
    desk.stub.fates = [fate]
    assert desk.score().calls == calls
    assert desk.outcomes == outcomes
    told = next(row.reason for row in desk.rows if row.outcome == "failed")
    assert reason in told
    assert told.count("batch_expired") <= 1
    verdicts = desk.lake.read(JUDGE_LEDGER).height
    desk.now += timedelta(days=1)
    desk.score()
    assert desk.outcomes == {"scored": SAMPLES}
    assert len(desk.stub.batches) == 2
    assert len(desk.stub.batches["batch_2"].lines) == SAMPLES - verdicts + CANARIES
    assert desk.lake.read(JUDGE_LEDGER).height == SAMPLES


def test_three_batches_over_some_days_are_enough_for_an_item(desk):
    for _ in range(4):
        desk.stub.fates = [{"state": "cancelled", "done": 0}]
        desk.score()
        desk.now += timedelta(days=1)
    assert len(desk.stub.batches) == 3
    assert "`llmops score` without --batch" in desk.rows[0].reason
    assert desk.score(batch=False).calls == SAMPLES
    assert desk.outcomes == {"scored": SAMPLES}


@pytest.mark.parametrize("later", [timedelta(minutes=5), timedelta(days=1)])
def test_a_run_that_stops_waiting_leaves_a_batch_that_the_next_one_collects(
    desk, monkeypatch, later
):
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    desk.stub.fates = [None]
    with monkeypatch.context() as patched:
        patched.setattr(scoring_batches.time, "sleep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            desk.score()
    desk.now += later
    desk.file(*range(SAMPLES + 2))
    desk.score()
    assert desk.outcomes == {"scored": SAMPLES + 2}
    assert [len(batch.lines) for batch in desk.stub.batches.values()] == [
        SAMPLES + CANARIES, 2 + CANARIES
    ]  # fmt: skip
    assert desk.scoring.calls == SAMPLES + 2
    assert desk.lake.read(JUDGE_CALLS)["attempt_id"].n_unique() == SAMPLES + 2 + 2 * CANARIES


def test_what_waits_in_a_batch_is_not_asked_at_once(desk):
    desk.stub.fates = [None, None]
    batches = _stop_waiting(desk)
    desk.score(batch=False)
    assert desk.outcomes == {"pending": SAMPLES}
    assert f"waits in batch {batches[0]['batch']}" in desk.rows[0].reason
    assert desk.stub.judge.calls == 0
    desk.score(batch=False)
    assert desk.outcomes == {"pending": SAMPLES}
    desk.score(batch=False)
    assert (desk.outcomes, desk.stub.judge.calls) == ({"scored": SAMPLES}, 0)


def _stop_waiting(desk: Desk) -> list[dict[str, Any]]:
    """Submit and be killed before the first look; the batches."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scoring_batches.FileBatches, "look", lambda _: None)
        patched.setattr("llmops_pipelines.orchestration.scoring.scoring.wait_for", lambda *_: None)
        desk.score()
    return all_batches(desk.lake).to_dicts()


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("upload", Misfortune(status=500)),
        ("create", Misfortune(drop_after=True)),
        ("create", Misfortune(status=429)),
        ("retrieve", Misfortune(drop_before=True)),
        ("content", Misfortune(status=500)),
    ],
)
def test_what_goes_wrong_on_the_way_loses_nothing_and_submits_nothing_twice(desk, what, wrong):
    desk.stub.goes_wrong(what, wrong)
    desk.score()
    assert desk.outcomes == {"scored": SAMPLES}
    assert len(desk.stub.batches) == 1


def test_results_that_stay_short_are_kept_and_the_rest_waits_for_the_next_run(desk):
    desk.stub.fates = [{"edit": lambda lines: lines[:3]}]
    desk.score(canaries=False)
    assert desk.outcomes == {"pending": 3, "scored": 3}
    assert "3 of 6 results could be read" in desk.rows[-1].reason
    desk.stub.files["file-output-batch_1"] += b"".join(
        line.encode() for line in _whole(desk.stub)[3:]
    )
    desk.score()
    assert (desk.outcomes, len(desk.stub.batches)) == ({"scored": SAMPLES}, 1)


def _whole(stub: BatchStub) -> list[str]:
    """All result lines of the one batch, as they would have been."""
    again = BatchStub(judge=stub.judge)
    again.batches = {"x": replace(stub.only, output=[], errors=[], document={})}
    again.files = {}
    return again.finish().output


def test_a_batch_that_is_out_of_sight_is_left_after_a_while(desk, monkeypatch):
    monkeypatch.setattr(scoring_batches, "PATIENCE_S", 0.0)
    desk.stub.goes_wrong("retrieve", *[Misfortune(status=404)] * 50)
    desk.score()
    assert desk.outcomes == {"pending": SAMPLES}
    assert "cannot be looked at: http_404" in desk.rows[0].reason
    desk.stub.misfortunes.clear()
    desk.score()
    assert (desk.outcomes, len(desk.stub.batches)) == ({"scored": SAMPLES}, 1)


def test_the_cap_holds_a_file_before_it_is_submitted(desk):
    desk.score(caps=Caps(usd_per_run=Decimal("0.004")))
    assert set(desk.outcomes) == {"over_budget", "scored"}
    desk.score()
    assert desk.outcomes == {"scored": SAMPLES}
    assert set(desk.asked.values()) <= {1, 2}, "only the canary goes twice"


def test_an_endpoint_without_a_batch_api_is_told(desk):
    with JudgeStub() as judge:
        desk.stub = judge
        with pytest.raises(NoBatchesError, match=r"takes no batches .*http_404"):
            desk.score()
    assert judge.calls == 0


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        (lambda desk: desk.chosen("preference"), "asks several questions about a sample"),
        (lambda desk: Chosen(_embedded()), "is computed here and costs nothing"),
    ],
)
def test_judges_that_no_batch_settles_are_refused(desk, chosen, says):
    with pytest.raises(NoBatchesError, match=says):
        desk.score_all([(chosen(desk), desk.seat())])
    assert not desk.stub.asked


def test_scores_that_are_weighed_are_refused_where_batches_tell_no_log_probabilities(desk):
    spec = rubric_spec("groundedness", RUBRICS.rubrics["groundedness"], model=MODEL, logprobs=True)
    with pytest.raises(NoBatchesError, match="leave out --batch or --logprobs"):
        desk.score_all([(Chosen(spec), desk.seat()._replace(batch="anthropic"))])
    assert not desk.stub.asked


def _embedded() -> Any:
    from llmops_pipelines.judging import embedded_specs

    return embedded_specs(weights="none")[0]


# Juries


def test_a_jury_says_one_thing_of_a_line_and_every_seat_is_in_the_ledger(desk):
    models = ("gpt-4.1-mini", "gpt-4.1", "gpt-4.1-nano")
    scorings = desk.score_all(desk.bench(*models))
    jury = hear_jury(scorings, "majority", desk.lake)
    rows = list(jury.spool.rows())
    assert {(row.outcome, row.score, row.attempts) for row in rows} == {("scored", 1.0, 3)}
    assert rows[0].reason.startswith("gpt-4.1-mini: 1; gpt-4.1: 1; gpt-4.1-nano: 1")
    assert (jury.calls, len(desk.stub.batches)) == (3 * SAMPLES, 3)
    assert jury.cost == sum(scoring.cost for scoring in scorings) > 0
    ledger = desk.lake.read(JUDGE_LEDGER)
    seats = {scoring.chosen.spec.spec_id for scoring in scorings}
    assert ledger.height == 3 * SAMPLES
    assert set(ledger["spec_id"]) == seats
    specs = desk.lake.read(JUDGE_SPECS)
    assert set(specs.filter(kind="jury")["spec_id"]) == {jury.chosen.spec.spec_id}
    again = hear_jury(desk.score_all(desk.bench(*models)), "majority", desk.lake)
    assert (again.calls, again.calls_saved) == (0, 3 * SAMPLES)


def test_a_seat_without_a_price_takes_nothing_from_what_the_others_are_known_to_cost(desk):
    priced, unpriced = scorings = desk.score_all(desk.bench("gpt-4.1-mini", "in-no-price-book"))
    jury = hear_jury(scorings, "majority", desk.lake)
    assert jury.cost == priced.cost > 0
    assert unpriced.cost is None
    assert (priced.uncosted, jury.uncosted) == (0, SAMPLES)
    assert {row.cost for row in jury.spool.rows()} == {row.cost for row in priced.spool.rows()}


def test_a_jury_without_a_majority_has_no_verdict_and_says_who_said_what(desk):
    scorings = desk.score_all(desk.bench("gpt-4.1-mini", "gpt-4.1"))
    scorings[1].spool.close()
    desk.stub.judge.default = False
    desk.stub.fates = []
    desk.lake = Lake(open_store(str(desk.root / "other")))
    scorings[1] = desk.score_all(desk.bench("gpt-4.1"))[0]
    jury = hear_jury(scorings, "majority", desk.lake)
    assert jury.spool.outcomes() == {"undecided": SAMPLES}
    told = next(jury.spool.rows()).reason
    assert told == "gpt-4.1-mini: 1; gpt-4.1: 0; mean disagreement 1.00"


def test_a_jury_that_has_no_money_left_says_so(desk):
    caps = Caps(usd_per_run=Decimal("0.000001"))
    scorings = desk.score_all(desk.bench("gpt-4.1-mini", "gpt-4.1"), caps=caps)
    jury = hear_jury(scorings, "mean", desk.lake)
    assert jury.spool.outcomes() == {"over_budget": SAMPLES}
    assert next(jury.spool.rows()).reason == "gpt-4.1-mini: over_budget; gpt-4.1: over_budget"

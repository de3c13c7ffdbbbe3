"""The sample fortnight with a judge that errs: the bad prompt is found, told and taken back, once.

The judge calls nine of ten unsupported answers so, and one of twenty supported ones too. Days come
one after the other and each night is that of the day, as in production: days 8 to 10 of the sample.
200 calls a day are enough to judge some forty support answers on a weekday. Features without
contexts are not scored, which saves their embedding and leaves the sample to the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.judging.execution.preflight import CANNED
from llmops_pipelines.tables import (
    ALERTS,
    DELIVERIES,
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_SCORES,
    JUDGE_SPECS,
    QUALITY,
    RAGAS_SCORES,
    ROLLBACKS,
    RULE_EVALUATIONS,
)
from tests.fortnight.worlds import Inbox, World, Written, write_fortnight
from tests.judge_stub import JudgeStub
from tests.loopback import closed_port
from tests.sample_company.sample import answer_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SUPPORT = "support_assistant"
MODEL = "stub-judge-2026-01-01"
JUDGED = {"groundedness", "faithfulness", "answer_relevancy"}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    return write_fortnight(
        tmp_path_factory.mktemp("judged"), end=date(2026, 11, 18), days=10, calls_per_day=200
    )


@pytest.fixture(scope="module")
def stub(written) -> Iterator[JudgeStub]:
    grounded = written.truth["grounded"]
    truth = {
        answer_of(call): grounded[call["id"]] for call in written.sample.answers(feature=SUPPORT)
    }
    with JudgeStub(truth=truth, sensitivity=0.9, specificity=0.95, model=MODEL) as stub:
        yield stub


def judged_world(written: Written, stub: JudgeStub, root, **settings: Any) -> World:
    """A world of its own over the same logs, with the support assistant's judging switched on."""
    root.mkdir()
    (root / "sent").symlink_to(written.world.sent)
    world = World(
        root,
        {
            "sample_per_day": 50,
            "judge_base_url": stub.base_url,
            "judge_api_key": "sk-stub",
            "judge_model": MODEL,
            **settings,
        },
    )
    switch(world, "judge")
    return world


def switch(world: World, judging: str) -> None:
    """Who judges the support assistant; features without contexts are judged by nobody."""

    def edit(document: dict[str, Any]) -> None:
        for name, feature in document["features"].items():
            feature["judging"] = {SUPPORT: judging, "call_summary": "local"}.get(name, "none")

    world.edit("features.yaml", edit)


def label(world: World) -> tuple[str, int]:
    """The active version of the support prompt, and how often the label has moved."""
    prompt = world.reference("prompts/support_answer.yaml")
    return prompt["active"], len(prompt["history"])


# Night after night, with rollback on and a webhook.


@dataclass
class Live:
    """What was seen after each of the nights, in their order."""

    world: World
    dry: World
    late: World
    inbox: Inbox
    dry_inbox: Inbox
    nights: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, tuple[str, int]] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)

    def seen(self, name: str, night: dict[str, Any], stub: JudgeStub) -> None:
        self.nights[name] = night
        self.labels[name] = label(self.world)
        self.paid[name] = stub.calls
        self.told[name] = self.inbox.told("hallucination_rate")


@pytest.fixture(scope="module")
def live(written, stub, tmp_path_factory) -> Iterator[Live]:
    root = tmp_path_factory.mktemp("live")
    with Inbox() as inbox, Inbox() as dry_inbox:
        world = judged_world(written, stub, root / "on", webhook_url=inbox.url, rollback=True)
        live = Live(world, world, world, inbox, dry_inbox)

        def pass_day(number: int, *, since: int) -> None:
            """Lines that are sent again a day later would make each night go over two days."""
            world.arrive(str(written.day(number)))
            night = world.night(written.morning(number), since=written.day(since))
            live.seen(f"{number}", night, stub)

        pass_day(8, since=8)
        live.dry = world.branch(root / "dry", webhook_url=dry_inbox.url, rollback=False)
        live.late = world.branch(root / "late")
        pass_day(9, since=9)
        live.seen("9 again", world.night(written.morning(9), since=written.day(9)), stub)
        pass_day(10, since=9)
        live.dry.arrive(str(written.day(9)))
        for name in ("dry", "dry again"):
            live.nights[name] = live.dry.night(written.morning(9), since=written.day(9))
        yield live


def test_every_night_succeeds(live):
    for night in live.nights.values():
        assert (night["code"], night["failures"]) == (0, [])


def test_hallucination_goes_critical_first_on_day_9_and_for_support_alone(live, written):
    critical = live.world.read(RULE_EVALUATIONS).filter(
        rule="hallucination_rate", status="critical"
    )
    assert sorted(critical.select("scope", "day").rows()) == [
        (SUPPORT, written.day(9)),
        (SUPPORT, written.day(10)),
    ]
    opened = live.world.read(ALERTS).filter(rule="hallucination_rate", to_state="critical")
    assert opened.select("scope", "day").rows() == [(SUPPORT, written.day(9))]


def test_the_judged_rate_is_what_a_judge_with_these_errors_finds(live, written):
    for number, share in ((8, 0.02), (9, 0.30)):
        expected = share * 0.9 + (1 - share) * 0.05
        evaluated = live.world.read(RULE_EVALUATIONS, written.day(number))
        (row,) = evaluated.filter(rule="hallucination_rate", scope=SUPPORT).to_dicts()
        assert row["low"] < expected < row["high"]
        assert row["n"] >= 30


def test_the_webhook_is_told_of_it_exactly_once_under_a_stable_key(live, written):
    opened = live.world.read(ALERTS).filter(rule="hallucination_rate", to_state="critical")
    (key,) = opened["alert_key"]
    assert key.startswith(f"hallucination_rate:{SUPPORT}:{written.day(9)}:")
    assert key.endswith(":critical")
    assert key not in live.told["8"]
    for name in ("9", "9 again", "10"):
        assert live.told[name].count(key) == 1


def test_every_message_is_on_record_and_was_sent_once(live):
    sent, recorded = live.inbox.told(), live.world.read(DELIVERIES)
    assert len(sent) == len(set(sent))
    assert sorted(recorded["alert_key"]) == sorted(sent)
    assert set(recorded["outcome"]) == {"delivered"}


def test_the_message_says_what_slack_shows_and_what_programs_read(live, written):
    opened = {m["rule"]: m for m in live.inbox.received if m["to"] == "critical"}
    message = opened["hallucination_rate"]
    assert message["scope"] == SUPPORT
    assert message["day"] == str(written.day(9))
    assert message["text"].startswith("CRITICAL: ")
    assert message["blocks"][0]["text"]["type"] == "mrkdwn"


def test_the_bad_version_is_rolled_back_exactly_once(live):
    before = live.labels["8"]
    assert before[0] == "4"
    for name in ("9", "9 again", "10"):
        assert live.labels[name] == ("3", before[1] + 1)


def test_the_move_is_written_down_with_its_evidence(live, written):
    (moved,) = live.world.read(ROLLBACKS, written.day(9)).to_dicts()
    assert moved["outcome"] == "rolled_back"
    assert (moved["from_version"], moved["to_version"]) == ("4", "3")
    assert 0 < moved["low"] < moved["difference"] < moved["high"]
    entry = live.world.reference("prompts/support_answer.yaml")["history"][-1]
    assert (entry["from"], entry["to"]) == ("4", "3")
    assert moved["reason"] in " ".join(entry["why"].split())


def test_a_second_rollback_is_refused_on_the_day_after(live, written):
    (refused,) = live.world.read(ROLLBACKS, written.day(10)).to_dicts()
    assert refused["outcome"] == "refused"
    assert "already rolled back" in refused["reason"]


def test_a_dry_run_says_so_and_leaves_the_label(live, written):
    (decided,) = live.dry.read(ROLLBACKS, written.day(9)).to_dicts()
    assert (decided["outcome"], decided["to_version"]) == ("dry_run", "3")
    assert label(live.dry) == live.labels["8"]


def test_a_dry_run_tells_people_all_the_same(live):
    (key,) = [k for k in live.dry_inbox.told("hallucination_rate") if k.endswith(":critical")]
    assert live.told["9"].count(key) == 1


def test_no_verdict_is_paid_for_twice(live):
    assert 0 < live.paid["8"] < live.paid["9"] < live.paid["10"]
    assert live.paid["9 again"] == live.paid["9"]
    ledger = live.world.read(JUDGE_LEDGER)
    assert not ledger.select(JUDGE_LEDGER.key).is_duplicated().any()


def test_a_day_that_is_computed_again_costs_nothing_again(live, written):
    assert str(written.day(9)) in live.nights["10"]["computed"]
    calls = live.world.read(JUDGE_CALLS)
    assert calls["attempt_id"].is_unique().all()
    assert calls.filter(day=written.day(10)).height == live.paid["10"] - live.paid["9"]


def test_a_judge_is_sent_answers_of_the_judged_feature_alone(live, written):
    asked = set(live.world.read(JUDGE_LEDGER)["call_id"])
    support = {call["id"] for call in written.sample.calls(feature=SUPPORT)}
    assert asked <= support


def test_rubric_and_ragas_metrics_are_there_for_the_judged_feature_and_name_their_spec(live):
    quality = live.world.read(QUALITY).filter(pl.col("metric").is_in(JUDGED))
    assert set(quality["feature"]) == {SUPPORT}
    assert set(quality["metric"]) == JUDGED
    specs = dict(live.world.read(JUDGE_SPECS).select("spec_id", "metric").rows())
    for metric, spec, judge in quality.select("metric", "judge_spec", "judge").rows():
        assert specs[spec] == metric
        assert MODEL in judge
    measured = quality.filter(prompt_version="*")
    assert Counter(measured["metric"]) == dict.fromkeys(JUDGED, 3)
    assert measured["estimate"].is_between(0, 1).all()
    assert (measured["low"] <= measured["high"]).all()


def test_faithfulness_falls_with_the_prompt_version_too(live):
    faithfulness = live.world.read(QUALITY).filter(metric="faithfulness")
    bad, good = (faithfulness.filter(prompt_version=version)["estimate"] for version in "43")
    assert bad.mean() < good.mean() - 0.1


def test_the_report_names_the_judge_spec_and_the_alert(live, written):
    page = live.world.report(written.day(9))
    rates = live.world.read(QUALITY, written.day(9)).filter(metric="groundedness")
    for spec in rates["judge_spec"].unique():
        assert spec in page
    assert MODEL in page
    assert "hallucination_rate" in page


def test_json_names_the_judge_spec(live, written):
    named = {
        row["metric"]: row["judge_spec"]
        for row in live.nights["9"]["quality"]
        if row["feature"] == SUPPORT and row["day"] == str(written.day(9))
    }
    assert named.keys() >= JUDGED
    assert len(set(named.values())) == len(named)


def test_an_alert_that_was_told_counts_as_acted_on(live, written):
    acted = {
        (row["rule"], row["to"]): row["acted"]
        for row in live.nights["9"]["alerts"]
        if row["day"] == str(written.day(9)) and row["scope"] == SUPPORT
    }
    assert acted["hallucination_rate", "critical"] is True


# Ten days too late.


@dataclass
class Backfill:
    world: World
    inbox: Inbox
    night: dict[str, Any]


@pytest.fixture(scope="module")
def backfill(live, written) -> Iterator[Backfill]:
    """Day 9 as in the live world, but for the clock: it is ten days later."""
    with Inbox() as inbox:
        world = World(live.late.root, {**live.late.settings, "webhook_url": inbox.url})
        world.arrive(str(written.day(9)))
        late = written.morning(9, later=10)
        night = world.night(late, since=written.day(9), judge_within_days=30)
        yield Backfill(world, inbox, night)


def test_a_backfilled_day_alerts_without_telling_anybody(backfill, written):
    alerts = backfill.world.read(ALERTS, written.day(9))
    opened = alerts.filter(rule="hallucination_rate", scope=SUPPORT, to_state="critical")
    assert opened.height == 1
    assert alerts["backfilled"].all()
    assert not alerts["to_roll_back"].any()
    assert backfill.inbox.received == []


def test_a_backfilled_day_never_rolls_back(backfill, live):
    assert label(backfill.world) == live.labels["8"]
    assert backfill.world.read(ROLLBACKS).is_empty()
    assert (backfill.night["code"], backfill.night["failures"]) == (0, [])


# A judge that is dead, then a purse that is small, then enough of both.


@dataclass
class Hard:
    """What the tables of one day held after each of several nights."""

    world: World
    day: date
    nights: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, pl.DataFrame] = field(default_factory=dict)
    quality: dict[str, pl.DataFrame] = field(default_factory=dict)
    evaluated: dict[str, pl.DataFrame] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)

    def seen(self, name: str, night: dict[str, Any], asked: int) -> None:
        of_judge = pl.col("metric").is_in(JUDGED)
        verdicts = pl.concat([self.world.read(JUDGE_SCORES), self.world.read(RAGAS_SCORES)])
        self.nights[name], self.asked[name] = night, asked
        self.verdicts[name] = verdicts.filter(of_judge)
        self.quality[name] = self.world.read(QUALITY).filter(of_judge, prompt_version="*")
        self.evaluated[name] = self.world.read(RULE_EVALUATIONS)
        self.pages[name] = self.world.report(self.day)

    def outcomes(self, name: str) -> Counter[str]:
        return Counter(self.verdicts[name]["outcome"])


CAP = 25


@pytest.fixture(scope="module")
def hard(written, stub, tmp_path_factory) -> Hard:
    hard = Hard(judged_world(written, stub, tmp_path_factory.mktemp("hard") / "w"), written.day(8))
    hard.world.arrive(str(hard.day))
    for name, settings in {
        "dead": {"judge_base_url": f"http://127.0.0.1:{closed_port()}/v1"},
        "poor": {"judge_max_calls_per_run": CAP},
        "rich": {},
        "done": {},
    }.items():
        before = stub.calls
        night = hard.world.night(written.morning(8), since=hard.day, **settings)
        hard.seen(name, night, stub.calls - before)
    return hard


def test_hard_nights_succeed_and_report(hard):
    for night in hard.nights.values():
        assert (night["code"], night["failures"]) == (0, [])
    assert all("groundedness" in page for page in hard.pages.values())


def test_a_dead_judge_leaves_failures_with_a_reason(hard):
    assert set(hard.outcomes("dead")) == {"failed"}
    assert set(hard.verdicts["dead"]["metric"]) == JUDGED
    assert hard.verdicts["dead"]["score"].null_count() == hard.verdicts["dead"].height
    reasons = hard.verdicts["dead"]["reason"].unique().to_list()
    assert any("check JUDGE_BASE_URL: nothing answers there" in reason for reason in reasons)


def test_a_dead_judge_is_no_all_clear(hard):
    rates = hard.quality["dead"]
    assert set(rates["metric"]) == JUDGED
    assert rates["estimate"].null_count() == rates.height
    assert (rates["unscored"] >= 30).all()
    rule = hard.evaluated["dead"].filter(rule="hallucination_rate", scope=SUPPORT)
    assert rule["status"].to_list() == ["no_data"]


def test_a_small_purse_is_kept_and_what_it_left_out_is_counted(hard):
    assert 0 < hard.asked["poor"] <= CAP + len(CANNED)
    outcomes = hard.outcomes("poor")
    assert set(outcomes) == {"scored", "over_budget"}
    assert hard.quality["poor"]["unscored"].sum() == outcomes["over_budget"]
    assert len({verdicts.height for verdicts in hard.verdicts.values()}) == 1


def test_each_run_goes_on_where_the_last_one_stopped(hard):
    scored = [hard.outcomes(name)["scored"] for name in ("dead", "poor", "rich")]
    assert scored == sorted(set(scored))
    assert set(hard.outcomes("rich")) == {"scored"}
    answered = hard.world.read(JUDGE_CALLS).filter(outcome="ok")
    assert answered.height == sum(hard.asked.values())


def test_once_everything_is_judged_nothing_is_computed_again(hard):
    assert hard.nights["rich"]["computed"]
    assert hard.nights["done"]["computed"] == {}
    assert hard.asked["done"] == 0


# A key is not a wish.


@pytest.fixture(scope="module")
def unasked(written, stub, tmp_path_factory) -> World:
    """Endpoint, key and model are set, and no feature asks for them."""
    world = judged_world(written, stub, tmp_path_factory.mktemp("unasked") / "w")
    switch(world, "local")
    world.arrive(str(written.day(8)))
    before = stub.calls
    night = world.night(written.morning(8), since=written.day(8))
    assert (night["code"], stub.calls) == (0, before)
    return world


def test_a_key_alone_judges_nothing(unasked):
    assert unasked.read(JUDGE_CALLS).is_empty()
    assert set(unasked.read(QUALITY)["metric"]) == {"support", "relevance"}
    evaluated = unasked.read(RULE_EVALUATIONS).filter(rule="hallucination_rate")
    assert set(evaluated["status"]) == {"no_data"}


def test_history_is_not_judged_for_money_unless_asked(unasked, written, stub):
    switch(unasked, "judge")
    day, assets, before = written.day(8), ("judge_scores", "ragas_scores"), stub.calls
    unasked.compute_again(day, written.morning(8, later=10), *assets)
    assert stub.calls == before
    unasked.compute_again(day, written.morning(8, later=10), *assets, judge_within_days=30)
    assert stub.calls > before

"""When a prompt goes back to the version before, and every reason why not."""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from llmops_pipelines.incidents import (
    EvaluatedDay,
    Evidence,
    Prompt,
    decide_rollback,
    decide_rollbacks,
)
from llmops_pipelines.tables import ROLLBACKS
from tests.incidents.factories import (
    DAY,
    NIGHT,
    TONIGHT,
    TWO_DAYS,
    decided,
    evaluated,
    evaluations,
    judged,
    quality,
    rollback_rule,
    rollbacks,
    rule,
    rules,
)


class Registered(NamedTuple):
    name: str = "support_answer"
    feature: str = "support_assistant"
    active: str = "4"
    previous: str | None = "3"


REGISTRY = (Registered(),)

WORSE = [
    *(judged("3", 1, 40, DAY - timedelta(days=back)) for back in range(1, 7)),
    judged("4", 12, 40),
]


def decide(
    verdicts=WORSE, prompts=REGISTRY, previous=(), *, dry_run=False, now=NIGHT, **changes
) -> dict:
    on = EvaluatedDay(DAY, now, TWO_DAYS)
    evidence = Evidence(quality(*verdicts), prompts, rollbacks(*previous), on, dry_run=dry_run)
    frame = decide_rollback(rollback_rule(**changes), "support_assistant", evidence)
    assert frame.schema == ROLLBACKS.schema
    return frame.row(0, named=True)


def refused(*args, **changes) -> str:
    row = decide(*args, **changes)
    assert row["outcome"] == "refused"
    return row["reason"]


def test_a_version_that_is_critical_and_worse_goes_back():
    row = decide()
    assert {key: row[key] for key in ("rule", "scope", "prompt", "from_version", "to_version")} == {
        "rule": "hallucination_rate",
        "scope": "support_assistant",
        "prompt": "support_answer",
        "from_version": "4",
        "to_version": "3",
    }
    assert row["outcome"] == "rolled_back"
    assert row["difference"] == pytest.approx(0.3 - 0.025)
    assert 0 < row["low"] < row["difference"] < row["high"]


def test_the_reason_gives_both_rates_and_the_interval_of_the_difference():
    assert decide()["reason"] == (
        "version 4 hallucinates 30 % [18.1, 45.4] of 40 answers, version 3 2.5 % [1.2, 5.3] of "
        "240 answers: a difference of 27.5 [15.2, 43] points"
    )


def test_the_registrys_prompt_file_is_what_is_asked_for():
    from llmops_pipelines.prompts import PromptFile, activate
    from llmops_pipelines.reference import parse_document

    path = Path(__file__).parents[2] / "data/reference/prompts/support_answer.yaml"
    file = parse_document(path.read_text(), PromptFile, file=path.name)
    row = decide(prompts=(file,))
    assert row["outcome"] == "rolled_back"
    moved: Prompt = activate(file, row["to_version"], row["reason"], NIGHT)
    assert (moved.active, moved.previous) == ("3", "4")


def test_dry_run_says_what_would_be_done():
    assert decide(dry_run=True)["outcome"] == "dry_run"
    assert decide(dry_run=True)["difference"] == decide()["difference"]


def test_dry_run_is_the_default():
    evidence = Evidence(quality(*WORSE), [Registered()], rollbacks(), TONIGHT)
    frame = decide_rollback(rollback_rule(), "support_assistant", evidence)
    assert frame["outcome"].to_list() == ["dry_run"]


def test_a_late_day_is_never_acted_upon():
    assert refused(now=NIGHT + timedelta(days=3)) == (
        "2026-11-09 is backfilled: it ended more than 2 days, 0:00:00 ago"
    )


def test_a_feature_without_a_prompt_file_is_refused():
    row = decide(prompts=())
    assert (row["prompt"], row["from_version"], row["to_version"]) == (None, None, None)
    assert row["reason"] == (
        "no prompt file names the feature support_assistant; add one to prompts/"
    )


def test_a_feature_with_two_prompts_is_refused_since_versions_do_not_tell_them_apart():
    reason = refused(prompts=(Registered("b"), Registered("a")))
    assert (
        reason == "support_assistant has several prompts (a, b): which one is to blame is not known"
    )


def test_the_only_version_ever_active_has_nothing_to_go_back_to():
    reason = refused(prompts=(Registered(previous=None),))
    assert reason.startswith("version 4 is the only one that ever was active")


def test_too_few_verdicts_are_not_enough():
    verdicts = [judged("3", 0, 20, DAY - timedelta(days=1)), judged("4", 12, 40)]
    assert refused(verdicts) == (
        "not enough data: version 3 has 20 judged answers in 7 days, fewer than the 30 the rule "
        "asks for"
    )


def test_a_version_nobody_judged_is_not_enough():
    assert refused([judged("4", 12, 40)]) == (
        "not enough data: no judge scored version 3 in 7 days"
    )


def test_verdicts_older_than_a_week_do_not_speak():
    verdicts = [judged("3", 1, 400, DAY - timedelta(days=7)), judged("4", 12, 40)]
    assert "no judge scored version 3" in refused(verdicts)


def test_embedded_scores_are_no_verdicts():
    embedded = [row | {"judge": "embedded lexical"} for row in WORSE]
    assert "no judge scored version 4" in refused(embedded)


def test_versions_scored_by_different_judges_are_not_compared():
    verdicts = [judged("3", 1, 240, DAY - timedelta(days=1), judge_spec="old"), WORSE[-1]]
    assert refused(verdicts) == (
        "the judge changed: spec-a scored version 4, old version 3; rescore one of them"
    )


def test_of_several_judges_one_that_scored_both_is_used():
    verdicts = [*WORSE, judged("4", 0, 4000, judge_spec="only of version 4")]
    assert decide(verdicts)["outcome"] == "rolled_back"


def test_a_version_below_the_critical_line_stays():
    verdicts = [judged("3", 0, 400, DAY - timedelta(days=1)), judged("4", 20, 300)]
    row = decide(verdicts)
    assert row["outcome"] == "refused"
    assert row["reason"].startswith(
        "not above the critical line of 8 % for certain over 7 days: version 4 hallucinates 6.7 %"
    )
    assert row["difference"] == pytest.approx(20 / 300)


def test_a_version_that_is_critical_but_no_worse_stays():
    verdicts = [judged("3", 30, 100, DAY - timedelta(days=1)), judged("4", 31, 100)]
    reason = refused(verdicts)
    assert reason.startswith("not worse than before for certain: version 4 hallucinates 31 %")


def test_days_on_which_the_active_version_was_fine_count_too():
    fine = [judged("4", 0, 100, DAY - timedelta(days=back)) for back in (1, 2, 3)]
    assert refused([*WORSE, *fine]).startswith("not above the critical line")


def test_a_registry_the_application_does_not_follow_is_refused():
    verdicts = [*WORSE, judged("5", 0, 400)]
    assert refused(verdicts) == (
        "the registry says version 4, but the logs of 2026-11-09 are of version 5: "
        "the application does not follow the registry"
    )


def test_a_small_share_of_another_version_is_no_obstacle():
    assert decide([*WORSE, judged("5-canary", 0, 5)])["outcome"] == "rolled_back"


def test_logs_that_name_no_version_are_refused():
    verdicts = [row for row in WORSE if row["day"] != DAY] + [judged("*", 12, 40)]
    assert refused(verdicts) == ("no answer of 2026-11-09 tells which prompt version it came from")


def test_another_features_verdicts_do_not_speak():
    other = [row | {"feature": "chat"} for row in WORSE]
    assert refused(other).startswith("no answer of")


def test_what_was_rolled_back_already_does_not_go_forth_again():
    back = decided("rolled_back", DAY - timedelta(days=30), from_version="4", to_version="3")
    verdicts = [judged("4", 0, 100, DAY - timedelta(days=1)), judged("3", 40, 100)]
    reason = refused(verdicts, (Registered(active="3", previous="4"),), (back,))
    assert reason == "already rolled back: version 3 replaced 4 on 2026-10-10"


@pytest.mark.parametrize(("ago", "outcome"), [(1, "refused"), (6, "refused"), (7, "rolled_back")])
def test_the_cool_down_keeps_a_second_rollback_away(ago, outcome):
    last = decided("rolled_back", DAY - timedelta(days=ago), from_version="2", to_version="1")
    row = decide(previous=(last,), cool_down_days=7)
    assert row["outcome"] == outcome
    if outcome == "refused":
        assert row["reason"] == (
            f"cool-down: the prompt was rolled back on {last['day']}, "
            "the next is possible after 7 days"
        )


def test_a_refused_decision_starts_no_cool_down():
    last = decided("refused", DAY - timedelta(days=1))
    assert decide(previous=(last,))["outcome"] == "rolled_back"


def test_a_dry_run_is_reported_once_per_cool_down():
    last = decided("dry_run", DAY - timedelta(days=1))
    assert "a rollback was reported (dry run) on 2026-11-08" in refused(
        previous=(last,), dry_run=True
    )


def test_a_dry_run_does_not_keep_the_real_thing_away():
    last = decided("dry_run", DAY - timedelta(days=1))
    assert decide(previous=(last,))["outcome"] == "rolled_back"


def test_later_decisions_do_not_bear_on_an_earlier_day():
    later = decided("rolled_back", DAY + timedelta(days=1))
    assert decide(previous=(later,))["outcome"] == "rolled_back"


def test_another_features_rollback_starts_no_cool_down():
    other = decided("rolled_back", DAY - timedelta(days=1), scope="chat")
    assert decide(previous=(other,))["outcome"] == "rolled_back"


def test_a_decision_carried_out_that_day_stands_when_the_night_is_repeated():
    done = decided("rolled_back", DAY, difference=0.275, low=0.15, high=0.43)
    repeated = decide(prompts=(Registered(active="3", previous="4"),), previous=(done,))
    assert repeated == {key: value for key, value in done.items() if key != "day"}


def decide_all(*rows, given=None, prompts=REGISTRY, verdicts=WORSE) -> pl.DataFrame:
    evidence = Evidence(quality(*verdicts), prompts, rollbacks(), TONIGHT, dry_run=False)
    return decide_rollbacks(given or rules(rollback_rule(), rule()), evaluations(*rows), evidence)


def hallucinating(status: str, scope: str = "support_assistant") -> dict:
    return evaluated(status, 0.3, rule="hallucination_rate", scope=scope)


def test_each_critical_scope_of_a_rollback_rule_gets_a_decision():
    frame = decide_all(hallucinating("critical", "chat"), hallucinating("critical"))
    assert frame.select("scope", "outcome").rows() == [
        ("chat", "refused"),
        ("support_assistant", "rolled_back"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        hallucinating("warning"),
        hallucinating("no_data"),
        hallucinating("ok"),
        evaluated("critical", 0.3, scope="support_assistant"),
        evaluated("critical", 0.3, rule="gone", scope="support_assistant"),
    ],
    ids=["warning", "no data", "ok", "a rule that notifies", "a rule that is gone"],
)
def test_nothing_else_is_decided(row):
    assert decide_all(row).equals(ROLLBACKS.empty())


def test_a_quiet_night_decides_nothing():
    assert decide_all().equals(ROLLBACKS.empty())


def test_a_prompt_of_another_feature_is_not_touched():
    frame = decide_all(hallucinating("critical"), prompts=(Registered(feature="chat"),))
    assert frame["reason"][0].startswith("no prompt file names the feature support_assistant")

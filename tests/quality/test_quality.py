from datetime import datetime

import polars as pl
import pytest

from llmops_pipelines.quality import quality
from llmops_pipelines.statistics import design_rate, mean_interval, wilson
from llmops_pipelines.tables import (
    HEURISTIC_SCORES,
    JUDGE_SCORES,
    JUDGE_SPECS,
    QUALITY,
    SAMPLED_TRACES,
    TRACES,
)

NINE = datetime.fromisoformat("2026-11-10T09:00:00")
SPECS = [
    ("lexical", "support", "embedded", "support-v1", "{}"),
    ("g1", "groundedness", "rubric", "gpt-4.1", "{}"),
    ("g2", "groundedness", "rubric", "gpt-5", "{}"),
    ("r1", "relevance", "embedded", "minilm", "{}"),
]


class World:
    """A day of traces, some of them sampled and judged."""

    def __init__(self):
        self.traces, self.sampled, self.scores, self.verdicts = [], [], [], []

    def trace(self, name, feature="chat", version="1", session=None, drawn=None, **more):
        """A trace; ``drawn`` is (draws, stratum size) when it was sampled."""
        self.traces.append(
            {
                "trace_id": name,
                "root_call_id": f"call-{name}",
                "started_at": NINE,
                "feature": feature,
                "prompt_version": version,
                "session_id": session,
                "call_count": 1,
                "step_count": 0,
                "status": "ok",
                "has_text": True,
                **more,
            }
        )
        if drawn:
            self.sampled.append(
                {
                    "trace_id": name,
                    "call_id": f"call-{name}",
                    "feature": feature,
                    "prompt_version": version,
                    "session_id": session,
                    "stratum": f"{feature} | {version}",
                    "stratum_size": drawn[1],
                    "probability": drawn[0] / drawn[1],
                    "has_text": True,
                }
            )
        return self

    def support(self, name, score=None, reason=None):
        self.scores.append(
            {
                "call_id": f"call-{name}",
                "feature": "chat",
                "support": score,
                "unscored_reason": reason,
                "unmatched": [],
            }
        )
        return self

    def verdict(self, name, score=None, outcome="scored", spec="g1", repetition=0):
        self.verdicts.append(
            {
                "spec_id": spec,
                "item_digest": f"digest-{name}",
                "repetition": repetition,
                "metric": {row[0]: row[1] for row in SPECS}.get(spec, "other"),
                "call_id": f"call-{name}",
                "outcome": outcome,
                "score": score,
                "attempts": 1,
                "library_versions": "{}",
                "scored_at": NINE,
            }
        )
        return self

    def judged(self, outcomes, feature="chat", version="1", size=None, **more):
        """Sampled traces with these scores of judge g1."""
        for i, score in enumerate(outcomes):
            name = f"{feature}-{version}-{i}"
            drawn = (len(outcomes), size or len(outcomes))
            self.trace(name, feature, version, drawn=drawn, **more).verdict(name, score)
        return self

    def quality(self):
        return quality(
            pl.DataFrame(self.sampled, schema=SAMPLED_TRACES.schema),
            pl.DataFrame(self.scores, schema=HEURISTIC_SCORES.schema),
            pl.DataFrame(self.verdicts, schema=JUDGE_SCORES.schema),
            pl.DataFrame(self.traces, schema=TRACES.schema),
            pl.DataFrame(SPECS, schema=JUDGE_SPECS.schema, orient="row"),
            "lexical",
        )

    def row(self, metric="groundedness", version="*", feature="chat", spec="g1"):
        spec = "lexical" if metric == "support" else spec
        rows = self.quality().filter(
            metric=metric, prompt_version=version, feature=feature, judge_spec=spec
        )
        return rows.row(0, named=True) if rows.height else None


def ends(row):
    return row["estimate"], row["low"], row["high"], row["n"]


def test_a_quiet_day_has_no_quality():
    assert World().quality().equals(QUALITY.empty())


def test_an_evenly_judged_feature_has_wilsons_interval():
    row = World().judged([1.0] * 18 + [0.0] * 2, size=200).row()
    assert ends(row) == pytest.approx(wilson(18, 20))
    assert (row["unscored"], row["not_applicable"], row["population"]) == (0, 0, 200)
    assert row["judge"] == "rubric gpt-4.1"
    assert row["method"].startswith(
        "stratified sample of 20 of 200 traces, weighted: rate with Wilson interval on the "
        "effective sample, clustered by session"
    )


def test_versions_weigh_in_the_total_by_their_traffic():
    world = World().judged([0.0] * 10, version="4", size=10).judged([1.0] * 10, size=990)
    assert world.row(version="4")["estimate"] == 0.0
    assert world.row(version="1")["estimate"] == 1.0
    row = world.row()
    expected = design_rate(
        [0.0] * 10 + [1.0] * 10,
        [1.0] * 10 + [10 / 990] * 10,
        strata=["4"] * 10 + ["1"] * 10,
    )
    assert ends(row) == pytest.approx(expected)
    assert (row["estimate"], row["population"]) == (pytest.approx(0.99), 1000)


def test_a_perfect_sample_is_no_certainty():
    row = World().judged([1.0] * 12, size=300).row()
    assert row["high"] == 1.0
    assert row["low"] < 0.8


def test_scores_between_are_a_mean_on_their_scale():
    scores = [0.5, 0.9, 0.7, 1.0]
    row = World().judged(scores, size=40).row()
    assert ends(row) == pytest.approx(mean_interval(scores, bounds=(0, 1)))
    assert "mean with score interval" in row["method"]


def test_scores_off_the_scale_are_shown_as_they_are():
    row = World().judged([-0.1, 0.9, 0.7], size=40).row()
    assert row["estimate"] == pytest.approx(0.5)
    assert "mean with t interval" in row["method"]


def test_judges_are_never_pooled():
    world = World().judged([1.0] * 5, size=50)
    for i in range(5):
        world.verdict(f"chat-1-{i}", 0.0, spec="g2")
    assert world.row(spec="g1")["estimate"] == 1.0
    assert world.row(spec="g2")["estimate"] == 0.0
    assert world.row(spec="g2")["judge"] == "rubric gpt-5"


def test_a_judge_has_rows_for_the_features_it_was_asked_about():
    world = World().judged([1.0] * 5, feature="chat")
    world.trace("m", feature="mail", drawn=(1, 9))
    assert world.row(feature="mail") is None


@pytest.mark.parametrize(
    "outcome", ["refused", "unreadable", "failed", "over_budget", "over_policy"]
)
def test_an_outcome_without_a_score_is_counted_not_averaged(outcome):
    world = World().judged([1.0, 1.0, 0.0, 1.0])
    world.trace("x", drawn=(5, 5)).verdict("x", None, outcome)
    row = world.row()
    assert (row["estimate"], row["n"], row["unscored"]) == (0.75, 4, 1)
    assert f"1 unscored (1 {outcome})" in row["method"]


def test_a_sampled_trace_that_was_never_judged_is_unscored():
    world = World().judged([1.0, 0.0]).trace("x", drawn=(3, 3))
    assert world.row()["unscored"] == 1
    assert "1 never judged" in world.row()["method"]


def test_a_score_that_is_not_a_number_is_unscored():
    assert World().judged([1.0, float("nan"), None]).row()["unscored"] == 2


def test_a_metric_that_does_not_speak_of_a_trace_is_counted_apart():
    world = World().judged([1.0, 0.0])
    world.trace("x", drawn=(3, 3)).verdict("x", None, "not_applicable")
    row = world.row()
    assert (row["n"], row["unscored"], row["not_applicable"]) == (2, 0, 1)


def test_a_metric_that_speaks_of_no_trace_has_no_row():
    world = World().trace("x", drawn=(1, 1)).verdict("x", None, "not_applicable")
    assert world.row() is None


def test_a_judge_that_failed_on_everything_has_a_row_without_a_figure():
    world = World().trace("x", drawn=(1, 7)).verdict("x", None, "failed")
    row = world.row()
    assert ends(row) == (None, None, None, 0)
    assert row["unscored"] == 1
    assert (
        "nothing scored; 1 unscored (1 failed): 0.000 if all of them are 0, 1.000 if"
        in (row["method"])
    )


def test_many_missing_scores_are_shown_with_what_they_could_make_of_the_figure():
    world = World().judged([1.0] * 6 + [0.0] * 2 + [None] * 2)
    method = world.row()["method"]
    assert (
        "2 unscored (2 scored without a number): 0.600 if all of them are 0, 0.800 if all are 1"
        in method
    )


def test_scores_of_another_scale_have_no_ends_that_missing_ones_could_make():
    method = World().judged([3.0, 4.0, 5.0, None]).row()["method"]
    assert "1 unscored (1 scored without a number)" in method
    assert " if " not in method


def test_few_missing_scores_are_only_counted():
    world = World().judged([1.0] * 39)
    world.trace("x", drawn=(40, 40)).verdict("x", None, "failed")
    assert world.row()["method"].endswith("1 unscored (1 failed)")


def test_the_scored_of_a_stratum_stand_for_its_unscored():
    world = World().judged([1.0] * 4, version="1", size=100)
    world.judged([0.0] * 2, version="2", size=100)
    for i in range(2):
        world.trace(f"x{i}", version="2", drawn=(4, 100)).verdict(f"x{i}", None, "failed")
    for row in world.sampled:
        row["probability"] = 0.04
    # Both versions had 100 traces; that two verdicts failed does not make version 2 rarer.
    assert world.row()["estimate"] == pytest.approx(0.5)


def test_traces_of_one_session_are_related():
    apart = World().judged([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).row()
    world = World()
    for i, score in enumerate([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]):
        world.trace(f"t{i}", session=f"s{i // 3}", drawn=(9, 9)).verdict(f"t{i}", score)
    together = world.row()
    assert together["high"] - together["low"] > apart["high"] - apart["low"]


def test_repeated_draws_of_a_judge_are_one_observation():
    world = World().judged([1.0, 0.0])
    world.verdict("chat-1-0", 0.5, repetition=1).verdict("chat-1-1", None, "failed", repetition=1)
    row = world.row()
    assert (row["estimate"], row["n"], row["unscored"]) == (0.375, 2, 0)


def test_verdicts_of_calls_outside_the_sample_are_ignored():
    world = World().judged([1.0, 1.0]).verdict("elsewhere", 0.0)
    assert ends(world.row())[::3] == (1.0, 2)


def test_a_judge_without_a_spec_is_refused():
    world = World().trace("x", drawn=(1, 1)).verdict("x", 1.0, spec="nobody")
    with pytest.raises(
        ValueError, match=r"judge_specs: has no spec nobody, .*record a judge's spec"
    ):
        world.quality()


def test_support_is_a_census_of_the_answers():
    world = World()
    scores = [0.2, 0.9, 0.8, 0.7, 0.6]
    for i, score in enumerate(scores):
        world.trace(f"t{i}").support(f"t{i}", score)
    row = world.row("support")
    assert ends(row) == pytest.approx(mean_interval(scores, bounds=(0, 1)))
    assert row["judge"] == "embedded support-v1"
    assert row["method"] == "census of 5 traces: mean with score interval, clustered by session"


def test_sampled_verdicts_of_support_carry_evidence_only():
    world = World().trace("t", drawn=(1, 1)).support("t", 0.9).verdict("t", 0.1, spec="lexical")
    assert world.row("support")["estimate"] == 0.9
    assert world.quality().height == 2


@pytest.mark.parametrize("reason", ["judging_off", "no_contexts", "refusal", "no_claims"])
def test_an_answer_that_rests_on_nothing_has_no_support_to_miss(reason):
    world = World().trace("a").support("a", 0.5).trace("b").support("b", None, reason)
    row = world.row("support")
    assert (row["n"], row["unscored"], row["not_applicable"], row["population"]) == (1, 0, 1, 2)
    assert World().trace("b").support("b", None, reason).row("support") is None


def test_an_answer_that_should_have_support_and_has_none_is_unscored():
    world = World().trace("a").support("a", 0.5).trace("b").support("b", None, "no_answer")
    world.trace("c")
    row = world.row("support")
    assert (row["n"], row["unscored"]) == (1, 2)
    assert "2 unscored (1 never scored, 1 no_answer)" in row["method"]


def test_a_feature_whose_answers_came_without_text_says_so():
    world = World().trace("a").support("a", 0.5)
    world.trace("b", feature="quiet", has_text=False).trace("c", feature="quiet", has_text=False)
    row = world.quality().filter(feature="quiet").row(0, named=True)
    assert (row["metric"], row["estimate"], row["n"], row["unscored"]) == ("support", None, 0, 2)
    assert row["method"] == "no text: 2 answered traces came without, or none was kept"


def test_failed_traces_and_other_calls_have_no_say_in_support():
    world = World().trace("a").support("a", 0.5).trace("e", status="error").support("e", 0.0)
    assert ends(world.support("child", 0.1).row("support"))[::3] == (0.5, 1)


def test_answers_without_text_are_named_not_hidden():
    world = World().trace("a").support("a", 0.5).trace("b", has_text=False)
    row = world.row("support")
    assert row["population"] == 1
    assert row["method"].endswith(
        "1 more answered traces are outside: no text was kept, or none like them drawn"
    )


def test_strata_that_gave_no_trace_are_named_not_hidden():
    world = World().judged([1.0] * 3, version="1", size=3)
    for i in range(4):
        world.trace(f"rare{i}", version="2")
    assert "4 more answered traces are outside" in world.row()["method"]
    assert world.row(version="2") is None


def test_calls_without_a_prompt_version_are_filed_under_unversioned():
    world = World().trace("a", version=None).support("a", 0.5)
    assert world.row("support", "unversioned")["n"] == 1


def test_a_version_named_like_the_total_is_not_taken_for_it():
    world = World().trace("a", version="*").support("a", 0.2).trace("b").support("b", 0.4)
    assert world.row("support")["n"] == 2
    assert world.row("support", "'*'")["n"] == 1


def test_rows_are_the_same_whatever_the_order():
    world = World()
    for i in range(30):
        world.trace(f"t{i:02}", session=f"s{i % 7}", drawn=(30, 70)).support(f"t{i:02}", i / 37)
        world.verdict(f"t{i:02}", i / 31, spec="r1")
    there = world.quality()
    for rows in (world.traces, world.sampled, world.scores, world.verdicts):
        rows.reverse()
    assert there.equals(world.quality())
    assert there.height == 4

"""What the daemon recomputes by itself: what changed, whole days, and nothing else."""

from datetime import date, timedelta

import dagster as dg
import pytest

from llmops_pipelines.definitions import Settings, build_definitions
from tests.orchestration.ticks import QUIET, Ticks

DAYS = ["2026-11-18", "2026-11-19", "2026-11-20"]
TODAY = "2026-11-22"

ROWS = {"llm_calls", "trace_steps", "feedback", "rejected_lines"}
AT_ONCE = ROWS | {
    "traces", "call_costs", "feature_costs", "budget_status", "heuristic_scores", "service_health",
    "routing_savings", "cost_cube", "cost_drivers", "cost_forecast", "unit_costs",
}  # fmt: skip
AFTER_THE_DAY = {
    "sampled_traces", "judge_scores", "ragas_scores", "quality", "golden_candidates",
    "evaluation_costs", "rule_evaluations", "alerts", "nightly_report", "prometheus_metrics",
    "cost_anomalies",
}  # fmt: skip
WHOLE = AT_ONCE | AFTER_THE_DAY
RULES = {"rule_evaluations", "alerts", "nightly_report", "prometheus_metrics"}
SPEND = RULES | {"cost_forecast", "cost_anomalies", "budget_status"}


def definitions_of(data, **settings):
    return build_definitions(Settings(data=data, start=date(2026, 9, 1), **settings))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def definitions(data):
    return definitions_of(data)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def ticks(definitions, instance):
    """A world where nothing has landed yet, and prices are known."""
    ticks = Ticks(definitions, instance)
    ticks.price_calls_anew("1")
    return ticks


@pytest.fixture
def computed(definitions, instance):
    """A world where three days have landed and are computed."""
    ticks = Ticks(definitions, instance)
    ticks.price_calls_anew("1")
    ticks.land(*DAYS)
    ticks.compute(dict.fromkeys(DAYS, WHOLE))
    assert ticks.tick() == {}
    return ticks


def test_before_anything_lands_nothing_is_asked_for(ticks):
    ticks.land()
    assert ticks.tick() == {}


def test_first_time_days_are_asked_for_whole_in_one_tick_and_only_once(ticks):
    ticks.land(*DAYS)
    asked = ticks.tick()
    assert asked == dict.fromkeys(DAYS, WHOLE), "and neither rollbacks nor days without logs"
    ticks.compute(asked)
    assert ticks.tick() == {}


def test_late_feedback_asks_for_what_rests_on_the_feedback_of_its_day(computed):
    late = DAYS[0]
    computed.move_feedback(late, "2")
    asked = computed.tick()
    rests = {"feedback", "service_health", "unit_costs", "golden_candidates"} | RULES
    assert asked == {late: rests}
    computed.compute(asked, version="2")
    assert computed.tick() == dict.fromkeys(DAYS[1:], RULES), "whose windows hold that day"


def test_a_decision_about_a_rollback_asks_for_the_page_that_tells_it(computed):
    computed.compute({DAYS[1]: {"rollbacks"}})
    asked = computed.tick()
    assert asked == {DAYS[1]: {"nightly_report"}}
    computed.compute(asked, version="2")
    assert computed.tick() == {}


def test_a_late_file_asks_for_its_day_first_and_then_for_windows_that_hold_it(ticks):
    late = "2026-09-05"
    later = {gap: str(date.fromisoformat(late) + timedelta(gap)) for gap in (1, 14, 15, 41, 70)}
    ticks.land("2026-09-04", late, *later.values())
    ticks.compute(ticks.tick())
    assert ticks.tick() == {}
    ticks.land(late, version="2")
    asked = ticks.tick()
    assert asked == {late: WHOLE}
    ticks.compute(asked, version="2")
    asked = ticks.tick()
    weeks = {later[gap]: SPEND | {"cost_drivers"} for gap in (1, 14)}
    assert asked == weeks | {later[gap]: SPEND for gap in (15, 41)}, (
        "spend looks 42 days back, rules 29 more"
    )
    ticks.compute(asked, version="2")
    assert ticks.tick() == {}


def test_what_changes_no_figure_reaches_no_other_day_and_files_in_between_are_not_lost(computed):
    computed.land(DAYS[0], version="2")
    asked = computed.tick()
    assert asked == {DAYS[0]: WHOLE}
    computed.land(DAYS[0], version="3")
    computed.compute(asked, version="1")
    assert computed.tick() == {DAYS[0]: WHOLE}


def test_today_is_followed_but_not_sampled_before_it_ends(ticks):
    ticks.land(TODAY)
    asked = ticks.tick()
    assert asked == {TODAY: AT_ONCE}
    ticks.compute(asked)
    ticks.land(TODAY, version="2")
    asked = ticks.tick()
    assert asked == {TODAY: AT_ONCE}, "it landed in the very interval in which the run ended"
    ticks.compute(asked, version="2")
    assert ticks.tick() == {}
    ticks.now += timedelta(hours=13)
    assert ticks.tick() == {TODAY: AFTER_THE_DAY}


def test_what_changes_no_day_asks_for_nothing(computed):
    computed.price_calls_anew("2")
    for file in ("prices", "budgets", "features", "rubrics", "alert_rules", "prompts", "sources"):
        computed.edit(file, "2")
    computed.land()
    computed.land(*DAYS, version="1")
    assert computed.tick() == {}


def test_before_the_first_prices_nothing_is_priced_at_nothing(definitions, instance):
    ticks = Ticks(definitions, instance)
    ticks.land(DAYS[0])
    asked = ticks.tick()
    costs = {"call_costs", "feature_costs", "cost_cube", "budget_status", "routing_savings"}
    waiting = costs | {"cost_drivers", "unit_costs", "service_health"} | SPEND
    assert asked == {None: {"price_book"}, DAYS[0]: WHOLE - waiting}
    ticks.compute(asked)
    assert ticks.tick() == {DAYS[0]: waiting}


def test_a_lost_line_stops_the_days_before_they_are_computed(ticks):
    ticks.land(*DAYS, accounted=False)
    assert ticks.tick() == {}
    ticks.land(accounted=True)
    assert ticks.tick() == dict.fromkeys(DAYS, WHOLE)


def test_a_day_whose_blocking_check_failed_is_not_continued_by_its_children(computed):
    odd, dear, good = DAYS
    new = "2026-11-17"
    computed.land(odd, dear, new, version="2")
    asked = computed.tick()
    for day in (odd, new):
        computed.compute({day: asked[day]}, version="2", failing=["calls_meet_expectations"])
    computed.compute({dear: asked[dear]}, version="2", failing=["spend_adds_up_to_the_last_digit"])
    asked = computed.tick()
    assert not {odd, dear, new} & set(asked)
    computed.compute(asked, version="2")
    computed.land(good, version="2")
    computed.compute(computed.tick(), version="2")
    assert not {odd, dear, new} & set(computed.tick()), "the checks that passed were another day's"
    computed.land(odd, dear, new, version="3")
    assert computed.tick() == dict.fromkeys([odd, dear, new], WHOLE)


def test_under_a_prefix_the_same_is_asked_for(tmp_path, instance):
    placed = definitions_of(tmp_path, key_prefix="acme/llm", tenant="acme")
    ticks = Ticks(placed, instance, prefix=["acme", "llm"])
    ticks.price_calls_anew("1")
    ticks.land(*DAYS[:2])
    asked = ticks.tick()
    assert asked == dict.fromkeys(DAYS[:2], WHOLE)
    ticks.compute(asked)
    ticks.land(DAYS[0], version="2")
    asked = ticks.tick()
    assert asked == {DAYS[0]: WHOLE}
    ticks.compute(asked, version="2")
    assert ticks.tick() == {DAYS[1]: SPEND | {"cost_drivers"}}


def test_a_day_whose_run_failed_is_not_tried_again_until_its_logs_change(
    data, definitions, instance, ticks
):
    broken = data / f"lake/landed_days/day={DAYS[0]}/part.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no Parquet")
    day, failing = DAYS[0], "feedback"
    ticks.land(day)
    asked = ticks.tick()
    ticks.compute({day: asked[day] - {failing, "service_health", *RULES}})
    run = definitions.resolve_job_def("nightly_job").execute_in_process(
        instance=instance,
        partition_key=day,
        asset_selection=[dg.AssetKey(failing)],
        raise_on_error=False,
        run_config=QUIET,
    )
    assert not run.success
    assert ticks.tick() == {}
    ticks.land(day, version="2")
    assert failing in ticks.tick()[day]


def test_rules_can_be_evaluated_by_the_daemon_itself(definitions):
    rules = {
        spec.key: spec.automation_condition
        for spec in definitions.resolve_all_asset_specs()
        if spec.automation_condition
    }
    assert len(rules) >= len(WHOLE)
    assert all(rule.is_serializable for rule in rules.values())

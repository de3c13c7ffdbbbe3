"""The sample fortnight without a judge: what was planted is found, what is healthy stays quiet.

600 calls a day instead of 1,500: every event still clears its line with room to spare (with 300 the
outage has too few calls for a verdict), and what a night costs is mostly the number of its tables,
not of its rows. Budgets shrink alike. Two traces a day are drawn: what is drawn is embedded, and no
rule asserted here looks at it.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.tables import (
    ALERTS,
    CALL_COSTS,
    CALL_TEXTS,
    FEATURE_COSTS,
    FEEDBACK,
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_STEPS,
    LLM_CALLS,
    LOG_INDEX,
    QUALITY,
    REJECTED_LINES,
    RULE_EVALUATIONS,
    SERVICE_HEALTH,
    TABLES,
    TRACE_STEPS,
    TRACES,
)
from tests.fortnight.worlds import (
    Digests,
    World,
    Written,
    scale_budgets,
    strings_of,
    write_fortnight,
)
from tests.sample_company.sample import answer_of, question_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CALLS_PER_DAY, SAMPLED_PER_DAY = 600, 2
BAD = ("warning", "critical")
WINDOWED = {
    "rule_evaluations", "alerts", "prometheus_metrics", "nightly_report", "cost_drivers",
    "cost_forecast", "cost_anomalies", "budget_status",
}  # fmt: skip
"""Tables that read earlier days, and what is made from them; all others speak of one day."""

NARROW = (
    LANDED_CALLS,
    LLM_CALLS,
    LANDED_STEPS,
    TRACE_STEPS,
    TRACES,
    CALL_COSTS,
    FEATURE_COSTS,
    SERVICE_HEALTH,
)
PRIVATE = re.compile(
    r"[\w.]+@example\.\w+|\(?\d{3}\)?[ -]555-01\d\d|\bsk-test\w+"
    r"|4242 4242 4242 4242|4000-0566-5566-5556|5555555555554444|378282246310005"
)

Raised = tuple[str, str, date]
"""Rule, scope and day."""


@dataclass(frozen=True)
class Fortnight:
    """A night over ten days without one file, one over all after it arrived, and one more."""

    written: Written
    late: dict[str, Any]
    first: dict[str, Any]
    before: Digests
    second: dict[str, Any]
    after: Digests
    third: dict[str, Any]

    @property
    def world(self) -> World:
        return self.written.world

    @property
    def early(self) -> list[date]:
        """The days of the first night."""
        return self.written.days[:10]

    @property
    def late_day(self) -> date:
        return date.fromisoformat(self.late["day"])

    def planted(self) -> Iterator[tuple[Raised, bool, bool]]:
        """What events raise: whether it must fire, and whether the event begins that day."""
        for event in self.written.truth["events"]:
            for day in map(date.fromisoformat, event["days"]):
                begins = day.isoformat() == event["days"][0]
                for named in [*event["raises"], *event["may_raise"]]:
                    rule, _, scope = named.partition(":")
                    raised = (rule, scope or event["feature"] or "total", day)
                    yield raised, named in event["raises"], begins


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory) -> Fortnight:
    written = write_fortnight(
        tmp_path_factory.mktemp("keyless"), end=date(2026, 11, 22), calls_per_day=CALLS_PER_DAY
    )
    world, morning = written.world, written.morning(14)
    world.settings["sample_per_day"] = SAMPLED_PER_DAY
    scale_budgets(world, CALLS_PER_DAY / 1500)
    (late,) = [file for file in written.truth["late_files"] if file["hold_back"]]
    world.arrive(*(path for path in written.truth["files"] if path != late["path"]))
    first = world.night(morning, until=written.day(10))
    before = world.digests()
    world.arrive(late["path"])
    second = world.night(morning)
    after = world.digests()
    return Fortnight(written, late, first, before, second, after, world.night(morning))


def test_every_night_succeeds(fortnight):
    for night in (fortnight.first, fortnight.second, fortnight.third):
        assert night["failures"] == []
        assert night["code"] == 0


# What was planted raises its alert, and nothing else does.


def test_every_planted_event_raises_its_alert_on_its_feature_and_day(fortnight):
    opened = raised_alerts(fortnight)
    needs_a_judge = {"hallucination_rate"}
    due = {
        raised
        for raised, must, begins in fortnight.planted()
        if must and begins and raised[0] not in needs_a_judge
    }
    assert len(due) == 7
    assert due <= opened


def test_lasting_events_stay_raised_every_day(fortnight):
    due = {raised for raised, must, _ in fortnight.planted() if must and "support_drop" in raised}
    assert len(due) == 6
    assert due <= fired_rules(fortnight)


def test_healthy_features_stay_quiet(fortnight):
    allowed = {raised for raised, *_ in fortnight.planted()}
    assert raised_alerts(fortnight) - allowed == set()
    assert fired_rules(fortnight) - allowed == set()


def test_every_alert_closes_again_when_its_event_is_over(fortnight):
    closed = {
        (row["rule"], row["scope"], row["day"])
        for row in fortnight.world.read(ALERTS).iter_rows(named=True)
        if row["to_state"] == "ok"
    }
    brief = [event for event in fortnight.written.truth["events"] if len(event["days"]) == 1]
    for event in brief:
        for rule in event["raises"]:
            scope = event["feature"] or "total"
            following = fortnight.written.day(event["numbers"][0] + 1)
            assert (rule, scope, following) in closed


def test_support_drops_where_the_bad_prompt_answers_and_nowhere_else(fortnight):
    event = fortnight.written.event("unsupported_prompt_version")
    drops = {raised[1:] for raised in raised_alerts(fortnight) if raised[0] == "support_drop"}
    assert drops == {(event["feature"], date.fromisoformat(event["days"][0]))}
    evaluated = fortnight.world.read(RULE_EVALUATIONS).filter(rule="support_drop")
    assert evaluated.filter(scope="call_summary", status="ok").height == 11
    assert evaluated.filter(scope="call_summary", status="no_data").height == 3


def test_without_a_judge_the_hallucination_rate_is_no_data(fortnight):
    evaluated = fortnight.world.read(RULE_EVALUATIONS).filter(rule="hallucination_rate")
    assert set(evaluated["scope"]) == set(fortnight.written.truth["days"][0]["features"])
    assert set(evaluated["status"]) == {"no_data"}
    judges = fortnight.world.read(QUALITY)["judge"].unique()
    assert all(judge.startswith("embedded") for judge in judges)
    assert set(fortnight.world.read(QUALITY)["metric"]) == {"support", "relevance"}


def test_unpriced_calls_fail_a_check_that_names_their_model(fortnight):
    outcomes = fortnight.world.check_outcomes("every_call_has_a_price")
    event = fortnight.written.event("unpriced_model")
    assert {day for day, outcome in outcomes.items() if not outcome.passed} == set(event["days"])
    faults = outcomes[event["days"][0]].metadata["faults"].records
    assert [fault.data["model"] for fault in faults] == ["acme-triage-ft-7b"]


@pytest.mark.parametrize(
    "check",
    [
        "every_landed_call_is_kept_or_a_duplicate",
        "calls_meet_expectations",
        "every_feature_is_known",
        "every_total_is_that_of_its_tokens",
        "few_lines_are_rejected",
        "spend_adds_up_to_the_last_digit",
        "cube_adds_up_to_the_last_digit",
    ],
)
def test_every_other_check_passes_on_every_day(fortnight, check):
    outcomes = fortnight.world.check_outcomes(check)
    assert sorted(outcomes) == [day.isoformat() for day in fortnight.written.days]
    assert all(outcome.passed for outcome in outcomes.values())


# Nothing is lost, doubled or guessed.


def test_calls_per_day_and_feature_are_those_that_were_made(fortnight):
    assert counted(fortnight.second, "calls") == true_figures(fortnight, "calls")


def test_before_the_late_file_exactly_its_calls_are_missing(fortnight):
    before, after = counted(fortnight.first, "calls"), counted(fortnight.second, "calls")
    missing = {key: after[key] - before[key] for key in before if after[key] != before[key]}
    assert {date.fromisoformat(day) for day, _ in before} == set(fortnight.early)
    assert {day for day, _ in missing} == {fortnight.late["day"]}
    assert sum(missing.values()) == fortnight.late["calls"]


def test_spend_per_day_and_feature_is_that_of_the_price_list(fortnight):
    spend, truth = counted(fortnight.second, "cost_usd"), true_figures(fortnight, "spend_usd")
    assert spend.keys() == truth.keys()
    # The truth is rounded to millionths of a dollar.
    assert {key: spend[key] for key in truth} == pytest.approx(truth, abs=1e-6)


def test_unpriced_calls_are_counted_and_not_free(fortnight):
    assert counted(fortnight.second, "unpriced_calls") == true_figures(fortnight, "unpriced_calls")
    acme = fortnight.world.read(CALL_COSTS).filter(provider="acme")
    assert acme.height > 90
    assert acme["cost"].null_count() == acme.height


def test_every_malformed_line_is_rejected_under_its_file_and_no_other_line_is(fortnight):
    rejected = Counter(fortnight.world.read(REJECTED_LINES)["source_file"])
    assert rejected == {
        path: file["malformed"]
        for path, file in fortnight.written.truth["files"].items()
        if file["malformed"]
    }


def test_rejected_lines_count_for_the_day_they_came_with(fortnight):
    per_day = Counter()
    for (day, _), rejected in counted(fortnight.second, "rejected").items():
        per_day[day] += rejected
    truth = {day["day"]: day["malformed_lines"] for day in fortnight.written.truth["days"]}
    assert dict(per_day) == truth


def test_each_file_is_read_to_its_last_line(fortnight):
    index = fortnight.world.read(LOG_INDEX).unique("source_file")
    lines = dict(index.select("source_file", "lines").rows())
    assert lines == {p: file["lines"] for p, file in fortnight.written.truth["files"].items()}


def test_duplicates_are_removed_and_nothing_but_duplicates(fortnight):
    kept = removed = 0
    for landed, unique in (
        (LANDED_CALLS, LLM_CALLS),
        (LANDED_STEPS, TRACE_STEPS),
        (LANDED_FEEDBACK, FEEDBACK),
    ):
        rows = fortnight.world.read(unique).height
        kept += rows
        removed += fortnight.world.read(landed).height - rows
    days = fortnight.written.truth["days"]
    assert kept == sum(day["calls"] + day["steps"] + day["feedback"] for day in days)
    assert removed == sum(day["duplicates"] for day in days)


# A late file changes what it must, and a quiet night nothing.


def test_a_late_file_changes_the_row_tables_of_its_day_alone(fortnight):
    changed = {
        key
        for key in fortnight.before.keys() | fortnight.after.keys()
        if key[1] in fortnight.early and fortnight.before.get(key) != fortnight.after.get(key)
    }
    row_tables = {(table, day) for table, day in changed if table not in WINDOWED}
    assert {day for _, day in row_tables} == {fortnight.late_day}
    assert {table for table, _ in row_tables} >= {
        "landed_days", "llm_calls", "traces", "call_costs", "feature_costs", "cost_cube",
        "service_health", "heuristic_scores",
    }  # fmt: skip
    assert not {"feedback", "trace_steps", "rejected_lines"} & {table for table, _ in row_tables}
    assert {day for table, day in changed if table in WINDOWED} <= set(fortnight.early[7:])


def test_earlier_days_are_not_computed_again_and_later_ones_only_where_they_look_back(fortnight):
    computed = {date.fromisoformat(day): n for day, n in fortnight.second["computed"].items()}
    assert min(computed) == fortnight.late_day
    later = {day: n for day, n in computed.items() if day > fortnight.late_day}
    again = {n for day, n in later.items() if day in fortnight.early}
    assert max(again, default=0) <= len(WINDOWED) < computed[fortnight.late_day]
    assert later.keys() >= set(fortnight.written.days[10:])


def test_a_second_night_recomputes_nothing(fortnight):
    assert fortnight.third["computed"] == {}
    assert fortnight.world.digests() == fortnight.after
    assert fortnight.third["days"] == fortnight.second["days"]
    assert fortnight.third["alerts"] == fortnight.second["alerts"]


# What people see, and what nobody may see.


def test_the_night_names_the_report_of_its_last_day(fortnight):
    assert fortnight.second["report"] == str(
        fortnight.world.data / "lake" / "reports" / f"{fortnight.written.day(14)}.html"
    )


def test_the_last_report_shows_what_is_still_wrong(fortnight):
    page = fortnight.world.report(fortnight.written.day(14))
    firing = [raised for raised in fired_rules(fortnight) if raised[2] == fortnight.written.day(14)]
    assert {rule for rule, *_ in firing} == {"support_drop", "unpriced_calls"}
    for rule, scope, _ in firing:
        assert rule in page
        assert scope in page


def test_the_report_of_a_day_tells_the_alerts_it_raised(fortnight):
    for row in fortnight.world.read(ALERTS).iter_rows(named=True):
        page = html.unescape(fortnight.world.report(row["day"]))
        assert row["summary"].removeprefix(f"{row['rule']}: ") in page


def test_reports_name_no_outside_host(fortnight):
    for day in fortnight.written.days:
        hosts = re.findall(r"https?://([^/\"'\s<>]+)", fortnight.world.report(day))
        # Names of XML vocabularies: nothing is fetched from them.
        assert set(hosts) <= {"www.w3.org"}


def test_no_report_and_no_table_holds_planted_personal_data(fortnight):
    questions = [question_of(call) for call in fortnight.written.sample.calls()]
    planted = {found for question in questions for found in PRIVATE.findall(question)}
    assert len(planted) > 100
    for day in fortnight.written.days:
        page = fortnight.world.report(day)
        assert not [detail for detail in planted if detail in page]
    for table in TABLES.values():
        leaked = {
            found
            for text in strings_of(fortnight.world.read(table))
            for found in PRIVATE.findall(text)
        }
        assert (table.name, leaked) == (table.name, set())


def test_narrow_tables_hold_no_text(fortnight):
    told = set()
    for call in fortnight.written.sample.answers():
        told |= {question_of(call), answer_of(call)}
    said = {text for text in told if len(text) > 30}
    assert len(said) > 1_000
    assert said & set(strings_of(fortnight.world.read(CALL_TEXTS)))
    for table in NARROW:
        strings = set(strings_of(fortnight.world.read(table)))
        assert (table.name, strings & said) == (table.name, set())
        assert (table.name, max(map(len, strings)) <= 80) == (table.name, True)


def test_the_pipeline_never_opened_the_truth(fortnight):
    opened = set(fortnight.world.read(LOG_INDEX)["source_file"])
    assert opened == set(fortnight.written.truth["files"])
    assert not list(fortnight.world.root.rglob("truth*"))


def raised_alerts(fortnight: Fortnight) -> set[Raised]:
    alerts = fortnight.world.read(ALERTS).filter(pl.col("to_state").is_in(BAD))
    return set(alerts.select("rule", "scope", "day").rows())


def fired_rules(fortnight: Fortnight) -> set[Raised]:
    evaluated = fortnight.world.read(RULE_EVALUATIONS).filter(pl.col("status").is_in(BAD))
    return set(evaluated.select("rule", "scope", "day").rows())


def counted(night: dict[str, Any], figure: str) -> dict[tuple[str, str], Any]:
    """A figure of ``--json`` by day and feature; features that never called are left out."""
    return {
        (row["day"], row["feature"]): row[figure]
        for row in night["days"]
        if row["calls"] or figure == "rejected"
    }


def true_figures(fortnight: Fortnight, figure: str) -> dict[tuple[str, str], Any]:
    return {
        (day["day"], feature): counts[figure]
        for day in fortnight.written.truth["days"]
        for feature, counts in day["features"].items()
    }

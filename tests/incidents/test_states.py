"""Changes of state: when people hear of something, and when they do not."""

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest

from llmops_pipelines.incidents import (
    LAST_STATES,
    EvaluatedDay,
    Rules,
    last_states,
    transitions,
    untold,
)
from llmops_pipelines.tables import ALERTS
from tests.incidents.factories import (
    DAY,
    NIGHT,
    TONIGHT,
    TWO_DAYS,
    alert,
    alerts,
    drop_rule,
    evaluated,
    evaluations,
    rollback_rule,
    rule,
    rules,
)

RULES = rules(rule(), rollback_rule(), drop_rule())
NEVER = LAST_STATES.empty()
BEFORE = DAY - timedelta(days=1)
LATE = NIGHT + timedelta(days=5)


def was(state: str, known: str | None = None, since: date = BEFORE, **changes) -> pl.DataFrame:
    row = {"rule": "error_rate", "scope": "search", "state": state, "since": since}
    return LAST_STATES.require(
        pl.DataFrame([row | {"known": known or state} | changes], schema=LAST_STATES.schema)
    )


def step(
    given: dict, before: pl.DataFrame = NEVER, *, now=NIGHT, using: Rules = RULES, recorded=None
) -> pl.DataFrame:
    return transitions(
        evaluations(given), before, EvaluatedDay(DAY, now, TWO_DAYS), rules=using, recorded=recorded
    )


def change(frame: pl.DataFrame) -> list[tuple]:
    return frame.select("from_state", "to_state").rows()


@pytest.mark.parametrize("status", ["ok", "no_data"])
def test_what_was_never_seen_was_ok_so_a_first_quiet_day_is_no_change(status):
    assert step(evaluated(status, 0.01)).equals(ALERTS.empty())


@pytest.mark.parametrize("status", ["warning", "critical"])
def test_a_first_breach_opens_at_once(status):
    assert step(evaluated(status, 0.2)).rows(named=True) == [
        {
            "rule": "error_rate",
            "scope": "search",
            "from_state": "ok",
            "to_state": status,
            "summary": "error_rate: search is so and so",
            "backfilled": False,
            "alert_key": f"error_rate:search:2026-11-09:ok:{status}",
            "to_roll_back": False,
        }
    ]


@pytest.mark.parametrize(
    ("state", "status", "estimate", "after"),
    [
        ("warning", "warning", 0.04, "warning"),
        ("warning", "critical", 0.09, "critical"),  # worse: at once
        ("warning", "ok", 0.01, "ok"),
        ("warning", "ok", 0.025, "warning"),  # interval reaches below, estimate is still above
        ("warning", "ok", 0.02, "ok"),  # the line itself is inside
        ("critical", "critical", 0.09, "critical"),
        ("critical", "warning", 0.06, "critical"),
        ("critical", "warning", 0.04, "warning"),
        ("critical", "ok", 0.06, "critical"),
        ("critical", "ok", 0.03, "warning"),
        ("critical", "ok", 0.01, "ok"),
        ("ok", "ok", 0.09, "ok"),  # the estimate alone opens nothing
    ],
)
def test_worse_at_once_better_only_when_the_estimate_is_back(state, status, estimate, after):
    expected = [] if after == state else [(state, after)]
    assert change(step(evaluated(status, estimate), was(state))) == expected


def test_below_the_line_is_the_bad_side_of_a_floor():
    floor = rules(rule(direction="below", warning=0.6, critical=None))
    kept = step(evaluated("ok", 0.59), was("warning"), using=floor)
    cleared = step(evaluated("ok", 0.61), was("warning"), using=floor)
    assert (change(kept), change(cleared)) == ([], [("warning", "ok")])


def test_a_drop_clears_when_the_drop_itself_is_small_again():
    fields = {"rule": "support_drop"}
    kept = step(evaluated("ok", 0.06, **fields), was("warning", **fields))
    cleared = step(evaluated("ok", -0.02, **fields), was("warning", **fields))
    assert (change(kept), change(cleared)) == ([], [("warning", "ok")])


@pytest.mark.parametrize("state", ["warning", "critical"])
def test_silence_is_no_all_clear(state):
    assert step(evaluated("no_data"), was(state)).is_empty()


@pytest.mark.parametrize("state", ["warning", "critical"])
def test_a_feature_that_is_not_evaluated_keeps_its_alert_open(state):
    assert step(evaluated("ok", 0.0, scope="chat"), was(state)).is_empty()


def test_a_figure_that_hovers_around_a_line_opens_once():
    """Estimates of 2.5 to 3 %: certain on every other night, never back inside."""
    history = alerts()
    changes = []
    for night in range(10):
        day = DAY + timedelta(days=night)
        status, estimate = ("warning", 0.03) if night % 2 == 0 else ("ok", 0.025)
        rows = transitions(
            evaluations(evaluated(status, estimate)),
            last_states(history, day),
            EvaluatedDay(day, NIGHT + timedelta(days=night), TWO_DAYS),
            rules=RULES,
        )
        changes += change(rows)
        history = pl.concat([history, rows.with_columns(day=pl.lit(day)).select(history.columns)])
    assert changes == [("ok", "warning")]


def test_only_a_critical_rule_with_that_action_asks_for_a_rollback():
    hallucination = {"rule": "hallucination_rate"}
    asked = [
        step(evaluated("critical", 0.3, **hallucination))["to_roll_back"][0],
        step(evaluated("warning", 0.05, **hallucination))["to_roll_back"][0],
        step(evaluated("critical", 0.3))["to_roll_back"][0],
    ]
    assert asked == [True, False, False]


def test_a_late_day_is_recorded_but_nobody_is_told_and_nothing_rolled_back():
    row = step(evaluated("critical", 0.3, rule="hallucination_rate"), now=LATE).row(0, named=True)
    assert (row["backfilled"], row["to_roll_back"]) == (True, False)


@pytest.mark.parametrize(
    ("hours", "late"), [(-10, False), (0, False), (48, False), (48.01, True), (1000, True)]
)
def test_a_day_is_late_when_it_ended_longer_ago_than_act_within(hours, late):
    end = datetime(2026, 11, 10)  # noqa: DTZ001
    assert EvaluatedDay(DAY, end + timedelta(hours=hours), TWO_DAYS).is_backfilled is late


def test_a_zoned_clock_is_read_as_utc():
    now = datetime(2026, 11, 12, 1, tzinfo=timezone(timedelta(hours=2)))  # 23:00 UTC the day before
    later = now.astimezone(UTC) + timedelta(hours=2)
    assert EvaluatedDay(DAY, now, TWO_DAYS).is_backfilled is False
    assert EvaluatedDay(DAY, later, TWO_DAYS).is_backfilled is True


@pytest.mark.parametrize(
    "using",
    [Rules(), rules(rule(exclude=["search"])), rules(rule(scopes=["chat"]))],
    ids=["rule gone", "feature excluded", "other features only"],
)
def test_an_alert_whose_rule_no_longer_covers_it_is_closed(using):
    frame = step(evaluated("ok", 0.0, scope="chat"), was("critical"), using=using)
    assert change(frame) == [("critical", "ok")]
    assert frame["summary"][0] == "error_rate: search closed: alert_rules.yaml no longer has it"


def test_a_closed_alert_of_a_gone_rule_stays_closed():
    assert step(evaluated("ok", 0.0), was("ok"), using=Rules()).is_empty()


def test_a_rule_without_critical_line_holds_at_warning():
    target = rules(rule(critical=None))
    assert change(step(evaluated("ok", 0.5), was("critical"), using=target)) == [
        ("critical", "warning")
    ]


def test_several_scopes_change_in_the_order_of_their_names():
    frame = transitions(
        evaluations(*(evaluated("critical", 0.2, scope=scope) for scope in "cab")),
        NEVER,
        TONIGHT,
        rules=RULES,
    )
    assert frame["scope"].to_list() == ["a", "b", "c"]


# What was recorded for the day before


def test_running_a_night_twice_gives_the_same_rows():
    first = step(evaluated("critical", 0.2))
    assert step(evaluated("critical", 0.2)).equals(first)
    assert step(evaluated("critical", 0.2), recorded=first).equals(first)


@pytest.mark.parametrize(
    ("state", "status", "estimate"),
    [
        (state, status, estimate)
        for state in ("ok", "warning", "critical")
        for status, estimate in [
            ("ok", 0.01), ("ok", 0.03), ("ok", 0.09), ("warning", 0.03), ("warning", 0.09),
            ("critical", 0.09), ("no_data", None),
        ]
    ],
)  # fmt: skip
def test_repeating_a_night_over_its_own_record_changes_nothing(state, status, estimate):
    first = step(evaluated(status, estimate), was(state))
    assert step(evaluated(status, estimate), was(state), recorded=first).equals(first)


def test_a_file_that_arrives_within_the_window_takes_the_alarm_back_in_a_message_of_its_own():
    told = step(evaluated("critical", 0.2))
    again = step(evaluated("ok", 0.01), recorded=told)
    assert again["alert_key"].to_list() == ["error_rate:search:2026-11-09:critical:ok"]


def test_a_late_file_does_not_rewrite_what_people_were_told():
    told = step(evaluated("critical", 0.2))
    assert step(evaluated("ok", 0.01), now=LATE, recorded=told).equals(told)


def test_a_late_file_adds_what_nobody_was_told():
    told = step(evaluated("critical", 0.2))
    both = transitions(
        evaluations(evaluated("ok", 0.01), evaluated("warning", 0.03, scope="chat")),
        NEVER,
        EvaluatedDay(DAY, LATE, TWO_DAYS),
        rules=RULES,
        recorded=told,
    )
    assert both.select("scope", "to_state", "backfilled").rows() == [
        ("chat", "warning", True),
        ("search", "critical", False),
    ]


def test_a_backfilled_record_is_evaluated_anew():
    silent = step(evaluated("critical", 0.2), now=LATE)
    assert step(evaluated("ok", 0.01), now=LATE, recorded=silent).is_empty()


# The state before a day


def test_the_last_change_before_the_day_is_the_state():
    history = alerts(
        alert("ok", "warning", DAY - timedelta(days=3)),
        alert("warning", "critical", DAY - timedelta(days=2)),
        alert("critical", "ok", DAY),
    )
    assert last_states(history, DAY).rows() == [
        ("error_rate", "search", "critical", DAY - timedelta(days=2), "critical")
    ]


def test_history_may_come_in_any_order():
    rows = [
        alert("warning", "critical", DAY - timedelta(days=2)),
        alert("ok", "warning", DAY - timedelta(days=3)),
    ]
    assert last_states(alerts(*rows), DAY)["state"].to_list() == ["critical"]


def test_no_history_is_no_state():
    assert last_states(alerts(), DAY).equals(NEVER)


def test_people_know_the_last_state_that_was_not_backfilled():
    history = alerts(
        alert("ok", "warning", DAY - timedelta(days=3)),
        alert("warning", "critical", DAY - timedelta(days=2), backfilled=True),
    )
    assert last_states(history, DAY).select("state", "known").rows() == [("critical", "warning")]


def test_of_a_history_that_was_all_backfilled_people_know_nothing():
    history = alerts(alert("ok", "critical", DAY - timedelta(days=3), backfilled=True))
    assert last_states(history, DAY).select("state", "known").rows() == [("critical", "ok")]


# What nobody heard of


def news(given: dict, before: pl.DataFrame, now: datetime = NIGHT) -> pl.DataFrame:
    return untold(evaluations(given), before, EvaluatedDay(DAY, now, TWO_DAYS), rules=RULES)


def test_an_open_alert_from_a_backfilled_day_is_told_on_the_first_live_one():
    frame = news(evaluated("critical", 0.2), was("critical", known="ok"))
    assert frame.select(
        "from_state", "to_state", "summary", "alert_key", "to_roll_back"
    ).rows() == [
        (
            "ok",
            "critical",
            "error_rate: search is so and so (since 2026-11-08, told late)",
            "error_rate:search:2026-11-08:ok:critical",
            False,
        )
    ]


def test_late_news_keeps_its_key_from_night_to_night():
    keys = {
        untold(
            evaluations(evaluated("critical", 0.2)),
            was("critical", known="ok"),
            EvaluatedDay(DAY + timedelta(days=night), NIGHT + timedelta(days=night), TWO_DAYS),
            rules=RULES,
        )["alert_key"][0]
        for night in range(3)
    }
    assert len(keys) == 1


def test_an_alert_that_closed_while_nobody_looked_is_told_as_closed():
    frame = news(evaluated("ok", 0.01), was("ok", known="critical"))
    assert change(frame) == [("critical", "ok")]


@pytest.mark.parametrize(
    ("given", "before", "now"),
    [
        (evaluated("critical", 0.2), was("critical"), NIGHT),
        (evaluated("ok", 0.01), was("critical", known="ok"), NIGHT),
        (evaluated("critical", 0.2), was("critical", known="ok"), LATE),
        (evaluated("critical", 0.2, scope="chat"), was("critical", known="ok"), NIGHT),
        (evaluated("critical", 0.2), NEVER, NIGHT),
    ],
    ids=["known", "changes today", "today is late too", "not evaluated", "new today"],
)
def test_there_is_no_late_news_where_nothing_was_missed(given, before, now):
    assert news(given, before, now).equals(ALERTS.empty())

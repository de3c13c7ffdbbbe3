"""Rules on figures: what fires, what is fine, and what is not known."""

from datetime import date, timedelta

import polars as pl
import pytest

from llmops_pipelines.incidents import MEASUREMENTS, Rules, evaluate
from llmops_pipelines.statistics import wilson
from llmops_pipelines.tables import RULE_EVALUATIONS
from tests.incidents.factories import (
    DAY,
    drop_rule,
    figure,
    made_calls,
    measured,
    rollback_rule,
    rule,
    rules,
    share,
)


def found(frame: pl.DataFrame, *columns: str) -> list[tuple]:
    return frame.select(columns).rows()


def verdict(given, *rows) -> tuple[str, str]:
    frame = evaluate(rules(given), measured(*rows), DAY)
    return frame.row(0, named=True)["status"], frame.row(0, named=True)["summary"]


@pytest.mark.parametrize(
    ("x", "n", "status"),
    [
        (64, 812, "critical"),
        (40, 1000, "warning"),
        (8, 400, "ok"),
        (0, 400, "ok"),
        (400, 400, "critical"),
        (3, 40, "warning"),
        (2, 40, "ok"),
    ],
)
def test_a_rate_fires_when_its_whole_interval_is_above_the_line(x, n, status):
    assert verdict(rule(), share("error_rate", x, n))[0] == status


def test_the_line_itself_is_not_beyond_the_line():
    on_it = figure("error_rate", 0.05, 0.02, 0.1)
    assert verdict(rule(), on_it)[0] == "ok"


def test_below_fires_when_the_upper_bound_is_under_the_line():
    target = rule("csat", metric="csat", direction="below", warning=4.2, critical=3.5)
    assert verdict(target, figure("csat", 4.0, 3.9, 4.1))[0] == "warning"
    assert verdict(target, figure("csat", 4.0, 3.7, 4.3))[0] == "ok"
    assert verdict(target, figure("csat", 3.0, 2.7, 3.4))[0] == "critical"


def test_a_target_has_no_critical_line():
    assert verdict(rule(critical=None), share("error_rate", 90, 100))[0] == "warning"


def test_too_few_observations_are_no_data_however_bad():
    status, summary = verdict(rule(minimum_n=30), share("error_rate", 29, 29))
    assert status == "no_data"
    assert summary == "error_rate: search has no data: 29 calls are fewer than the 30 it asks for"


def test_as_many_as_asked_for_are_enough():
    assert verdict(rule(minimum_n=30), share("error_rate", 30, 30))[0] == "critical"


def test_a_figure_that_is_null_is_no_data_with_its_remedy():
    status, summary = verdict(
        rule("refusals", metric="refusal_rate", warning=0.01, critical=None),
        figure("refusal_rate", None, n=0, missing=250),
    )
    assert status == "no_data"
    assert summary == (
        "refusals: search has no data: no answer could be read; `content: none` in features.yaml "
        "keeps none; 250 could not be measured"
    )


def test_an_interval_without_the_bound_that_counts_is_no_data():
    slow = rule("latency", metric="latency_p99", warning=8000, critical=20000)
    status, summary = verdict(slow, figure("latency_p99", 9000.0, None, None, 40))
    assert status == "no_data"
    assert summary == ("latency: search has no data: 40 calls do not bound the figure from below")


def test_an_interval_needs_only_the_bound_that_counts():
    slow = rule("latency", metric="latency_p99", warning=8000, critical=20000)
    assert verdict(slow, figure("latency_p99", 25e3, 21e3, None)) == (
        "critical",
        "latency: search 25,000 ms [21,000, ?] of 100 calls, above the critical line 20,000 ms",
    )


def test_spend_is_known_and_needs_no_minimum():
    spend = rule("spend", metric="budget_share", warning=1.2, critical=1.5, scopes=["*", "total"])
    frame = evaluate(
        rules(spend),
        measured(
            figure("budget_share", 1.21, 1.21, 1.21, 1),
            figure("budget_share", 1.6, 1.6, 1.6, 1, scope="total", missing=12),
        ),
        DAY,
    )
    assert found(frame, "scope", "status", "smallest_effect") == [
        ("search", "warning", 1.2),
        ("total", "critical", 1.2),
    ]
    assert frame["summary"].to_list() == [
        "spend: search spent 121 % of its budget, above the warning line 120 %",
        "spend: total spent 160 % of its budget, above the critical line 150 % "
        "(12 calls without a price are not in it)",
    ]


def test_no_budget_is_no_data_with_a_hint():
    spend = rule("spend", metric="budget_share", warning=1.2, critical=1.5)
    assert verdict(spend, figure("budget_share", None, n=0)) == (
        "no_data",
        "spend: search has no data: no budget is set, nothing was logged, or no call has a price; "
        "add a budget to budgets.yaml",
    )


def test_a_service_without_calls_can_be_watched():
    silent = rule("silent", metric="calls", direction="below", warning=1, critical=None,
                  scopes="total")  # fmt: skip
    assert verdict(silent, made_calls("total", 0)) == (
        "warning",
        "silent: total 0 calls, below the warning line 1",
    )


def test_without_a_judge_the_hallucination_rule_has_no_data_for_each_feature_with_calls():
    frame = evaluate(
        rules(rollback_rule()), measured(made_calls("search"), made_calls("chat", 7)), DAY
    )
    assert found(frame, "scope", "status", "n") == [
        ("chat", "no_data", 0),
        ("search", "no_data", 0),
    ]
    assert frame["summary"][0] == (
        "hallucination_rate: chat has no data: no judge scored groundedness; "
        "switch judging on in features.yaml"
    )


def test_a_judge_that_scored_nothing_is_counted_and_not_a_clean_bill():
    silent = figure("hallucination_rate", None, n=0, missing=34, judge_spec="s")
    assert verdict(rollback_rule(), silent)[1].endswith("; 34 could not be measured")


def test_the_judge_behind_a_figure_is_kept():
    bad = share("hallucination_rate", 30, 100, judge_spec="spec-a")
    frame = evaluate(rules(rollback_rule()), measured(bad), DAY)
    assert found(frame, "status", "judge_spec") == [("critical", "spec-a")]


def test_of_two_judges_the_one_with_more_verdicts_counts():
    few = share("hallucination_rate", 30, 40, judge_spec="a")
    many = share("hallucination_rate", 0, 400, judge_spec="b")
    frame = evaluate(rules(rollback_rule()), measured(few, many), DAY)
    assert found(frame, "status", "judge_spec") == [("ok", "b")]


def test_of_two_judges_with_equally_many_the_first_by_name_counts():
    one, two = (share("hallucination_rate", 0, 40, judge_spec=spec) for spec in "zy")
    frame = evaluate(rules(rollback_rule()), measured(one, two), DAY)
    assert frame["judge_spec"].to_list() == ["y"]


def test_every_feature_measured_that_day_has_a_row():
    frame = evaluate(
        rules(rule()),
        measured(*(share("error_rate", 0, 100, scope=scope) for scope in ("b", "a", "total"))),
        DAY,
    )
    assert found(frame, "scope") == [("a",), ("b",)]


def test_a_feature_the_metric_does_not_apply_to_has_no_row():
    formats = rule("formats", metric="format_error_rate")
    assert evaluate(rules(formats), measured(made_calls()), DAY).is_empty()


def test_a_metric_that_was_there_before_is_missed():
    formats = rule("formats", metric="format_error_rate")
    yesterday = share("format_error_rate", 0, 100, day=DAY - timedelta(days=1))
    frame = evaluate(rules(formats), measured(yesterday, made_calls()), DAY)
    assert found(frame, "status", "summary") == [
        ("no_data", "formats: search has no data: nothing was measured that day")
    ]


def test_an_empty_row_of_an_earlier_day_is_not_missed():
    nothing = figure("csat", None, n=0, day=DAY - timedelta(days=1))
    target = rule("csat", metric="csat", direction="below", warning=4.2, critical=None)
    assert evaluate(rules(target), measured(nothing, made_calls()), DAY).is_empty()


def test_a_scope_a_rule_names_always_has_a_row():
    frame = evaluate(rules(rule(scopes=["serach"])), measured(made_calls()), DAY)
    assert found(frame, "scope", "status") == [("serach", "no_data")]


def test_an_excluded_feature_is_left_alone():
    frame = evaluate(rules(rule(exclude=["search"])), measured(share("error_rate", 9, 99)), DAY)
    assert frame.is_empty()


def test_a_feature_without_calls_that_day_owes_nothing():
    frame = evaluate(rules(rollback_rule()), measured(made_calls(count=0)), DAY)
    assert frame.is_empty()


def test_later_days_are_ignored():
    tomorrow = share("error_rate", 99, 100, day=DAY + timedelta(days=1))
    frame = evaluate(rules(rule()), measured(share("error_rate", 0, 100), tomorrow), DAY)
    assert found(frame, "status") == [("ok",)]


def test_no_rules_or_no_figures_give_an_empty_frame():
    assert evaluate(Rules(), measured(made_calls()), DAY).equals(RULE_EVALUATIONS.empty())
    assert evaluate(rules(rule()), MEASUREMENTS.empty(), DAY).equals(RULE_EVALUATIONS.empty())


def test_the_order_of_figures_does_not_matter():
    rows = [share("error_rate", k, 100, scope=f"f{k}") for k in range(9)]
    assert evaluate(rules(rule()), measured(*rows), DAY).equals(
        evaluate(rules(rule()), measured(*reversed(rows)), DAY)
    )


@pytest.mark.parametrize("n", [30, 47, 100, 812, 10_000])
def test_the_smallest_effect_is_the_first_count_that_fires(n):
    frame = evaluate(rules(rule()), measured(share("error_rate", 0, n)), DAY)
    count = round(frame["smallest_effect"][0] * n)
    assert wilson(count, n).low > 0.02
    assert wilson(count - 1, n).low <= 0.02


@pytest.mark.parametrize("n", [30, 100, 812])
def test_the_smallest_effect_below_a_line_is_the_last_count_that_fires(n):
    target = rule(direction="below", warning=0.6, critical=None)
    frame = evaluate(rules(target), measured(share("error_rate", n, n)), DAY)
    count = round(frame["smallest_effect"][0] * n)
    assert wilson(count, n).high < 0.6
    assert wilson(count + 1, n).high >= 0.6


def test_a_line_no_count_can_cross_has_no_smallest_effect():
    target = rule(warning=0.99, critical=None, minimum_n=1)
    frame = evaluate(rules(target), measured(share("error_rate", 1, 2)), DAY)
    assert frame["smallest_effect"].to_list() == [None]


def test_the_smallest_effect_of_other_figures_is_line_plus_half_width():
    target = rule("csat", metric="csat", direction="below", warning=4.2, critical=None)
    frame = evaluate(rules(target), measured(figure("csat", 4.5, 4.25, 4.75)), DAY)
    assert frame["smallest_effect"].to_list() == [pytest.approx(3.95)]


def test_no_data_has_no_smallest_effect():
    frame = evaluate(rules(rule()), measured(share("error_rate", 0, 10)), DAY)
    assert frame["smallest_effect"].to_list() == [None]


def support(back: int, estimate: float | None, n: int = 200, half: float = 0.02, **changes):
    ends = (None, None) if estimate is None else (estimate - half, estimate + half)
    fields = {"day": DAY - timedelta(days=back), "judge_spec": "overlap"}
    return figure("support", estimate, *ends, n, **fields | changes)


def week(level: float = 0.7, **changes):
    return [support(back, level, **changes) for back in range(1, 8)]


def drop(*rows, given=None, day: date = DAY) -> dict:
    return evaluate(rules(given or drop_rule()), measured(*rows), day).row(0, named=True)


def test_a_drop_against_the_last_seven_days_fires():
    row = drop(*week(), support(0, 0.42))
    assert row["status"] == "critical"
    assert row["estimate"] == pytest.approx(0.4)
    assert row["low"] < 0.4 < row["high"]
    assert (row["n"], row["warning"], row["critical"]) == (200, 0.05, 0.1)
    assert row["judge_spec"] == "overlap"


def test_a_drop_says_from_where_to_where():
    summary = drop(*week(), support(0, 0.42))["summary"]
    assert summary.startswith(
        "support_drop: search 0.420 support against 0.700 on 7 calm days before, down 40 % [37"
    )
    assert summary.endswith("], of 200 answers, above the critical line 10 %")


def test_a_rise_is_no_drop_and_reads_as_a_rise():
    row = drop(*week(), support(0, 0.77))
    assert row["status"] == "ok"
    assert ", up 10 % [6" in row["summary"]
    assert row["summary"].endswith(", not above the warning line 5 %")


def test_a_small_drop_may_be_chance():
    row = drop(*week(), support(0, 0.65, half=0.05))
    assert row["status"] == "ok"
    assert row["summary"].endswith("above the warning line 5 %, but not for certain")


def test_the_smallest_drop_it_could_have_seen_adds_the_half_width():
    row = drop(*week(), support(0, 0.7))
    assert row["smallest_effect"] == pytest.approx(0.05 - row["low"])


@pytest.mark.parametrize(
    "past",
    [
        [],
        week()[:2],
        week(n=5),
        week(judge_spec="another"),
        [support(back, None, 0) for back in range(1, 8)],
        [support(back, 0.7) for back in range(40, 47)],
        week(0.0, half=0.0),
    ],
    ids=["none", "two days", "tiny days", "another judge", "unscored", "long ago", "zero"],
)
def test_without_a_baseline_a_drop_is_no_data(past):
    row = drop(*past, support(0, 0.42))
    assert row["status"] == "no_data"
    assert row["estimate"] is None
    assert row["n"] == 200
    assert (
        "before are no baseline; it asks for 3 days with 100 under the same judge"
        in (row["summary"])
    )


def test_a_short_baseline_can_be_asked_for():
    assert drop(*week()[:2], support(0, 0.42), given=drop_rule(baseline_days=2))["status"] == (
        "critical"
    )


def test_a_lasting_drop_does_not_become_its_own_baseline():
    bad = [support(back, 0.42) for back in range(15)]
    good = [support(back, 0.7) for back in range(15, 22)]
    row = drop(*good, *bad)
    assert row["status"] == "critical"
    assert row["estimate"] == pytest.approx(0.4)


def test_after_the_hold_the_new_level_is_the_norm():
    bad = [support(back, 0.42) for back in range(40)]
    good = [support(back, 0.7) for back in range(40, 47)]
    assert drop(*good, *bad)["status"] == "ok"


def test_one_bad_day_does_not_make_the_next_good_one_a_rise():
    past = [support(1, 0.42), *(support(back, 0.7) for back in range(2, 9))]
    row = drop(*past, support(0, 0.7))
    assert row["estimate"] == pytest.approx(0)


def test_a_gap_in_the_week_is_bridged():
    past = [support(back, 0.7) for back in range(4, 11)]
    assert drop(*past, support(0, 0.42))["status"] == "critical"


def test_a_rate_can_drop_too():
    given = drop_rule(metric="groundedness", minimum_baseline_n=50)
    past = [share("groundedness", 95, 100, day=DAY - timedelta(days=k)) for k in range(1, 8)]
    row = drop(*past, share("groundedness", 60, 100), given=given)
    assert row["status"] == "critical"


def test_a_drop_of_a_counted_rate_pools_counts():
    given = drop_rule(metric="format_error_rate", minimum_baseline_n=50)
    past = [share("format_error_rate", 50, 100, day=DAY - timedelta(days=k)) for k in range(1, 8)]
    row = drop(*past, share("format_error_rate", 5, 100), given=given)
    assert row["status"] == "critical"
    assert row["estimate"] == pytest.approx(0.9)

import dataclasses
import re
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import polars as pl
import pytest

from llmops_pipelines.cost import past_spend
from llmops_pipelines.reporting import OPEN_ALERTS, UNPRICED_MODELS, NightlyData, page
from llmops_pipelines.reporting.alerts import alerts_of
from llmops_pipelines.reporting.headline import tiles_of
from llmops_pipelines.reporting.night import SERIES_BREAKS
from llmops_pipelines.reporting.spend import spend_of
from llmops_pipelines.savings.routing.routing import CAVEAT
from llmops_pipelines.tables import (
    ALERTS,
    BUDGET_STATUS,
    EVALUATION_COSTS,
    FEATURE_COSTS,
    GOLDEN_DATASET,
    JUDGE_BRIDGES,
    JUDGE_SPECS,
    QUALITY,
    REJECTED_LINES,
    ROLLBACKS,
    ROUTING_SAVINGS,
    RULE_EVALUATIONS,
    SAVINGS_PLAN,
    SERVICE_HEALTH,
)
from tests.reporting.worlds import DAY, fortnight, rows

_VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page as a browser would: its text, its tags, and whether they close in order."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.text, self.tags, self.attributes, self.open = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def read(night: NightlyData) -> str:
    """The text of a night's page, white space as one blank."""
    return " ".join(" ".join(Reader(page(night)).text).split())


def night(**tables) -> NightlyData:
    return NightlyData(day=DAY, **tables)


def cost(feature="chat", *, dated=False, **more) -> dict:
    return {
        "feature": feature,
        "team": "care",
        "model": "gpt-4.1-mini",
        "calls": 10,
        "cost": Decimal("2.5"),
        **more,
    }


def rate(metric, **more) -> dict:
    return {"feature": "chat", "model": "*", "metric": metric, **more}


def estimate(**more) -> dict:
    return {
        "feature": "chat",
        "prompt_version": "*",
        "metric": "support",
        "judge_spec": "abc123",
        "judge": "embedded scorer",
        "estimate": 0.8,
        "low": 0.75,
        "high": 0.85,
        "n": 90,
        "unscored": 4,
        "population": 94,
        "method": "census",
        **more,
    }


def alert(to="critical", **more) -> dict:
    return {
        "rule": "error_rate",
        "scope": "chat",
        "from_state": "ok",
        "to_state": to,
        "summary": "it broke",
        "alert_key": "k",
        **more,
    }


def evaluation(status, **more) -> dict:
    return {
        "rule": "error_rate",
        "scope": "chat",
        "metric": "error_rate",
        "status": status,
        "summary": "it broke",
        **more,
    }


def rejected(line, reason="not JSON", file="a.jsonl") -> dict:
    return {"source_file": file, "source_line": line, "reason": reason}


def test_equal_data_gives_equal_bytes_whatever_the_order_of_rows():
    whole = fortnight()
    shuffled = {
        field.name: getattr(whole, field.name).reverse()
        for field in dataclasses.fields(whole)
        if isinstance(getattr(whole, field.name), pl.DataFrame)
    }
    assert page(dataclasses.replace(whole, **shuffled)) == page(whole)


def test_the_page_needs_nothing_but_itself():
    html = page(dataclasses.replace(fortnight(), charts={"spend": "<svg><title>s</title></svg>"}))
    reader = Reader(html)
    assert {"script", "link", "img", "iframe", "object", "base", "form"}.isdisjoint(reader.tags)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", html)
    assert all(value.startswith("#") for name, value in reader.attributes if name == "href")
    assert not [name for name, _ in reader.attributes if name.startswith("on")]


def test_charts_of_ours_are_drawn_and_an_absent_one_leaves_no_hole():
    drawing = "<svg><title>s</title></svg>"
    html = page(dataclasses.replace(fortnight(), charts={"latency": drawing}))
    assert html.count("<figure") == 1
    assert drawing in html


HOSTILE = (
    '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    "<a href='javascript:alert(3)'>&lt;\x00\u202e\u200b{{ 7*7 }}{% raw %}"
)


def test_text_from_logs_is_only_ever_text():
    name = {"feature": HOSTILE}
    reader = Reader(
        page(
            night(
                feature_costs=rows(FEATURE_COSTS, cost(HOSTILE, team=HOSTILE, model=HOSTILE)),
                budget_status=rows(
                    BUDGET_STATUS, {"scope": HOSTILE, "status": "no_data", "hint": HOSTILE}
                ),
                unpriced_models=pl.DataFrame(
                    [(HOSTILE, HOSTILE, HOSTILE, 1)], schema=UNPRICED_MODELS, orient="row"
                ),
                service_health=rows(
                    SERVICE_HEALTH,
                    rate("error_rate", estimate=0.1, **name),
                    rate(f"error_rate/{HOSTILE}", estimate=0.1, **name),
                ),
                quality=rows(
                    QUALITY,
                    estimate(
                        metric=HOSTILE, judge=HOSTILE, judge_spec=HOSTILE, method=HOSTILE, **name
                    ),
                    estimate(prompt_version=HOSTILE),
                    estimate(prompt_version="1"),
                ),
                judge_specs=rows(
                    JUDGE_SPECS,
                    {"spec_id": HOSTILE, "metric": HOSTILE, "kind": HOSTILE, "model": HOSTILE},
                ),
                rule_evaluations=rows(
                    RULE_EVALUATIONS,
                    evaluation("no_data", rule=HOSTILE, scope=HOSTILE, summary=HOSTILE),
                    evaluation("warning", rule=HOSTILE, scope="s", summary=HOSTILE),
                ),
                alerts=rows(
                    ALERTS,
                    alert(HOSTILE, from_state=HOSTILE, rule=HOSTILE, scope="x", summary=HOSTILE),
                ),
                rollbacks=rows(
                    ROLLBACKS,
                    {"scope": HOSTILE, "prompt": HOSTILE, "outcome": HOSTILE, "reason": HOSTILE},
                    {
                        "scope": "y",
                        "prompt": HOSTILE,
                        "from_version": HOSTILE,
                        "outcome": "dry_run",
                        "reason": HOSTILE,
                    },
                ),
                rejected_lines=rows(REJECTED_LINES, rejected(3, HOSTILE, HOSTILE)),
                routing_savings=rows(
                    ROUTING_SAVINGS, {"cheapest_model": HOSTILE, "caveat": HOSTILE, **name}
                ),
                golden_dataset=rows(
                    GOLDEN_DATASET, {"why": HOSTILE, "contexts": [], "embedding": [], **name}
                ),
                golden_version=HOSTILE,
                price_sources=(HOSTILE,),
                provenance={HOSTILE: HOSTILE},
            )
        )
    )
    clean = Reader(page(fortnight()))
    assert set(reader.tags) <= set(clean.tags) | {"p"}
    assert {name for name, _ in reader.attributes} <= {name for name, _ in clean.attributes}
    assert not [value for _, value in reader.attributes if value and "alert(" in value]
    text = " ".join(reader.text)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert "[U+0000][U+202E][U+200B]" in text
    assert not re.search("[\x00\u202e\u200b]", text)


def test_a_night_without_anything_says_what_is_missing():
    text = read(night())
    for sentence in (
        "No calls were logged for Tuesday 10 November 2026. No alert rule was evaluated.",
        "No rule was evaluated: add rules in data/reference/alert_rules.yaml.",
        "No calls were logged on this day.",
        "No budget set for total: add it in data/reference/budgets.yaml.",
        "Nothing was scored on this day.",
        "The hallucination rate is unknown.",
        "No health was measured on this day.",
        "Every line of the day's logs could be read.",
        "There was nothing to replay",
        "There was no version with cases when",
        "not recorded",
    ):
        assert sentence in text


def test_the_headline_tells_calls_money_alerts_and_losses():
    html = page(fortnight())
    headline = re.search(r"<h1>(.*?)</h1>", html)[1]
    assert re.sub("<[^>]+>", "", headline) == (
        "1,856 calls cost $18.32, 37 unpriced ones not included. Three alerts changed (one "
        "critical, one warning and one cleared), one more remains open. "
        "14 log lines could not be read."
    )


def test_a_day_without_any_price_is_not_free():
    costs = rows(FEATURE_COSTS, cost(cost=None, unpriced_calls=10))
    text = read(night(feature_costs=costs))
    assert "10 calls, and none of them has a known price." in text
    assert "$0.00" not in text


def test_what_judging_cost_stands_apart_from_the_days_spend():
    judge = {
        "metric": "answer_relevancy", "model": "judge-1", "verdicts": 40, "calls": 43,
        "faults": 2, "paid_twice": 1, "cost": Decimal("0.31"),
    }  # fmt: skip
    text = read(night(evaluation_costs=rows(EVALUATION_COSTS, judge)))
    assert "What judging cost no part of the day's spend above" in text
    assert "answer relevancy judge-1 40 43 2 1 $0.31" in text
    assert "What judging cost" not in read(night())


def test_one_call_and_one_line_are_told_in_the_singular():
    text = read(
        night(
            feature_costs=rows(FEATURE_COSTS, cost(calls=1)),
            rejected_lines=rows(REJECTED_LINES, rejected(7)),
            alerts=rows(ALERTS, alert()),
        )
    )
    assert "1 call cost $2.50. One alert changed (one critical). 1 log line could not be" in text


def test_a_quiet_night_says_so():
    evaluations = rows(RULE_EVALUATIONS, evaluation("ok"))
    text = read(night(rule_evaluations=evaluations))
    assert "No alert changed." in text
    assert "1 rule evaluation, 1 of them fine." in text


def test_the_worst_alert_comes_first():
    changes = rows(
        ALERTS,
        alert("ok", scope="a", from_state="warning"),
        alert("warning", scope="b"),
        alert("no_data", scope="c"),
        alert("critical", scope="d"),
    )
    text = read(night(alerts=changes))
    order = [text.index(words) for words in ("critical d", "warning b", "no data c", "cleared a")]
    assert order == sorted(order)


def test_an_alert_that_did_not_change_stays_on_the_page():
    said = "error_rate: still slow"  # as rules say it, the name first
    evaluations = rows(RULE_EVALUATIONS, evaluation("warning", summary=said, scope="mail"))
    text = read(night(rule_evaluations=evaluations))
    assert "No alert changed, one more remains open." in text
    assert "Still open warning mail error_rate still slow." in text


@pytest.mark.parametrize(
    ("tonight", "told"),
    [
        (["critical"], "critical chat error_rate it broke."),
        (["ok"], "critical chat error_rate it broke; critical since 2026-11-08, not cleared yet."),
        (
            ["no_data"],
            "critical chat error_rate it broke; critical since 2026-11-08, not cleared yet.",
        ),
        (
            [],
            "critical chat error_rate was not evaluated tonight; critical since 2026-11-08, not "
            "cleared yet.",
        ),
    ],
)
def test_an_alert_is_open_until_it_is_cleared_whatever_the_figure_of_the_night(tonight, told):
    standing = {"rule": "error_rate", "scope": "chat", "state": "critical"}
    text = read(
        night(
            rule_evaluations=rows(RULE_EVALUATIONS, evaluation("ok", scope="mail"),
                                  *map(evaluation, tonight)),
            open_alerts=pl.DataFrame(
                [standing | {"since": DAY - timedelta(days=2)}], schema=OPEN_ALERTS
            ),
        )
    )  # fmt: skip
    assert "No alert changed, one more remains open." in text
    assert "Open alerts 1 1 critical" in text
    assert told in text


def test_a_late_evaluation_says_that_nobody_was_told():
    text = read(night(alerts=rows(ALERTS, alert(backfilled=True))))
    assert "evaluated late: nobody was told" in text


def test_an_alert_says_what_it_could_have_seen():
    evaluations = rows(RULE_EVALUATIONS, evaluation("critical", smallest_effect=0.021))
    text = read(night(alerts=rows(ALERTS, alert()), rule_evaluations=evaluations))
    assert "Smallest breach it could have seen: 2.1 %." in text


def test_the_breach_of_a_drop_is_a_share_whatever_the_metric_is_measured_in():
    drop = evaluation("critical", metric="support", smallest_effect=0.0935, kind="relative_drop")
    evaluations = rows(RULE_EVALUATIONS, drop)
    text = read(night(alerts=rows(ALERTS, alert()), rule_evaluations=evaluations))
    assert "Smallest breach it could have seen: 9.3 %." in text


def test_a_figure_known_exactly_has_no_smallest_breach_to_tell():
    exact = evaluation("critical", smallest_effect=1.2, warning=1.2)
    evaluations = rows(RULE_EVALUATIONS, exact)
    text = read(night(alerts=rows(ALERTS, alert()), rule_evaluations=evaluations))
    assert "Smallest breach" not in text


def test_a_method_is_told_once_whatever_the_sizes_it_was_used_on():
    told = "stratified sample, weighted"
    text = read(fortnight())
    assert text.count(told) == 1
    assert "of 17 of" not in text


def test_rules_without_data_are_listed_once_with_their_scopes():
    evaluations = rows(
        RULE_EVALUATIONS,
        *(
            evaluation("no_data", rule="hallucination_rate", scope=scope, summary="no judge")
            for scope in ("mail", "chat")
        ),
    )
    assert "hallucination_rate chat, mail no judge" in read(night(rule_evaluations=evaluations))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("rolled_back", "Rolled back answer: version 4 to 3 chat"),
        ("dry_run", "Would roll back answer: version 4 to 3 (dry run) chat"),
        ("refused", "No rollback of answer chat"),
    ],
)
def test_a_rollback_is_told_with_its_reason(outcome, words):
    row = {
        "scope": "chat",
        "prompt": "answer",
        "from_version": "4",
        "to_version": "3",
        "outcome": outcome,
        "reason": "because",
    }
    assert f"{words} because" in read(night(rollbacks=rows(ROLLBACKS, row)))


def test_budgets_of_months_and_teams_stand_apart_from_those_of_the_day():
    month = {"period": "month", "budget": Decimal(100), "spent": Decimal(60), "share": 0.6}
    month |= {"forecast": 120.0, "forecast_low": 104.5, "forecast_high": 139.25}
    text = read(
        night(
            feature_costs=rows(FEATURE_COSTS, cost(), cost("mail")),
            budget_status=rows(
                BUDGET_STATUS,
                {"scope": "chat", "status": "no_data"},
                {"scope": "chat", "status": "forecast_over", **month},
                {
                    "kind": "team", "scope": "mail", "period": "rolling", "period_days": 7,
                    "budget": Decimal(5), "spent": Decimal(6), "share": 1.2, "status": "over",
                },
            ),
        )
    )  # fmt: skip
    assert "chat month $60.00 $100.00 60.0 % $120.00 ($104.50 to $139.25)" in text
    assert "team mail last 7 days $6.00 $5.00 120 %" in text
    missing = "No budget set for total and mail: add it in data/reference/budgets.yaml."
    assert missing in text, "a month's budget is one, a team's is not its feature's"


def test_budgets_of_the_business_say_whose_days_and_which_currency():
    total = {"kind": "total", "scope": "total", "report_timezone": "Asia/Kolkata",
             "business_day": DAY - timedelta(days=1), "currency": "EUR",
             "budget_report": Decimal(80)}  # fmt: skip
    known = {"spent_report": Decimal(20), "budget": Decimal(100), "spent": Decimal(25)}
    text = read(
        night(
            feature_costs=rows(FEATURE_COSTS, cost()),
            budget_status=rows(
                BUDGET_STATUS,
                total | known | {"share": 0.25, "status": "within"},
                total | {"period": "month", "spent": Decimal(7), "status": "no_data"},
            ),
        )
    )
    assert "those of Asia/Kolkata, up to 2026-11-09; all else on this page is of the UTC" in text
    assert "80.00 EUR ($100.00) 25.0 %" in text
    assert "total month \N{EN DASH} EUR ($7.00) 80.00 EUR (\N{EN DASH})" in text
    assert "No budget set for chat: add" in text, "a budget without a rate is one"


def test_spend_stands_beside_its_budget_and_what_has_no_price():
    text = read(
        night(
            feature_costs=rows(FEATURE_COSTS, cost(unpriced_calls=3), cost("mail", cost=None)),
            budget_status=rows(
                BUDGET_STATUS,
                {"scope": "chat", "budget": Decimal(2), "share": 1.25, "status": "over"},
                {"scope": "total", "budget": Decimal(9), "share": 0.3, "status": "within"},
            ),
            unpriced_models=pl.DataFrame(
                [(None, "new-model", "unknown_model", 3)], schema=UNPRICED_MODELS, orient="row"
            ),
        )
    )
    assert "chat care 10 0 $2.50 3 \N{EN DASH} $2.00 125 %" in text
    assert "mail care 10 0 \N{EN DASH}" in text
    assert "No budget set for mail: add it in data/reference/budgets.yaml." in text
    assert "new-model (\N{EN DASH}): 3 calls, unknown model" in text
    assert "3 successful calls have none and are in no sum." in text


@pytest.mark.parametrize(
    ("today", "words"), [("2.00", "±0 %"), ("1.00", "\N{MINUS SIGN}50 %"), ("7.00", "3.5 times")]
)
def test_spend_is_held_against_the_median_of_the_week(today, words):
    costs = rows(
        FEATURE_COSTS,
        cost(cost=Decimal(today)),
        *(cost(cost=Decimal(back), day=DAY - timedelta(days=back)) for back in (1, 2, 3)),
        dated=True,
    )
    text = read(spent(costs))
    assert f"{words} against a usual day" in text
    assert text.count(words) == 3, "in the tile, of the feature and of all"


def spent(costs) -> NightlyData:
    return night(feature_costs=costs, past_spend=past_spend(costs, DAY))


def test_a_day_with_calls_without_a_price_is_held_against_nothing():
    week = [cost(day=DAY - timedelta(days=back)) for back in (1, 2, 3)]
    new = cost(model="new", cost=None, unpriced_calls=10, calls=10)
    other = [cost("mail", day=DAY - timedelta(days=back)) for back in range(4)]
    text = read(
        spent(rows(FEATURE_COSTS, cost(cost=Decimal("1.00")), new, *week, *other, dated=True))
    )
    assert "against a usual day" not in text
    assert "mail care 10 0 $2.50 ±0 %" in text
    assert "chat care 20 0 $1.00 10 \N{EN DASH}" in text
    assert "\N{MINUS SIGN}60 %" not in text
    before = [row | {"cost": None, "unpriced_calls": 10} for row in week]
    assert "against a usual day" not in read(
        spent(rows(FEATURE_COSTS, cost(), *before, dated=True))
    )


def test_a_day_of_unknown_spend_is_no_day_of_nothing_in_the_tile():
    costs = [cost(day=DAY - timedelta(days=back)) for back in range(4)]
    costs[2] |= {"cost": None, "unpriced_calls": 10}
    (tile,) = (
        t for t in tiles(spent(rows(FEATURE_COSTS, *costs, dated=True))) if t.name == "Spend"
    )
    assert [float(point.split(",")[1]) for point in tile.line.split()] == [3.0, 3.0, 3.0]


def tiles(of: NightlyData):
    return tiles_of(of, spend_of(of), alerts_of(of), 0)


def test_two_days_are_too_few_for_a_usual_day():
    costs = rows(
        FEATURE_COSTS,
        cost(),
        *(cost(day=DAY - timedelta(days=back)) for back in (1, 2)),
        dated=True,
    )
    assert "against a usual day" not in read(spent(costs))


def test_only_the_day_of_the_report_is_summed():
    costs = rows(
        FEATURE_COSTS,
        cost(),
        cost(day=DAY - timedelta(days=1)),
        cost(day=DAY + timedelta(days=1)),
        dated=True,
    )
    assert "10 calls cost $2.50." in read(night(feature_costs=costs))


def test_an_estimate_shows_interval_base_judge_and_spec():
    text = read(night(quality=rows(QUALITY, estimate(not_applicable=2))))
    assert "Support by embedded scorer, spec abc123 ; census" in text
    assert "chat 0.80 0.75 to 0.85 90 4 2 94" in text
    assert "It is not truth and not a hallucination rate." in text


def test_a_judge_of_groundedness_ends_the_remark_that_there_is_none():
    text = read(night(quality=rows(QUALITY, estimate(metric="groundedness"))))
    assert "The hallucination rate is unknown" not in text
    assert "What support is" not in text


def test_what_was_not_measured_is_not_zero():
    text = read(night(quality=rows(QUALITY, estimate(estimate=None, low=None, high=None, n=0))))
    assert "chat not measured 0 4" in text


def test_prompt_versions_are_listed_where_there_are_several():
    one = read(night(quality=rows(QUALITY, estimate(), estimate(prompt_version="3"))))
    assert "prompt version" not in one
    several = rows(QUALITY, estimate(), *(estimate(prompt_version=v) for v in ("4", "3")))
    text = read(night(quality=several))
    assert text.index("prompt version 3") < text.index("prompt version 4")


def test_estimates_of_two_judges_stand_apart():
    both = rows(QUALITY, estimate(), estimate(judge_spec="other", judge="another judge"))
    text = read(night(quality=both))
    assert "spec abc123" in text
    assert "Support by another judge, spec other" in text


def test_health_shows_interval_base_and_what_is_missing():
    health = rows(
        SERVICE_HEALTH,
        rate("calls", estimate=430.0, n=430),
        rate("error_rate", estimate=0.081, low=0.058, high=0.111, n=430, missing=6),
        rate("error_rate/rate_limit", estimate=0.02, n=430),
        rate("error_rate/timeout", estimate=0.06, n=430),
        rate("latency_p99", estimate=7820.0, low=6670.0, high=8970.0, n=430),
        rate("csat", estimate=None, n=0),
        rate("error_rate", model="gpt-4.1", estimate=0.5, n=2),
    )
    text = read(night(service_health=health))
    assert "chat timeout 6 %, rate limit 2 % 430 8.1 % 5.8 % to 11.1 % n 430, 6 missing" in text
    assert "7.82 s 6.67 s to 8.97 s n 430" in text
    assert "First token P95" not in text
    assert "50.0 %" not in text


def test_a_figure_in_breach_is_marked_with_the_gravest_state():
    html = page(
        night(
            service_health=rows(SERVICE_HEALTH, rate("error_rate", estimate=0.081, n=9)),
            rule_evaluations=rows(
                RULE_EVALUATIONS,
                evaluation("warning", rule="soft"),
                evaluation("critical", rule="hard"),
            ),
        )
    )
    assert '<span class="cell-critical">8.1 %</span>' in html


def test_rejected_lines_are_grouped_by_file_and_reason():
    lines = rows(
        REJECTED_LINES,
        *(rejected(line) for line in (9, 2, 4, 30, 31, 32, 1500)),
        rejected(1, "bad time"),
        rejected(0, "truncated", "b.gz"),
    )
    text = read(night(rejected_lines=lines))
    assert "9 log lines could not become rows." in text
    assert "a.jsonl 8 not JSON 7: lines 2, 4, 9, 30, 31 and 2 more bad time 1: line 1" in text
    assert "b.gz 1 truncated 1: the whole file" in text


def test_very_many_rejections_are_counted_not_all_listed():
    lines = rows(
        REJECTED_LINES,
        *(rejected(1, "x" * 5_000, f"file-{number:02}.jsonl") for number in range(30)),
        *(rejected(number, f"reason {number}", "worst.jsonl") for number in range(40)),
    )
    html = page(night(rejected_lines=lines))
    assert "and 36 more reasons" in html
    assert "And 11 more files." in html
    assert len(html) < 60_000


def test_the_replay_shows_both_ends_and_its_caveat():
    replay = rows(
        ROUTING_SAVINGS,
        {
            "feature": "*",
            "calls": 9,
            "left_out": 2,
            "paid": Decimal(4),
            "cheapest_model": "nano",
            "all_cheapest": Decimal(1),
            "dearest_model": "grand",
            "all_dearest": Decimal(20),
            "caveat": "Equal tokens are assumed.",
        },
        {"feature": "chat", "paid": None, "caveat": "Equal tokens are assumed."},
        {"feature": "mail", "paid": Decimal(1), "all_cheapest": Decimal("1.5")},
    )
    text = read(night(routing_savings=replay))
    assert "All features 9 2 $4.00 $1.00 (75.0 % less) nano $20.00 grand" in text
    assert "$1.50 (50.0 % more)" in text
    assert text.count("Equal tokens are assumed.") == 1


def test_what_could_be_saved_is_told_step_by_step_with_its_interval():
    taken = {"feature": "chat", "is_taken": True, "saved_a_year": 120.0}
    plan = rows(
        SAVINGS_PLAN,
        taken | {"step": "plan", "setting": "route, then batch", "saved_a_year_low": 80.0,
                 "saved_a_year_high": 160.0, "loss_at_most": 0.04},
        taken | {"step": "route", "setting": "60 % of <b>questions</b>", "loss_at_most": 0.04},
        taken | {"step": "cache", "setting": "cannot tell", "is_taken": False},
        taken | {"feature": "*", "step": "plan", "setting": "route, then batch"},
        taken | {"feature": "*", "step": "route", "setting": "taken for 1 of 3 features"},
    )  # fmt: skip
    text = read(night(savings_plan=plan))
    assert "chat 60 % of <b>questions</b> $120.00 4 %" in text
    assert "chat route, then batch $120.00 $80.00 to $160.00 4 % All features route" in text
    assert "cannot tell" not in text
    assert "taken for 1 of 3 features" not in text
    nothing = read(night(savings_plan=plan.with_columns(is_taken=False)))
    assert "The last replays before this page recommend nothing; llmops plan shows" in nothing


def test_a_page_before_the_first_replay_and_choice_claims_no_result_of_them():
    text = read(night())
    assert "Nothing had been replayed when this page was written" in text
    assert "There was no version with cases when this page was written" in text
    assert "no call has been a candidate" not in text


def test_the_caveat_of_the_replay_is_whole():
    replay = rows(ROUTING_SAVINGS, {"feature": "chat", "caveat": CAVEAT})
    assert "where two models answered the same." in read(night(routing_savings=replay))


def test_a_feature_of_rejected_lines_alone_has_no_row_of_health():
    health = rows(
        SERVICE_HEALTH,
        rate("error_rate", estimate=0.1, n=10, feature="*"),
        rate("rejected_line_rate", estimate=1.0, n=2, feature="unattributed"),
    )
    text = read(night(service_health=health))
    assert "All features" in text
    assert "unattributed" not in text


def test_the_golden_dataset_is_counted_by_feature_and_reason():
    case = {"contexts": [], "embedding": [], "feature": "chat", "since_version": "v1"}
    cases = rows(
        GOLDEN_DATASET,
        {**case, "case_id": "1", "why": "disputed"},
        {**case, "case_id": "2", "why": "low_score", "since_version": "v2"},
        {**case, "case_id": "3", "why": "low_score"},
    )
    text = read(night(golden_dataset=cases, golden_version="v2"))
    assert "Version v2 holds 3 cases, 1 of them new in it." in text
    assert "chat 3 1 disputed, 2 low score" in text


def test_provenance_names_prices_judges_and_digests():
    specs = rows(
        JUDGE_SPECS,
        {"spec_id": "abc123", "metric": "support", "kind": "embedded", "model": "lexical"},
        {"spec_id": "unused", "metric": "relevance", "kind": "rubric", "model": "other"},
    )
    text = read(
        night(
            quality=rows(QUALITY, estimate()),
            judge_specs=specs,
            price_sources=("prices.yaml:3", "genai-prices 0.2.3", "prices.yaml:3"),
            provenance={"llm_calls": "sha256 9d0c"},
        )
    )
    assert "Prices genai-prices 0.2.3; prices.yaml:3" in text
    assert "Judge of support embedded, lexical, spec abc123" in text
    assert "unused" not in text
    assert "llm_calls sha256 9d0c" in text


def test_a_fortnight_draws_its_lines_into_the_tiles():
    assert page(fortnight()).count("<polyline") == 3


def test_importing_the_room_imports_nothing_heavy():
    code = (
        "import sys, llmops_pipelines.reporting, llmops_pipelines.golden, llmops_pipelines.vectors;"
        "heavy = {'matplotlib', 'pandas', 'scipy', 'sklearn', 'torch', 'great_expectations',"
        " 'dagster', 'openai', 'duckdb'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def breaks(**changes):
    row = {
        "day": DAY, "kind": "judge", "feature": "chat", "metric": "groundedness",
        "from_spec": "aaaaaaaa", "to_spec": "bbbbbbbb", "from_judge": "rubric gpt-4.1",
        "to_judge": "rubric <gpt-5>", "from_snapshot": "-", "to_snapshot": "-",
    }  # fmt: skip
    return pl.DataFrame([row | changes], schema=SERIES_BREAKS)


def test_a_change_of_judge_is_told_with_what_it_did_to_the_same_items():
    bridge = {
        "metric": "groundedness", "feature": "chat", "from_spec": "aaaaaaaa", "to_spec": "bbbbbbbb",
        "from_snapshot": "-", "to_snapshot": "-", "estimate": -0.04, "low": -0.09, "high": 0.01,
        "n": 1234,
    }  # fmt: skip
    told = page(NightlyData(DAY, series_breaks=breaks(), judge_bridges=rows(JUDGE_BRIDGES, bridge)))
    assert "judged by rubric &lt;gpt-5&gt; (bbbbbb) since" in told
    assert "On the 1,234 items that both scored the newer one says -0.04 (95 % interval" in told
    assert "-0.09 to +0.01)" in told
    back = {"from_spec": "bbbbbbbb", "to_spec": "aaaaaaaa"}
    turned = NightlyData(
        DAY, series_breaks=breaks(**back), judge_bridges=rows(JUDGE_BRIDGES, bridge)
    )
    assert "the newer one says +0.04 (95 % interval -0.01 to +0.09)" in page(turned)


def test_a_change_of_snapshot_is_told_with_the_bridge_where_the_past_was_judged_again():
    change = {"kind": "snapshot", "to_spec": "aaaaaaaa", "from_judge": "a1", "to_judge": "a2"}
    ends = {"from_snapshot": "a1", "to_snapshot": "a2"}
    bridge = {
        "metric": "groundedness", "feature": "chat", "from_spec": "aaaaaaaa",
        "to_spec": "aaaaaaaa", "estimate": -0.25, "low": None, "high": None, "n": 7, **ends,
    }  # fmt: skip
    night = NightlyData(
        DAY, series_breaks=breaks(**change, **ends), judge_bridges=rows(JUDGE_BRIDGES, bridge)
    )
    told = page(night)
    assert "answered by snapshot a2 since" in told
    assert "On the 7 items that both scored the newer one says -0.25: read the trend" in told


def test_without_an_item_in_common_and_for_a_snapshot_nothing_is_compared():
    assert "No item was scored by both" in page(NightlyData(DAY, series_breaks=breaks()))
    snapshot = breaks(kind="snapshot", from_judge="gpt-a", to_judge="gpt-b")
    told = page(NightlyData(DAY, series_breaks=snapshot))
    assert "answered by snapshot gpt-b since" in told
    assert "nothing is judged again by itself, `llmops rescore --repetition 1` has the past" in told
    assert "Not one series" not in page(NightlyData(DAY))

import math
import re
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.adapters.prometheus import metric_families, to_table, to_text
from llmops_pipelines.tables import (
    BUDGET_STATUS,
    EVALUATION_COSTS,
    FEATURE_COSTS,
    QUALITY,
    RULE_EVALUATIONS,
    SERVICE_HEALTH,
    TOKEN_BUCKETS,
)

DAY = date(2026, 11, 10)
EMPTY = {
    "feature_costs": FEATURE_COSTS.empty(),
    "service_health": SERVICE_HEALTH.empty(),
    "quality": QUALITY.empty(),
    "rule_evaluations": RULE_EVALUATIONS.empty(),
    "budget_status": BUDGET_STATUS.empty(),
    "evaluation_costs": EVALUATION_COSTS.empty(),
}

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
_SAMPLE = re.compile(rf"({_NAME})(\{{{_LABEL}(?:,{_LABEL})*\}})? (\S+)")


def parse(text: str) -> dict[str, float]:
    """Read the text format strictly: HELP and TYPE once and first, a family in one piece."""
    samples: dict[str, float] = {}
    seen: set[str] = set()
    lines = text.split("\n")
    assert lines.pop() == "", "the last line must end"
    family = ""
    for at, line in enumerate(lines):
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert re.fullmatch(_NAME, family)
            assert family not in seen, f"{family} is written in two places"
            seen.add(family)
            assert lines[at + 1] == f"# TYPE {family} gauge"
        elif line.startswith("# TYPE "):
            assert lines[at - 1].startswith(f"# HELP {family} ")
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, f"not a sample: {line!r}"
            name, labels, value = match.groups()
            assert name == family
            assert math.isfinite(float(value))
            assert name + (labels or "") not in samples, f"{line!r} is written twice"
            samples[name + (labels or "")] = float(value)
    return samples


def text(**tables: pl.DataFrame) -> str:
    return to_text(metric_families(DAY, **{**EMPTY, **tables}))


def health(*rows) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SERVICE_HEALTH.schema, orient="row")


def costs(feature="chat", *, team="care", cost="1.25", unpriced=0) -> pl.DataFrame:
    row = {
        "feature": feature,
        "team": team,
        "model": "gpt-4.1-mini",
        "calls": 12,
        "errors": 1,
        "unpriced_calls": unpriced,
        "cost": None if cost is None else Decimal(cost),
        "retry_cost": None if cost is None else Decimal("0.05"),
        **dict.fromkeys(TOKEN_BUCKETS, 7),
    }
    return pl.DataFrame([row], schema=FEATURE_COSTS.schema)


def test_a_day_without_anything_says_only_which_day_it_is():
    assert parse(text()) == {
        "llmops_day_timestamp_seconds": 1_794_268_800,
        'llmops_samples_missing{metric="llmops_day_timestamp_seconds"}': 0,
    }


def test_costs_come_by_feature_team_and_model():
    samples = parse(text(feature_costs=costs(unpriced=3)))
    labels = '{feature="chat",team="care",model="gpt-4.1-mini"}'
    assert samples[f"llmops_cost_usd{labels}"] == 1.25
    assert samples[f"llmops_cost_usd_missing{labels}"] == 3
    assert samples[f"llmops_calls{labels}"] == 12
    assert samples[f'llmops_tokens{labels[:-1]},bucket="cache_read"}}'] == 7


def test_an_unknown_cost_is_left_out_and_counted_not_zero():
    samples = parse(text(feature_costs=costs(cost=None, unpriced=12)))
    assert not [name for name in samples if name.startswith("llmops_cost_usd{")]
    assert samples['llmops_samples_missing{metric="llmops_cost_usd"}'] == 1


def test_a_rate_carries_its_interval_and_what_it_rests_on():
    samples = parse(
        text(service_health=health(("chat", "*", "error_rate", 0.02, 0.01, 0.04, 500, 6)))
    )
    labels = '{feature="chat",model="*"}'
    assert [
        samples[f"llmops_error_ratio{end}{labels}"]
        for end in ("", "_low", "_high", "_n", "_missing")
    ] == [0.02, 0.01, 0.04, 500, 6]


def test_milliseconds_become_seconds_and_percentiles_a_label():
    samples = parse(
        text(
            service_health=health(
                ("chat", "*", "latency_p99", 812.4, 790.0, None, 500, 0),
                ("chat", "*", "output_tokens_per_s_p50", 61.5, 60.0, 63.0, 500, 0),
            )
        )
    )
    assert samples['llmops_latency_seconds{feature="chat",model="*",quantile="0.99"}'] == 0.8124
    assert (
        samples['llmops_output_tokens_per_second{feature="chat",model="*",quantile="0.5"}'] == 61.5
    )
    assert samples['llmops_samples_missing{metric="llmops_latency_seconds_high"}'] == 1


def test_error_classes_are_a_label():
    samples = parse(
        text(service_health=health(("chat", "*", "error_rate/timeout", 0.01, 0.0, 0.02, 9, 0)))
    )
    name = 'llmops_error_class_ratio{feature="chat",model="*",error_class="timeout"}'
    assert samples[name] == 0.01


def test_a_metric_nobody_named_here_is_still_exposed():
    samples = parse(
        text(service_health=health(("chat", "*", "tool-error rate", 0.5, None, None, 2, 0)))
    )
    assert samples['llmops_tool_error_rate{feature="chat",model="*"}'] == 0.5


def test_calls_of_service_health_are_not_written_a_second_time():
    samples = parse(text(service_health=health(("chat", "*", "calls", 9.0, None, None, 9, 0))))
    assert not [name for name in samples if name.startswith("llmops_calls")]


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), None])
def test_no_sample_is_ever_nan(broken):
    samples = parse(text(service_health=health(("chat", "*", "csat", broken, None, None, 0, 4))))
    assert samples['llmops_samples_missing{metric="llmops_csat_stars"}'] == 1
    assert samples['llmops_csat_stars_missing{feature="chat",model="*"}'] == 4


def test_quality_names_its_judge_and_counts_what_is_unscored():
    row = ("chat", "3", "support", "abc", "embedded", "", 0.9, 0.88, 0.92, 100, 7, 2, 900, "census")
    other = ("chat", "3", "tone", "d", "rubric", "gpt-a", 0.9, 0.88, 0.92, 100, 7, 2, 900, "sample")
    samples = parse(text(quality=pl.DataFrame([row, other], schema=QUALITY.schema, orient="row")))
    assert any('judge="rubric",snapshot="gpt-a"}' in name for name in samples)
    labels = (
        '{feature="chat",prompt_version="3",metric="support",judge_spec="abc",judge="embedded"}'
    )
    assert samples[f"llmops_quality_ratio{labels}"] == 0.9
    assert samples[f"llmops_quality_ratio_missing{labels}"] == 7


def test_a_rule_is_in_one_of_four_states():
    rule = {
        "rule": "error_rate",
        "scope": "chat",
        "metric": "error_rate",
        "status": "critical",
        "n": 5,
        "summary": "-",
    }
    samples = parse(text(rule_evaluations=pl.DataFrame([rule], schema=RULE_EVALUATIONS.schema)))
    states = {
        state: samples[f'llmops_alert_state{{rule="error_rate",scope="chat",state="{state}"}}']
        for state in ("ok", "warning", "critical", "no_data")
    }
    assert states == {"ok": 0, "warning": 0, "critical": 1, "no_data": 0}


def test_a_scope_without_a_budget_has_no_share():
    rows = [
        {"scope": "chat", "unpriced_calls": 0, "status": "no_data"},
        {
            "scope": "total",
            "budget": Decimal(20),
            "share": 0.4,
            "unpriced_calls": 0,
            "status": "within",
        },
    ]
    kept = {"kind": "feature", "period": "day"}
    status = pl.DataFrame([kept | row for row in rows], schema=BUDGET_STATUS.schema)
    samples = parse(text(budget_status=status))
    assert samples['llmops_budget_used_ratio{scope="total"}'] == 0.4
    assert samples['llmops_samples_missing{metric="llmops_budget_used_ratio"}'] == 1


def test_budgets_of_months_and_teams_are_families_of_their_own():
    usual = {"kind": "team", "scope": "care", "unpriced_calls": 0, "status": "within"}
    rows = [
        usual | {"period": "day", "budget": Decimal(2), "share": 0.5},
        usual | {"period": "month", "budget": Decimal(20), "share": 0.4, "forecast": 18.5},
    ]
    samples = parse(text(budget_status=pl.DataFrame(rows, schema=BUDGET_STATUS.schema)))
    labels = '{scope="care",kind="team",period="%s"}'
    assert samples["llmops_period_budget_used_ratio" + labels % "day"] == 0.5
    assert samples["llmops_month_forecast_usd" + labels % "month"] == 18.5
    assert not any(name.startswith("llmops_budget_used_ratio") for name in samples)


def test_hostile_labels_are_escaped_and_stay_apart():
    names = ['a"b', "a\\b", "a\nb", 'a\\"b', "a\r\x00\u2028b", 'x"} 1\nllmops_cost_usd{feature="y']
    samples = parse(text(feature_costs=pl.concat([costs(name) for name in names])))
    assert len([name for name in samples if name.startswith("llmops_cost_usd{")]) == len(names)


def test_equal_tables_give_equal_bytes_whatever_their_order():
    rows = pl.concat([costs("b"), costs("a"), costs("c", cost=None)])
    assert text(feature_costs=rows) == text(feature_costs=rows.reverse())


def test_the_table_holds_every_sample_that_is_written():
    families = metric_families(DAY, **{**EMPTY, "feature_costs": costs()})
    assert dict(to_table(families).rows()) == parse(to_text(families))


def test_no_families_are_an_empty_table_and_an_empty_page():
    assert to_text([]) == ""
    assert to_table([]).is_empty()


def test_evaluation_is_shown_apart_from_production():
    row = {
        "spec_id": "s-1", "metric": "groundedness", "kind": "rubric", "model": "judge-1",
        "verdicts": 3, "calls": 5, "faults": 1, "truncated": 0, "cost": Decimal("0.25"),
        "unpriced_calls": 1, "paid_twice": 1,
    }  # fmt: skip
    found = parse(text(evaluation_costs=pl.DataFrame([row], schema=EVALUATION_COSTS.schema)))
    labels = '{metric="groundedness",model="judge-1",spec_id="s-1"}'
    assert found[f"llmops_evaluation_cost_usd{labels}"] == 0.25
    assert found[f"llmops_evaluation_cost_usd_missing{labels}"] == 1
    assert found[f"llmops_evaluation_paid_twice{labels}"] == 1
    assert not [name for name in found if name.startswith("llmops_cost_usd{")]

"""What alert_rules.yaml may say, and what it is told when it may not."""

from pathlib import Path

import pytest

from llmops_pipelines.incidents import METRICS, Rules
from llmops_pipelines.reference import ReferenceFileError, parse_document

SHIPPED = Path(__file__).parents[2] / "data/reference/alert_rules.yaml"


def parse(text: str) -> Rules:
    return parse_document(text, Rules, file="alert_rules.yaml")


def one(**fields: str) -> str:
    given = {"metric": "error_rate", "direction": "above", "warning": "0.02"} | fields
    lines = [f"    {key}: {value}" for key, value in given.items() if value]
    return "rules:\n  mine:\n" + "\n".join(lines) + "\n"


def refusal(text: str) -> str:
    with pytest.raises(ReferenceFileError) as error:
        parse(text)
    return str(error.value)


def test_the_shipped_rules_are_the_field_guides_table():
    shipped = parse(SHIPPED.read_text()).rules
    assert {
        name: (r.metric, r.direction, r.warning, r.critical) for name, r in shipped.items()
    } == {
        "error_rate": ("error_rate", "above", 0.02, 0.05),
        "latency_p99": ("latency_p99", "above", 8000, 20000),
        "spend_vs_budget": ("budget_share", "above", 1.2, 1.5),
        "hallucination_rate": ("hallucination_rate", "above", 0.03, 0.08),
        "format_error_rate": ("format_error_rate", "above", 0.02, 0.05),
        "ttft": ("ttft_p95", "above", 800, None),
        "refusal_rate": ("refusal_rate", "above", 0.01, None),
        "context_utilisation": ("context_utilisation", "below", 0.6, None),
        "csat": ("csat", "below", 4.2, None),
        "retry_rate": ("retry_rate", "above", 0.03, None),
        "support_drop": ("support", "below", 0.05, 0.1),
        "rejected_lines": ("rejected_line_rate", "above", 0.01, 0.05),
        "unpriced_calls": ("unpriced_call_rate", "above", 0.01, None),
    }


def test_only_the_shipped_hallucination_rule_rolls_back():
    shipped = parse(SHIPPED.read_text()).rules
    assert [name for name, rule in shipped.items() if rule.action == "rollback"] == [
        "hallucination_rate"
    ]


def test_every_shipped_rule_explains_itself():
    shipped = parse(SHIPPED.read_text()).rules
    assert all(rule.description and rule.runbook for rule in shipped.values())


def test_the_shipped_comments_name_every_metric():
    comments = SHIPPED.read_text().split("rules:\n")[0]
    assert [name for name in METRICS if name.split("_p")[0] not in comments] == []


def test_rules_are_named_by_their_keys():
    assert parse(one()).rules["mine"].name == "mine"


def test_a_file_without_rules_is_no_mistake():
    assert parse("").rules == {}
    assert parse("").history_days == 0


def test_relative_rules_say_how_far_back_they_look():
    assert parse(SHIPPED.read_text()).history_days == 28


def test_a_single_scope_needs_no_list():
    assert parse(one(scopes="total")).rules["mine"].scopes == ("total",)


@pytest.mark.parametrize(
    ("fields", "covered"),
    [
        ({}, ["chat", "search"]),
        ({"scopes": "total"}, ["total"]),
        ({"scopes": "['*', total]"}, ["chat", "search", "total"]),
        ({"scopes": "[search]"}, ["search"]),
        ({"exclude": "search"}, ["chat"]),
        ({"scopes": "['*', search]", "exclude": "[search, chat]"}, ["search"]),
    ],
)
def test_a_rule_covers_each_feature_named_ones_or_the_total(fields, covered):
    mine = parse(one(**fields)).rules["mine"]
    assert [scope for scope in ("chat", "search", "total") if mine.covers(scope)] == covered


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("eror_rate", "error_rate"), ("latency_p9", "latency_p99"), ("halucination_rate", None)],
)
def test_a_misspelt_metric_is_answered_with_the_one_that_was_meant(typo, meant):
    message = refusal(one(metric=typo))
    assert message.startswith("alert_rules.yaml:3: rules.mine.metric: there is no such metric")
    assert f"did you mean {meant or 'hallucination_rate'!r}?" in message


def test_a_metric_like_no_other_is_answered_with_the_list():
    message = refusal(one(metric="zzz"))
    assert "did you mean" not in message
    assert "known: calls, error_rate, retry_rate, " in message


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"warning": "2"}, "5 warning: error_rate is a fraction between 0 and 1; 2 % is 0.02"),
        ({"warning": "'2 %'"}, "5 warning: input should be a valid number"),
        ({"warning": ".nan"}, "5 warning: input should be a finite number"),
        ({"critical": ".inf"}, "6 critical: input should be a finite number"),
        ({"metric": "csat", "warning": "0.8"}, "5 warning: csat is between 1 and 5 stars"),
        ({"metric": "latency_p99", "warning": "0"}, "5 warning: latency_p99 is above 0"),
        ({"metric": "budget_share", "warning": "-1"}, "5 warning: budget_share is a multiple of"),
        ({"critical": "0.02"}, "6 critical: a critical line lies above the warning line, which is"),
        (
            {"direction": "below", "critical": "0.03"},
            "6 critical: a critical line lies below the warning line, which is 0.02",
        ),
        ({"direction": "sideways"}, "4 direction: input should be 'above' or 'below'"),
        ({"minimum_n": "0"}, "6 minimum_n: input should be greater than or equal to 1"),
        ({"scopes": "[]"}, "6 scopes: "),
        ({"action": "reboot"}, "6 action: input should be 'notify' or 'rollback'"),
        (
            {"action": "rollback"},
            "6 action: a rollback needs the metric hallucination_rate, a crit",
        ),
        ({"threshold": "0.1"}, "6 threshold: is not known here; accepted: name, metric, kind, "),
        ({"metric": ""}, "2 metric: is missing"),
    ],
)
def test_what_makes_no_sense_is_answered_with_file_line_and_remedy(fields, answer):
    line, what = answer.split(" ", 1)
    assert f"alert_rules.yaml:{line}: rules.mine.{what}" in refusal(one(**fields))


def test_a_rule_has_one_name():
    assert refusal(one(name="other")).startswith(
        "alert_rules.yaml:1: rules: rule 'mine' is named by its key; remove the line `name`"
    )


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"direction": "above"}, "a relative_drop is a fall: give below"),
        ({"metric": "calls"}, "a relative_drop needs a figure with an interval, not a count"),
        ({"warning": "5"}, "support drops by a fraction between 0 and 1; 5 % is 0.05"),
        ({"critical": "0.01"}, "a critical line lies above the warning line, which is 0.05"),
    ],
)
def test_a_relative_drop_is_a_fraction_lost(fields, answer):
    drop = {"metric": "support", "kind": "relative_drop", "direction": "below", "warning": "0.05"}
    ordered = {key: (drop | fields)[key] for key in [*drop, *(fields.keys() - drop.keys())]}
    given = {"metric": ordered.pop("metric"), "kind": ordered.pop("kind")} | ordered
    text = "rules:\n  mine:\n" + "".join(f"    {k}: {v}\n" for k, v in given.items())
    assert answer in refusal(text)


def test_a_rollback_cannot_be_asked_for_the_total():
    fields = {"metric": "hallucination_rate", "critical": "0.08", "scopes": "['*', total]"}
    assert "features as scopes" in refusal(one(**fields, action="rollback"))


@pytest.mark.parametrize("name", ["Error Rate", "1st", "a:b", "a-b"])
def test_a_rule_name_is_a_word_since_it_goes_into_keys(name):
    message = refusal(one().replace("mine", f"'{name}'"))
    assert message.startswith(f"alert_rules.yaml:2: rules.{name}.name: string should match")


@pytest.mark.parametrize("text", ["rules: 3\n", "rules:\n  mine: 3\n", "rules:\n  - mine\n"])
def test_rules_of_another_shape_are_refused_with_their_line(text):
    assert refusal(text).startswith("alert_rules.yaml:")


def test_malformed_yaml_names_file_and_line():
    assert refusal("rules:\n  a: [\n").startswith("alert_rules.yaml:3: not YAML: ")


def test_a_rule_given_twice_is_refused_since_the_second_would_win():
    assert "alert_rules.yaml:6: not YAML: the key 'mine' is given twice" in refusal(
        one() + one().removeprefix("rules:\n")
    )


def test_every_fault_is_named_at_once():
    message = refusal(one(metric="eror_rate", direction="up", minimum_n="none"))
    assert [line.split(": ")[1] for line in message.splitlines()] == [
        "rules.mine.metric",
        "rules.mine.direction",
        "rules.mine.minimum_n",
    ]

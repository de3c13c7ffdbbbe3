"""Every planted event is really in the files, and the truth says so."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date

import jsonschema
import pytest

from llmops_pipelines.reference import Features, parse_document
from llmops_pipelines.sample_company.days import simulate_day
from llmops_pipelines.sample_company.rhythm import calls_by_day
from llmops_pipelines.sample_company.truth import counts_of
from tests.sample_company.sample import answer_of, wilson
from tests.sample_company.test_envelope import REFERENCE

RULES = {
    "error_rate", "latency_p99", "spend_vs_budget", "hallucination_rate", "format_error_rate",
    "ttft", "refusal_rate", "context_utilisation", "csat", "retry_rate", "support_drop",
    "rejected_lines", "unpriced_calls",
}  # fmt: skip


def test_events_name_known_rules_and_real_days(fortnight):
    days = [day["day"] for day in fortnight.truth["days"]]
    for event in fortnight.truth["events"]:
        named = {*event["raises"], *(rule.split(":")[0] for rule in event["may_raise"])}
        assert named <= RULES
        assert event["days"] == [days[number - 1] for number in event["numbers"]]
    assert {e["name"]: (e["numbers"][0], e["feature"]) for e in fortnight.truth["events"]} == {
        "duplicates": (1, None),
        "redelivered_file": (2, None),
        "malformed_lines": (4, None),
        "unpriced_model": (5, "ticket_triage"),
        "provider_outage": (6, "code_helper"),
        "refusals": (7, "support_assistant"),
        "late_file": (8, None),
        "unsupported_prompt_version": (9, "support_assistant"),
        "broken_json": (10, "invoice_extraction"),
        "spend_surge": (11, "sales_email"),
    }


def test_prompt_version_4_takes_all_support_traffic_from_day_9(fortnight):
    versions = [
        {call["prompt_version"] for call in fortnight.answers(number, "support_assistant")}
        for number in range(1, 15)
    ]
    assert versions == [{"3"}] * 8 + [{"4"}] * 6


def test_unsupported_answers_jump_from_2_to_30_per_cent_on_day_9(fortnight):
    grounded = fortnight.truth["grounded"]

    def unsupported(days: range) -> float:
        answers = [a for day in days for a in fortnight.answers(day, "support_assistant")]
        return sum(not grounded[answer["id"]] for answer in answers) / len(answers)

    assert unsupported(range(1, 9)) == pytest.approx(0.02, abs=0.003)
    assert unsupported(range(9, 15)) == pytest.approx(0.30, abs=0.005)


def test_grounded_names_exactly_the_answers_of_the_two_features_with_contexts(fortnight):
    named = {
        call["id"]
        for feature in ("support_assistant", "call_summary")
        for call in fortnight.answers(feature=feature)
    }
    assert set(fortnight.truth["grounded"]) == named


def test_every_anthropic_call_fails_for_two_hours_on_day_6(fortnight):
    inside = [
        call
        for call in fortnight.calls(6)
        if call["provider"] == "anthropic" and "13:" <= call["timestamp"][11:14] < "15:"
    ]
    assert len(inside) > 20
    assert all(call["error"]["status"] in (503, None) for call in inside)
    assert {call["error"]["type"] for call in inside} == {"service_unavailable", "timeout"}
    before = [
        call
        for call in fortnight.calls(6, "code_helper")
        if not "13:" <= call["timestamp"][11:14] < "15:1"
    ]
    assert sum(call["error"] is not None for call in before) <= 2


def test_the_outage_shows_in_no_other_feature(fortnight):
    for feature, counts in fortnight.truth["days"][5]["features"].items():
        low, _ = wilson(counts["errors"], counts["calls"])
        assert (low > 0.05) == (feature == "code_helper")


def test_sales_email_spends_more_than_150_per_cent_of_a_generous_budget_on_day_11(fortnight):
    spend = [day["features"]["sales_email"]["spend_usd"] for day in fortnight.truth["days"]]
    usual = sum(s for n, s in enumerate(spend, 1) if n != 11) / 13
    assert spend[10] > 3 * 1.3 * usual
    assert max(s for n, s in enumerate(spend, 1) if n != 11) < 1.05 * 1.3 * usual
    usual_calls, surge_calls = (len(fortnight.calls(day, "sales_email")) for day in (10, 11))
    assert surge_calls == 6 * usual_calls


def test_the_surge_sends_longer_prompts(fortnight):
    def tokens(day: int) -> float:
        answers = fortnight.answers(day, "sales_email")
        return sum(a["response"]["usage"]["prompt_tokens"] for a in answers) / len(answers)

    assert tokens(11) > 3 * tokens(10)


def test_one_line_in_forty_is_malformed_on_day_4_and_one_in_a_thousand_otherwise(fortnight):
    shares = [day["malformed_lines"] / day["lines_in_folder"] for day in fortnight.truth["days"]]
    assert shares[3] == pytest.approx(0.025, abs=0.001)
    assert sum(shares[:3] + shares[4:]) / 13 == pytest.approx(0.001, abs=0.0004)
    assert max(shares[:3] + shares[4:]) < 0.003


def test_malformed_lines_are_cut_off_mistyped_or_binary(fortnight):
    kinds: Counter[str] = Counter()
    for name, lines in fortnight.files.items():
        if not name.startswith(fortnight.day(4)):
            continue
        for line in lines:
            try:
                record = json.loads(line)
            except UnicodeDecodeError:
                kinds["binary"] += 1
            except ValueError:
                kinds["cut" if line.startswith(b'{"kind"') else "binary"] += 1
            else:
                if not isinstance(record, dict):
                    kinds["not a record"] += 1
                elif record["timestamp"][:2] != "20" or not isinstance(
                    record.get("request", {}), dict
                ):
                    kinds["mistyped"] += 1
    assert set(kinds) == {"cut", "binary", "not a record", "mistyped"}
    assert kinds["cut"] > kinds["mistyped"] > 3


def test_files_open_with_readable_lines(fortnight):
    for lines in fortnight.files.values():
        for line in lines[:3]:
            assert json.loads(line)["kind"] in ("call", "step", "feedback")


def test_sixty_calls_of_day_2_arrive_in_the_folder_of_day_3(fortnight):
    (late,) = [f for f in fortnight.truth["late_files"] if not f["hold_back"]]
    records = [json.loads(line) for line in fortnight.files[late["path"]]]
    assert late["path"].startswith(fortnight.day(3))
    assert (late["day"], late["calls"], len(records)) == (fortnight.day(2), 60, 60)
    assert {record["timestamp"][:10] for record in records} == {fortnight.day(2)}


def test_a_file_of_day_8_can_be_held_back_without_loss_elsewhere(fortnight):
    (late,) = [f for f in fortnight.truth["late_files"] if f["hold_back"]]
    assert late["path"].split("/")[1].startswith("late-")
    assert late["day"] == fortnight.day(8)
    held = set(fortnight.files[late["path"]])
    assert len(held) == late["calls"] == 40
    for name, lines in fortnight.files.items():
        assert name == late["path"] or not held & set(lines)


def test_six_per_cent_of_support_answers_refuse_on_day_7(fortnight):
    refused = set(fortnight.truth["refused"])
    answers = fortnight.answers(7, "support_assistant")
    declining = [answer for answer in answers if answer["id"] in refused]
    assert len(declining) / len(answers) == pytest.approx(0.06, abs=0.007)
    assert all(
        "help" in answer_of(a) or "provide" in answer_of(a) or "assist" in answer_of(a)
        for a in declining
    )
    assert not any(fortnight.truth["grounded"][a["id"]] is False for a in declining)


def test_nine_per_cent_of_invoices_break_their_schema_on_day_10(fortnight):
    schema = parse_document(REFERENCE.read_text(), Features, file="f").of("invoice_extraction")
    validator = jsonschema.Draft202012Validator(schema.output_schema)
    broken = set()
    for answer in fortnight.answers(feature="invoice_extraction"):
        try:
            if not validator.is_valid(json.loads(answer_of(answer))):
                broken.add(answer["id"])
        except ValueError:
            broken.add(answer["id"])
    assert broken == set(fortnight.truth["broken_json"])
    day = {answer["id"] for answer in fortnight.answers(10, "invoice_extraction")}
    assert len(day & broken) / len(day) == pytest.approx(0.09, abs=0.005)
    others = fortnight.answers(feature="invoice_extraction")
    assert len(broken - day) / (len(others) - len(day)) < 0.006


def test_broken_invoices_are_cut_off_fenced_incomplete_or_mistyped(fortnight):
    kinds: Counter[str] = Counter()
    for key in fortnight.truth["broken_json"]:
        text = answer_of(fortnight.records[key])
        finish = fortnight.records[key]["response"]["choices"][0]["finish_reason"]
        if "```" in text:
            kinds["fenced"] += 1
        elif finish == "length":
            kinds["cut off"] += 1
        else:
            kinds["incomplete" if len(json.loads(text)) < 5 else "mistyped"] += 1
    assert set(kinds) == {"fenced", "cut off", "incomplete", "mistyped"}


def test_the_unpriced_model_takes_a_small_share_of_triage_from_day_5(fortnight):
    for number in range(1, 15):
        calls = fortnight.calls(number, "ticket_triage")
        share = sum(call["provider"] == "acme" for call in calls) / len(calls)
        assert share == (pytest.approx(0.08, abs=0.006) if number >= 5 else 0)
    assert not [
        c for c in fortnight.calls() if c["provider"] == "acme" and c["feature"] != "ticket_triage"
    ]


@pytest.mark.parametrize("end", [date(2026, 11, day) for day in (16, 19, 21)])
def test_events_clear_their_thresholds_on_other_weekdays_and_seeds(end):
    calendar = [date.fromordinal(end.toordinal() - ahead) for ahead in range(13, -1, -1)]
    quotas = calls_by_day(calendar, 1500)

    def counts(number: int, feature: str) -> dict[str, int]:
        day, calls = calendar[number - 1], quotas[number - 1]
        return counts_of(simulate_day(number, day, calls, seed=end.day))["features"][feature]

    outage = counts(6, "code_helper")
    assert wilson(outage["errors"], outage["calls"])[0] > 0.1
    refusals = counts(7, "support_assistant")
    assert wilson(refusals["refused"], refusals["calls"])[0] > 0.015
    broken = counts(10, "invoice_extraction")
    assert wilson(broken["broken_json"], broken["answers"])[0] > 0.04

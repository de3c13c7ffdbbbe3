"""What a webhook receives."""

import json

import pytest

from llmops_pipelines.incidents import notification, rollback_notification, trial
from tests.incidents.factories import DAY, alert, decided, rule, rules


def texts(payload: dict) -> list[str]:
    sections = [block["text"]["text"] for block in payload["blocks"] if "text" in block]
    contexts = [part["text"] for block in payload["blocks"] for part in block.get("elements", [])]
    return sections + contexts


def test_a_message_says_how_bad_what_and_since_when():
    payload = notification(alert("ok", "critical"))
    assert payload["text"] == "CRITICAL: error_rate: search is so and so"
    assert texts(payload) == [
        "*CRITICAL*  error_rate: search is so and so",
        "ok to critical on 2026-11-09",
        "key error_rate:search:2026-11-09:ok:critical",
    ]


def test_programs_find_the_change_in_fields():
    payload = notification(alert("warning", "ok"), report="https://reports/2026-11-09.html")
    fields = {key: value for key, value in payload.items() if key not in {"text", "blocks"}}
    assert fields == {
        "key": "error_rate:search:2026-11-09:warning:ok",
        "rule": "error_rate",
        "scope": "search",
        "day": "2026-11-09",
        "from": "warning",
        "to": "ok",
        "summary": "error_rate: search is so and so",
        "runbook": "",
        "report": "https://reports/2026-11-09.html",
    }


@pytest.mark.parametrize(
    ("state", "mark"), [("ok", "RESOLVED"), ("warning", "WARNING"), ("critical", "CRITICAL")]
)
def test_the_new_state_is_the_first_word(state, mark):
    assert notification(alert("critical", state))["text"].startswith(f"{mark}: ")


def test_the_rules_runbook_goes_with_it():
    known = rules(rule(runbook="Look at the provider's status page."))
    payload = notification(alert("ok", "critical"), rules=known)
    assert "First: Look at the provider's status page." in texts(payload)
    assert payload["runbook"] == "Look at the provider's status page."


def test_a_rule_that_is_gone_has_no_runbook():
    assert notification(alert("critical", "ok"), rules=rules())["runbook"] == ""


def test_characters_slack_acts_upon_are_escaped_for_slack_only():
    summary = "error_rate: <!channel> & <https://evil|click>"
    payload = notification(alert("ok", "critical", summary=summary))
    assert payload["text"].endswith("&lt;!channel&gt; &amp; &lt;https://evil|click&gt;")
    assert not any("<" in text or ">" in text for text in texts(payload))
    assert payload["summary"] == summary


def test_a_summary_is_one_line_of_bounded_length():
    payload = notification(alert("ok", "critical", summary="a\n\nb " + "<" * 100_000))
    assert "\n" not in payload["text"]
    assert all(len(text) < 3_000 for text in [payload["text"], *texts(payload)])


def test_a_message_is_json():
    assert json.loads(json.dumps(notification(alert("ok", "critical"))))["day"] == "2026-11-09"
    as_text = notification(alert("ok", "critical") | {"day": "2026-11-09"})
    assert as_text["day"] == "2026-11-09"


def test_a_trial_says_that_it_is_one():
    payload = trial(DAY)
    assert payload["text"] == ("TEST: this is a test: alerts of llmops_pipelines reach this place")
    assert payload["key"] == "test:none:2026-11-09:ok:test"


def test_a_rollback_that_was_only_reported_says_so():
    payload = rollback_notification(decided("dry_run", DAY), rules=rules())
    assert payload["text"] == (
        "NOT ROLLED BACK, since LLMOPS_ROLLBACK is off: "
        "support_answer of support_assistant from version 4 to 3: worse"
    )
    assert (payload["from"], payload["to"]) == ("version 4", "dry_run")

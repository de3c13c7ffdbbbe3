"""An alert as a message: fields for programs, text and blocks for Slack."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from llmops_pipelines.incidents.rules import Rules

LONGEST = 2_900
"""Characters of one block; Slack refuses a section of more than 3,000."""

_MARKS = {
    "ok": "RESOLVED",
    "warning": "WARNING",
    "critical": "CRITICAL",
    "rolled_back": "ROLLED BACK",
    "dry_run": "NOT ROLLED BACK, since LLMOPS_ROLLBACK is off",
}


def notification(
    alert: Mapping[str, Any], *, rules: Rules | None = None, report: str | None = None
) -> dict[str, Any]:
    """The payload for one row of ``ALERTS`` with its ``day``.

    ``text`` and ``blocks`` are what Slack shows, with its control characters escaped; the other
    fields are for any other receiver and stand as they are.

    Args:
        alert: One row, ``day`` included.
        rules: Where the rule's runbook is taken from, if given.
        report: Address of the night's report, if it has one.
    """
    rule = rules.rules.get(alert["rule"]) if rules else None
    runbook = rule.runbook if rule else ""
    day = alert["day"]
    mark = _MARKS.get(alert["to_state"], str(alert["to_state"]).upper())
    change = f"{alert['from_state']} to {alert['to_state']} on {day}"
    return {
        "text": _slack(f"{mark}: {alert['summary']}"),
        "blocks": [
            _section(f"*{mark}*  {_slack(alert['summary'])}"),
            *([_section(f"First: {_slack(runbook)}")] if runbook else []),
            {
                "type": "context",
                "elements": [
                    _markdown(_slack(part))
                    for part in (change, f"key {alert['alert_key']}", report)
                    if part
                ],
            },
        ],
        "key": alert["alert_key"],
        "rule": alert["rule"],
        "scope": alert["scope"],
        "day": day.isoformat() if isinstance(day, date) else str(day),
        "from": alert["from_state"],
        "to": alert["to_state"],
        "summary": alert["summary"],
        "runbook": runbook,
        "report": report,
    }


def rollback_notification(decision: Mapping[str, Any], *, rules: Rules) -> dict[str, Any]:
    """The payload for one row of ``ROLLBACKS`` with its ``day`` that was not refused."""
    prompt, outcome = decision["prompt"], decision["outcome"]
    start, end = decision["from_version"], decision["to_version"]
    return notification(
        {
            "rule": decision["rule"],
            "scope": decision["scope"],
            "day": decision["day"],
            "from_state": f"version {start}",
            "to_state": outcome,
            "summary": f"{prompt} of {decision['scope']} from version {start} to {end}: "
            f"{decision['reason']}",
            "alert_key": f"rollback:{prompt}:{decision['day']}:{start}:{end}:{outcome}",
        },
        rules=rules,
    )


def trial(day: date) -> dict[str, Any]:
    """The payload of ``llmops alerts test``: a test, and it says so."""
    return notification(
        {
            "rule": "test",
            "scope": "none",
            "day": day,
            "from_state": "ok",
            "to_state": "test",
            "summary": "this is a test: alerts of llmops_pipelines reach this place",
            "alert_key": f"test:none:{day}:ok:test",
        }
    )


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _markdown(text)}


def _markdown(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _slack(text: str) -> str:
    """One line of bounded length without a character that Slack would act upon."""
    line = " ".join(text.split())
    if len(line) > LONGEST // 5:  # each character may become five
        line = line[: LONGEST // 5 - 1] + "…"
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

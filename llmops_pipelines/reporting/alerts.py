"""The alerts of the night: what changed, what is still open, what could not be measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from llmops_pipelines.reporting.night import NightlyData, on
from llmops_pipelines.reporting.wording import figure_of, percent, visible

_GRAVITY = {"critical": 0, "warning": 1, "no_data": 2, "ok": 3}

_WORDS = {"critical": "critical", "warning": "warning", "no_data": "no data", "ok": "cleared"}


@dataclass(frozen=True)
class Alert:
    """One rule on one scope, as the page shows it."""

    rule: str
    scope: str
    state: str
    """ok, warning, critical or no_data."""
    word: str
    """The state in words."""
    was: str
    """The state before; empty where it did not change."""
    summary: str
    smallest_effect: str
    backfilled: bool


@dataclass(frozen=True)
class Rollback:
    """One decision about a prompt."""

    scope: str
    headline: str
    reason: str
    done: bool


@dataclass(frozen=True)
class Silence:
    """One rule that had nothing to measure."""

    rule: str
    scopes: str
    summary: str


@dataclass(frozen=True)
class Alerts:
    """All that the rules said on the day."""

    changed: tuple[Alert, ...]
    standing: tuple[Alert, ...]
    silent: tuple[Silence, ...]
    rollbacks: tuple[Rollback, ...]
    evaluated: int
    fine: int

    @property
    def open(self) -> tuple[Alert, ...]:
        """Everything in warning or critical at the end of the night, the worst first."""
        both = [a for a in (*self.changed, *self.standing) if a.state in ("critical", "warning")]
        return tuple(sorted(both, key=_order))


def alerts_of(night: NightlyData) -> Alerts:
    """Gather the night's changes of state, the worst first, and whatever else is open."""
    evaluations = on(night.rule_evaluations, night.day)
    by_key = {(row["rule"], row["scope"]): row for row in evaluations.iter_rows(named=True)}
    changes = {
        (row["rule"], row["scope"]): row
        for row in on(night.alerts, night.day).iter_rows(named=True)
    }
    changed = [_changed(row, by_key.get(key, {})) for key, row in changes.items()]
    told = {(row["rule"], row["scope"]): row for row in night.open_alerts.iter_rows(named=True)}
    fired = {key for key, row in by_key.items() if row["status"] in ("warning", "critical")}
    standing = [
        _standing(key, by_key.get(key), told.get(key))
        for key in sorted((fired | told.keys()) - changes.keys())
    ]
    return Alerts(
        changed=tuple(sorted(changed, key=_order)),
        standing=tuple(sorted(standing, key=_order)),
        silent=_silent(evaluations),
        rollbacks=tuple(
            _rollback(row) for row in on(night.rollbacks, night.day).iter_rows(named=True)
        ),
        evaluated=evaluations.height,
        fine=int((evaluations["status"] == "ok").sum()),
    )


def _order(alert: Alert) -> tuple[int, str, str]:
    return _GRAVITY.get(alert.state, len(_GRAVITY)), alert.rule, alert.scope


def _changed(row: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Alert:
    state = row["to_state"]
    return Alert(
        rule=visible(row["rule"]),
        scope=visible(row["scope"]),
        state=state if state in _GRAVITY else "no_data",
        word=_WORDS.get(state, visible(state)),
        was=visible(row["from_state"]).replace("_", " "),
        summary=visible(_told(row)),
        smallest_effect=_effect(evaluation),
        backfilled=bool(row["backfilled"]),
    )


def _standing(
    key: tuple[str, str], evaluation: Mapping[str, Any] | None, told: Mapping[str, Any] | None
) -> Alert:
    """What is open and did not change: by its state, which tonight's figure alone does not tell."""
    found = evaluation or {}
    state = told["state"] if told else found["status"]
    summary = _told(found) if found else "was not evaluated tonight"
    if told and found.get("status") != state:
        summary = f"{summary}; {_WORDS[state]} since {told['since']}, not cleared yet"
    return Alert(
        rule=visible(key[0]),
        scope=visible(key[1]),
        state=state,
        word=_WORDS[state],
        was="",
        summary=visible(summary),
        smallest_effect=_effect(found),
        backfilled=False,
    )


def _told(row: Mapping[str, Any]) -> str:
    """The summary without the rule's name, which stands beside it."""
    summary: str = row["summary"]
    return summary.removeprefix(f"{row['rule']}: ")


def _effect(evaluation: Mapping[str, Any]) -> str:
    """The mildest breach that would have fired; of a figure known exactly, that is the line."""
    effect = evaluation.get("smallest_effect")
    if effect is None or effect == evaluation["warning"]:
        return ""
    if evaluation["kind"] == "relative_drop":
        return percent(effect)
    return figure_of(evaluation["metric"], effect)


def _silent(evaluations: pl.DataFrame) -> tuple[Silence, ...]:
    scopes: defaultdict[str, list[str]] = defaultdict(list)
    summaries: dict[str, str] = {}
    quiet = evaluations.filter(pl.col("status") == "no_data").sort("rule", "scope")
    for row in quiet.iter_rows(named=True):
        scopes[row["rule"]].append(row["scope"])
        summaries.setdefault(row["rule"], _told(row))
    return tuple(
        Silence(visible(rule), visible(", ".join(names)), visible(summaries[rule]))
        for rule, names in scopes.items()
    )


def _rollback(row: Mapping[str, Any]) -> Rollback:
    moved = f"{row['prompt']}: version {row['from_version']} to {row['to_version']}"
    told = {
        "rolled_back": f"Rolled back {moved}",
        "dry_run": f"Would roll back {moved} (dry run)",
        "refused": "No rollback" + (f" of {row['prompt']}" if row["prompt"] else ""),
    }
    return Rollback(
        scope=visible(row["scope"]),
        headline=visible(told.get(row["outcome"], row["outcome"])),
        reason=visible(row["reason"]),
        done=row["outcome"] == "rolled_back",
    )

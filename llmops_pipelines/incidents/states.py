"""Alert states: what changed since people were last told, with memory and without flapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from llmops_pipelines.incidents.evaluated_day import EvaluatedDay
from llmops_pipelines.incidents.rules import Rule, Rules
from llmops_pipelines.tables import ALERTS, Column, Table

OK, WARNING, CRITICAL = "ok", "warning", "critical"
SEVERITY = {OK: 0, WARNING: 1, CRITICAL: 2}

STATE_DAYS = 90
"""How far back an alert may have been opened and still be known."""

LAST_STATES = Table(
    name="last_states",
    row="The state of one rule on one scope before a day.",
    key=("rule", "scope"),
    partitioned=False,
    columns=(
        Column("rule", pl.String, "Rule."),
        Column("scope", pl.String, "Feature, or `total`."),
        Column("state", pl.String, "ok, warning or critical."),
        Column("since", pl.Date, "Day it took this state."),
        Column(
            "known", pl.String, "The state people last heard of: backfilled changes are silent."
        ),
    ),
)


class State(NamedTuple):
    """Where a rule stands on a scope; what was never recorded is ok."""

    state: str = OK
    since: date | None = None
    known: str = OK


States = dict[tuple[str, str], State]


def last_states(history: pl.DataFrame, before: date) -> pl.DataFrame:
    """The state of every rule and scope that ever changed, as of the start of ``before``.

    Args:
        history: ``ALERTS`` with ``day``; its days need not be complete nor in order.
        before: Rows of this day and later ones are ignored, so that an old day can be repeated.

    Returns:
        ``LAST_STATES``. A rule and scope without a row was always ok.
    """
    past = history.filter(pl.col("day") < before).sort("day")
    heard = pl.col("to_state").filter(~pl.col("backfilled"))
    return LAST_STATES.require(
        past.group_by("rule", "scope").agg(
            state=pl.col("to_state").last(),
            since=pl.col("day").last(),
            known=heard.last().fill_null(OK),
        )
    )


def transitions(
    evaluations: pl.DataFrame,
    last_states: pl.DataFrame,
    on: EvaluatedDay,
    *,
    rules: Rules,
    recorded: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The changes of state that a day brought; no row where nothing changed.

    It gets worse at once: as soon as the whole interval is beyond a line. It gets better only when
    the estimate itself is back: an alert steps down to the worst line its estimate still crosses,
    so a figure that hovers around a line does not open and close every night. A day without data
    changes nothing: silence is no all-clear. What was never seen was ok, so a first ok or no_data
    is no change. An open alert whose rule is gone, or no longer covers its scope, is closed.

    Args:
        evaluations: ``RULE_EVALUATIONS`` of the day.
        last_states: ``last_states(history, on.day)``.
        on: The day evaluated.
        rules: ``alert_rules.yaml``.
        recorded: ``ALERTS`` of the day as an earlier run left them, if one did. What people were
            told stays on record: the day continues from there instead of being rewritten.

    Returns:
        ``ALERTS``.
    """
    backfilled = on.is_backfilled
    told = _told(recorded)
    before = _read(last_states)
    rows: list[dict[str, Any]] = []
    for scope_key, row in _stepped(evaluations, before, rules, told):
        kept = told.get(scope_key)
        if kept is not None and (backfilled or row is None):
            rows.append(kept)
        elif row is not None:
            rule = rules.rules.get(scope_key[0])
            asks = rule is not None and rule.action == "rollback" and row["to_state"] == CRITICAL
            rows.append(
                {
                    **row,
                    "backfilled": backfilled,
                    "alert_key": _key(scope_key, on.day, row["from_state"], row["to_state"]),
                    "to_roll_back": asks and not backfilled,
                }
            )
    return ALERTS.require(pl.DataFrame(rows, schema=ALERTS.schema, orient="row"))


def untold(
    evaluations: pl.DataFrame,
    last_states: pl.DataFrame,
    on: EvaluatedDay,
    *,
    rules: Rules,
) -> pl.DataFrame:
    """What changed on backfilled days, still holds on the day, and nobody has heard of.

    After an outage of the pipeline, or on the first night over old logs, an alert may be open that
    was never sent. Send these rows beside ``transitions`` but do not store them: no state changes.
    Their key is that of the change itself, so each is sent once however long it lasts.

    Returns:
        ``ALERTS``, from the state people know to the one that holds; empty when the day is
        backfilled itself.
    """
    if on.is_backfilled:
        return ALERTS.empty()
    evaluated = _by_scope(evaluations)
    rows = [
        {
            "rule": key[0],
            "scope": key[1],
            "from_state": past.known,
            "to_state": past.state,
            "summary": f"{evaluated[key]['summary']} (since {past.since}, told late)",
            "backfilled": False,
            "alert_key": _key(key, past.since, past.known, past.state),
            "to_roll_back": False,
        }
        for key, past in _read(last_states).items()
        if past.since is not None
        and past.state != past.known
        and key in evaluated
        and _next(rules.rules.get(key[0]), past.state, evaluated[key]) == past.state
    ]
    return ALERTS.require(pl.DataFrame(rows, schema=ALERTS.schema, orient="row"))


def _stepped(
    evaluations: pl.DataFrame,
    before: States,
    rules: Rules,
    told: dict[tuple[str, str], dict[str, Any]],
) -> Iterator[tuple[tuple[str, str], dict[str, Any] | None]]:
    """Each rule and scope, with its change of state or None."""
    evaluated = _by_scope(evaluations)
    for key in sorted({*evaluated, *before, *told}):
        rule = rules.rules.get(key[0])
        state = told[key]["to_state"] if key in told else before.get(key, State()).state
        if rule is None or not rule.covers(key[1]):
            after = OK
            text = f"{key[0]}: {key[1]} closed: alert_rules.yaml no longer has it"
        elif key in evaluated:
            after = _next(rule, state, evaluated[key])
            text = evaluated[key]["summary"]
        else:
            after, text = state, ""
        change = {
            "rule": key[0],
            "scope": key[1],
            "from_state": state,
            "to_state": after,
            "summary": text,
        }
        yield key, change if after != state else None


def _next(rule: Rule | None, state: str, evaluated: Mapping[str, Any]) -> str:
    """The state after one evaluation: as bad as its bound, held up by its estimate."""
    status: str = evaluated["status"]
    if rule is None or status not in SEVERITY:
        return state
    estimate = evaluated["estimate"]
    if rule.beyond(estimate, rule.critical):
        held = CRITICAL
    else:
        held = WARNING if rule.beyond(estimate, rule.warning) else OK
    kept = min(state, held, key=SEVERITY.__getitem__)
    return max(status, kept, key=SEVERITY.__getitem__)


def _key(scope_key: tuple[str, str], day: date, from_state: str, to_state: str) -> str:
    return ":".join((*scope_key, day.isoformat(), from_state, to_state))


def _by_scope(frame: pl.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["rule"], row["scope"]): row for row in frame.iter_rows(named=True)}


def _told(recorded: pl.DataFrame | None) -> dict[tuple[str, str], dict[str, Any]]:
    if recorded is None:
        return {}
    return _by_scope(ALERTS.require(recorded).filter(~pl.col("backfilled")))


def _read(last_states: pl.DataFrame) -> States:
    return {
        (row["rule"], row["scope"]): State(row["state"], row["since"], row["known"])
        for row in LAST_STATES.require(last_states).iter_rows(named=True)
    }

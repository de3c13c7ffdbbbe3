"""What the pipeline does about alerts: tell people once, and ask for rollbacks."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import NamedTuple

import polars as pl

from llmops_pipelines import incidents
from llmops_pipelines.adapters import webhook
from llmops_pipelines.orchestration.graph.resources import Clock, Policy, ReferenceFolder, Webhook
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.tables import ALERTS, DELIVERIES, ROLLBACKS, RULE_EVALUATIONS

MAX_ATTEMPTS = 5
"""A delivery is tried this often; then the alert stays in the report alone."""

FIRST_PAUSE = timedelta(minutes=1)
"""Between the first attempt and the second; each pause is four times the one before, so that the
last attempt comes 85 minutes after the first."""


class Delivered(NamedTuple):
    """One notification: the change of state or the rollback it told, and how that went."""

    alert_key: str
    outcome: str
    detail: str


class RollbackRequest(NamedTuple):
    """A day with a rollback to decide about; the key names rules and scopes."""

    day: date
    key: str


def notify(
    lake: Lake, reference: ReferenceFolder, endpoint: Webhook, clock: Clock, policy: Policy
) -> list[Delivered]:
    """Post each change of state and each rollback that is recent, undelivered, and due to be tried.

    The payload carries the alert's stable key. Deliveries are recorded after they were made, so
    that a crash in between tells people twice rather than never.
    """
    if not endpoint.url:
        return []
    rules = reference.read("alert_rules.yaml", incidents.Rules)
    days = _recent_days(clock, policy)
    attempts = lake.read(DELIVERIES, last_days(days[-1], incidents.STATE_DAYS))
    told = set(attempts.filter(pl.col("outcome") == "delivered")["alert_key"])
    tries = {
        key: (count, last)
        for key, count, last in attempts.group_by("alert_key")
        .agg(pl.len(), pl.col("sent_at").max())
        .iter_rows()
    }
    sent = []
    timely = _timely(days, clock, policy)
    messages = [
        *(
            (alert["day"], incidents.notification(alert, rules=rules))
            for alert in _to_tell(lake, rules, days, timely, clock, policy).iter_rows(named=True)
        ),
        *(
            (decision["day"], incidents.rollback_notification(decision, rules=rules))
            for decision in lake.read(ROLLBACKS, timely).iter_rows(named=True)
            if decision["outcome"] != "refused"
        ),
    ]
    for day, message in messages:
        key = message["key"]
        tried, last = tries.get(key, (0, None))
        if key in told or tried >= MAX_ATTEMPTS or not _due(tried, last, clock.now()):
            continue
        answer = webhook.post(endpoint.url, message)
        row = {"alert_key": key, "outcome": answer.outcome, "detail": answer.detail}
        lake.append(
            DELIVERIES,
            pl.DataFrame([row | {"sent_at": clock.now()}], schema=DELIVERIES.schema),
            name=f"{hashlib.sha256(key.encode()).hexdigest()[:16]}-{tried}",
            day=day,
        )
        told.add(key)
        sent.append(Delivered(key, answer.outcome, answer.detail))
    return sent


def rollback_requests(
    lake: Lake, reference: ReferenceFolder, clock: Clock, policy: Policy
) -> list[RollbackRequest]:
    """Recent days on which a rule that rolls back is critical and nothing was decided yet."""
    rules = reference.read("alert_rules.yaml", incidents.Rules)
    rolling = [name for name, rule in rules.rules.items() if rule.action == "rollback"]
    days = _timely(_recent_days(clock, policy), clock, policy)
    critical = lake.read(RULE_EVALUATIONS, days).filter(
        (pl.col("status") == "critical") & pl.col("rule").is_in(rolling)
    )
    decided = lake.read(ROLLBACKS, days).select("day", "rule", "scope")
    undecided = critical.join(decided, on=["day", "rule", "scope"], how="anti")
    return [
        RollbackRequest(day, ",".join(sorted(f"{rule}:{scope}" for rule, scope in rows.rows())))
        for (day,), rows in undecided.sort("day")
        .select("day", "rule", "scope")
        .partition_by("day", as_dict=True, include_key=False, maintain_order=True)
        .items()
    ]


def _to_tell(
    lake: Lake,
    rules: incidents.Rules,
    days: list[date],
    timely: list[date],
    clock: Clock,
    policy: Policy,
) -> pl.DataFrame:
    """Recent changes of state, and older ones that still hold and nobody has heard of."""
    changes = lake.read(ALERTS, timely).filter(~pl.col("backfilled"))
    known = lake.read(ALERTS, last_days(days[-1], incidents.STATE_DAYS))
    late = [
        incidents.untold(
            lake.read(RULE_EVALUATIONS, [day]).drop("day"),
            incidents.last_states(known, day),
            _seen_now(day, clock, policy),
            rules=rules,
        ).with_columns(day=pl.lit(day))
        for day in lake.days(RULE_EVALUATIONS)
        if day in days
    ]
    columns = [*ALERTS.schema, "day"]
    return pl.concat([frame.select(columns) for frame in [changes, *late]]).sort(
        "day", "rule", "scope"
    )


def _due(tried: int, last: datetime | None, now: datetime) -> bool:
    """Whether the pause after the last of ``tried`` attempts is over."""
    return last is None or now >= last + FIRST_PAUSE * 4 ** (tried - 1)


def _seen_now(day: date, clock: Clock, policy: Policy) -> incidents.EvaluatedDay:
    return incidents.EvaluatedDay(day, clock.now(), policy.act_within)


def _recent_days(clock: Clock, policy: Policy) -> list[date]:
    return last_days(clock.today(), policy.act_within.days + 2)


def _timely(days: list[date], clock: Clock, policy: Policy) -> list[date]:
    """Those of ``days`` that are young enough to be acted upon."""
    return [day for day in days if not _seen_now(day, clock, policy).is_backfilled]

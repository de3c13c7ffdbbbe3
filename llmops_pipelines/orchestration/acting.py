"""What the pipeline does about alerts: tell people once, and ask for rollbacks."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import NamedTuple

import polars as pl

from llmops_pipelines import incidents
from llmops_pipelines.adapters import webhook
from llmops_pipelines.orchestration.lake import Lake, last_days
from llmops_pipelines.orchestration.resources import Clock, Policy, Webhook
from llmops_pipelines.tables import ALERTS, DELIVERIES, ROLLBACKS

MAX_ATTEMPTS = 5
"""Failed deliveries are tried again this often; then the alert stays in the report alone."""


class Delivered(NamedTuple):
    """One notification: the change of state it told, and how that went."""

    alert_key: str
    outcome: str
    detail: str


class RollbackRequest(NamedTuple):
    """A day whose alerts ask for a rollback about which nothing was decided yet."""

    day: date
    key: str


def notify(lake: Lake, endpoint: Webhook, clock: Clock, policy: Policy) -> list[Delivered]:
    """Post every change of state that is recent enough and has not been delivered.

    The payload carries the alert's stable key. Deliveries are recorded after they were made, so
    that a crash in between tells people twice rather than never.
    """
    if not endpoint.url:
        return []
    days = _recent_days(clock, policy)
    attempts = lake.read(DELIVERIES, days)
    told = set(attempts.filter(pl.col("outcome") == "delivered")["alert_key"])
    tries = dict(attempts.group_by("alert_key").len().rows())
    sent = []
    for alert in _acting_alerts(lake, days).iter_rows(named=True):
        key, tried = alert["alert_key"], tries.get(alert["alert_key"], 0)
        if key in told or tried >= MAX_ATTEMPTS:
            continue
        answer = webhook.post(endpoint.url, incidents.notification(alert))
        row = {"alert_key": key, "outcome": answer.outcome, "detail": answer.detail}
        lake.append(
            DELIVERIES,
            pl.DataFrame([row | {"sent_at": clock.now()}], schema=DELIVERIES.schema),
            name=f"{hashlib.sha256(key.encode()).hexdigest()[:16]}-{tried}",
            day=alert["day"],
        )
        sent.append(Delivered(key, answer.outcome, answer.detail))
    return sent


def rollback_requests(lake: Lake, clock: Clock, policy: Policy) -> list[RollbackRequest]:
    """Recent days with alerts that ask for a rollback and have no decision yet."""
    days = _recent_days(clock, policy)
    asking = _acting_alerts(lake, days).filter(pl.col("to_roll_back"))
    decided = lake.read(ROLLBACKS, days).select("day", "rule", "scope")
    open_ = asking.join(decided, on=["day", "rule", "scope"], how="anti")
    return [
        RollbackRequest(day, ",".join(sorted(f"{rule}:{scope}" for rule, scope in rows.rows())))
        for (day,), rows in open_.sort("day")
        .select("day", "rule", "scope")
        .partition_by("day", as_dict=True, include_key=False, maintain_order=True)
        .items()
    ]


def _recent_days(clock: Clock, policy: Policy) -> list[date]:
    return last_days(clock.today(), policy.act_within.days + 2)


def _acting_alerts(lake: Lake, days: list[date]) -> pl.DataFrame:
    return lake.read(ALERTS, days).filter(~pl.col("backfilled")).sort("day", "rule", "scope")

"""The rows of ``ROUTING_POLICIES``: what was learned from the pairs of one scope."""

from __future__ import annotations

from typing import Any

import polars as pl

from llmops_pipelines.savings.recommendation import RECOMMENDED
from llmops_pipelines.savings.routing.replay import LEAST_QUESTIONS, RoutingReplay
from llmops_pipelines.tables.routing import FRONTIER_POINT, ROUTING_POLICIES

TOO_FEW = "too_few"

_POINT = ("loss", "saved", "saved_share")
_ENDS = ("", "_low", "_high")
_FRONTIER = [field.name for field in FRONTIER_POINT.fields]


def policy_rows(scope: dict[str, str], digest: str, replay: RoutingReplay) -> pl.DataFrame:
    """One row per router of a replay. A point is told only where it is recommended.

    What it saves a year is null: ``with_traffic`` adds it.
    """
    rows = [
        scope
        | {
            "router": one.router,
            "state": one.choice.state,
            "reason": one.choice.reason,
            "is_own": one is replay.own,
            "questions": replay.questions,
            "groups": replay.groups,
            "score_weak": replay.quality_weak,
            "score_strong": replay.quality_strong,
            "frontier": one.points.select(_FRONTIER).to_dicts(),
            "policy": replay.policy.to_json() if replay.policy and one is replay.own else None,
            "pairs_digest": digest,
        }
        | {
            f"{name}{end}": value
            for name, figure in one.metrics._asdict().items()
            for end, value in zip(_ENDS, figure[:3], strict=True)
        }
        | (_point(one.point) if one.choice.state == RECOMMENDED else {})
        for one in replay.routers
    ]
    return _frame(rows)


def too_few(scope: dict[str, str], digest: str, questions: int) -> pl.DataFrame:
    """The one row of a scope from which nothing can be learned."""
    return _frame(
        [
            scope
            | {
                "router": "classifier",
                "state": TOO_FEW,
                "reason": f"{questions} question(s) with a text answered by both models and scored "
                f"by this judge; {LEAST_QUESTIONS} are needed to learn from",
                "is_own": True,
                "questions": questions,
                "frontier": [],
                "pairs_digest": digest,
            }
        ]
    )


def _point(point: dict[str, Any]) -> dict[str, Any]:
    return {name: point[name] for name in ("strong_share", "loss_at_most")} | {
        f"{name}{end}": point[f"{name}{end}"] for name in _POINT for end in _ENDS
    }


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    empty = dict.fromkeys(ROUTING_POLICIES.schema.names())
    return ROUTING_POLICIES.require(
        pl.DataFrame([empty | row for row in rows], schema=ROUTING_POLICIES.schema)
    )

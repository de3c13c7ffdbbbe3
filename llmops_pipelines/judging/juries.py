"""Juries: several judges on the same items, and what they say together.

A jury is a spec of its own: its members and the rule that combines them are its identity, so its
rates never pool with those of a single judge. It asks nothing and costs nothing beyond its members.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean
from typing import Any, Literal, NamedTuple

import polars as pl

from llmops_pipelines.judging.specs import JudgeSpec
from llmops_pipelines.tables import JUDGE_SCORES

Combine = Literal["majority", "mean"]

_VERSION = "1"
"""Changes when the same verdicts would be combined differently."""


def jury_spec(members: Sequence[JudgeSpec], combine: Combine) -> JudgeSpec:
    """The spec of ``members`` speaking together.

    Raises:
        ValueError: Fewer than two members, one twice, or members that measure different things.
    """
    if len({member.spec_id for member in members}) < max(len(members), 2):
        raise ValueError("a jury has two members or more, each once")
    first = members[0]
    alike = {(m.metric, m.direction, m.sees, m.requires) for m in members}
    if len(alike) > 1:
        raise ValueError(
            f"a jury measures one thing: {', '.join(sorted({m.metric for m in members}))} differ"
        )
    return JudgeSpec(
        metric=first.metric,
        kind="jury",
        model=f"{combine} of {', '.join(sorted(member.model for member in members))}",
        direction=first.direction,
        sees=first.sees,
        requires=first.requires,
        versions={"jury": _VERSION, **{f"member {m.spec_id}": m.model for m in members}},
    )


def jury_scores(
    scores: pl.DataFrame, members: Sequence[JudgeSpec], combine: Combine
) -> pl.DataFrame:
    """What the jury of ``members`` says of each item that any of them was asked about.

    ``majority``: the score that more than half of all members gave; without one there is no
    verdict. ``mean``: the mean over the members that scored, if they are more than half. Members
    without a verdict count as voters who did not vote. ``not_applicable`` needs a majority too.

    Args:
        scores: ``JUDGE_SCORES`` columns: the members' verdicts; others are ignored.
        members: The members' specs.
        combine: How.

    Returns:
        ``JUDGE_SCORES``: one row per item, with attempts and cost 0: members' rows hold what was
        paid. ``reason`` tells who said what and how far apart they are.
    """
    spec = jury_spec(members, combine)
    models = {member.spec_id: member.model for member in members}
    asked = scores.filter(pl.col("spec_id").is_in(list(models))).sort("call_id", "spec_id")
    rows = [
        _row(spec, group.to_dicts(), models, combine)
        for group in asked.partition_by("call_id", "repetition", maintain_order=True)
    ]
    return JUDGE_SCORES.require(pl.DataFrame(rows, schema=JUDGE_SCORES.schema))


def _row(
    spec: JudgeSpec, votes: list[dict[str, Any]], models: dict[str, str], combine: Combine
) -> dict[str, Any]:
    heard = heard_together(
        [Vote(models[v["spec_id"]], v["outcome"], v["score"]) for v in votes], len(models), combine
    )
    return {
        **votes[0],
        "spec_id": spec.spec_id,
        "outcome": heard.outcome,
        "score": heard.score,
        "reason": heard.reason,
        "evidence": None,
        "attempts": 0,
        "cost": 0,
        "model_served": None,
        "library_versions": "{}",
        "scored_at": max(vote["scored_at"] for vote in votes),
    }


def _combined(
    given: list[float], silent: int, seats: int, combine: Combine
) -> tuple[str, float | None]:
    """The outcome and score of a jury with ``seats`` members."""
    if 2 * silent > seats:
        return "not_applicable", None
    if combine == "mean":
        return ("scored", fmean(given)) if 2 * len(given) > seats else ("failed", None)
    best = max(set(given), key=given.count, default=None)
    if best is not None and 2 * given.count(best) > seats:
        return "scored", best
    # All have spoken and do not agree: asking again would not change that.
    return ("unreadable" if len(given) + silent == seats else "failed"), None


class Vote(NamedTuple):
    """What one member says of an item; ``score`` is null unless it is ``scored``."""

    model: str
    outcome: str
    score: float | None

    def __str__(self) -> str:
        """Who says what."""
        said = f"{self.score:g}" if self.score is not None else self.outcome
        return f"{self.model}: {said}"


class Heard(NamedTuple):
    """What a jury says of an item."""

    outcome: str
    score: float | None
    reason: str


def heard_together(votes: Sequence[Vote], seats: int, combine: Combine) -> Heard:
    """What a jury with ``seats`` members says where these votes were given; see `jury_scores`."""
    given = [vote.score for vote in votes if vote.outcome == "scored" and vote.score is not None]
    silent = sum(vote.outcome == "not_applicable" for vote in votes)
    outcome, score = _combined(given, silent, seats, combine)
    apart = [abs(one - other) for one, other in combinations(given, 2)]
    distance = f"; mean disagreement {fmean(apart):.2f}" if apart else ""
    return Heard(outcome, score, f"{'; '.join(map(str, votes))}{distance}")

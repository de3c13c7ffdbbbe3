"""Juries: several judges on the same items, and what they say together.

A jury is a spec of its own: its members and the rule that combines them are its identity, so its
rates never pool with those of a single judge. It asks nothing and costs nothing beyond its members.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from llmops_pipelines.judging.judges.specs import JudgeSpec
from llmops_pipelines.judging.ledger import FINAL
from llmops_pipelines.tables import JUDGE_SCORES

Combine = Literal["majority", "mean"]

_MEMBER = "member "

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
        versions={"jury": _VERSION, **_seats({m.spec_id: m.model for m in members})},
    )


def jury_scores(
    scores: pl.DataFrame, members: Sequence[JudgeSpec], combine: Combine
) -> pl.DataFrame:
    """What the jury of ``members`` says of each item that any of them was asked about.

    ``majority``: the score that more than half of all members gave; without one there is no
    verdict. ``mean``: the mean over the members that scored, if they are more than half. Members
    without a verdict count as voters who did not vote. ``not_applicable`` needs a majority too.
    Where all have spoken and there is none, the item is ``undecided``; while a member has yet to
    speak, the jury's item ends as that member's did: it may still come.
    Where only some members were asked once more, the jury has not been.

    Args:
        scores: ``JUDGE_SCORES`` columns: the members' verdicts; others are ignored.
        members: The members' specs.
        combine: How.

    Returns:
        ``JUDGE_SCORES``: one row per item, with attempts and cost 0: members' rows hold what was
        paid. ``reason`` tells who said what and how far apart they are, ``library_versions`` names
        the members.
    """
    spec = jury_spec(members, combine)
    models = {member.spec_id: member.model for member in members}
    asked = scores.filter(pl.col("spec_id").is_in(list(models))).sort("call_id", "spec_id")
    rows = [
        _row(spec, group.to_dicts(), models, combine)
        for group in asked.partition_by("call_id", "repetition", maintain_order=True)
        if group["repetition"][0] == 0 or group.height == len(models)
    ]
    return JUDGE_SCORES.require(pl.DataFrame(rows, schema=JUDGE_SCORES.schema))


AGREEMENT = pl.Schema(
    {
        "metric": pl.String, "spec_id": pl.String, "items": pl.Int64, "undecided": pl.Int64,
        "agreement": pl.Float64, "alpha": pl.Float64,
    }
)  # fmt: skip
"""What `jury_agreement` returns."""


def jury_agreement(verdicts: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """How far the members of each jury agree: one row per metric and jury, by metric.

    Args:
        verdicts: ``JUDGE_SCORES``, of juries and their members; other judges have no row.

    Returns:
        ``items`` that two or more members scored, items left ``undecided``, ``agreement`` (the
        share of pairs of members' scores that are equal) and Krippendorff's ``alpha``, which takes
        off what chance would give; null where all scores are alike. Members that agree on a wrong
        verdict agree: people have to say what is right.
    """
    from llmops_pipelines.statistics import krippendorff_alpha

    rows = []
    verdicts = verdicts.lazy().select(
        "metric", "spec_id", "library_versions", "call_id", "repetition", "outcome", "score"
    )
    is_jury = pl.col("library_versions").str.contains(f'"{_MEMBER}', literal=True)
    told = verdicts.filter(is_jury).collect()
    for (metric, jury, names), items in told.group_by(
        "metric", "spec_id", "library_versions", maintain_order=True
    ):
        seats = [name.removeprefix(_MEMBER) for name in json.loads(names)]
        scored = verdicts.filter(pl.col("spec_id").is_in(seats), pl.col("outcome") == "scored")
        of_members = scored.collect().join(items, on=["call_id", "repetition"], how="semi")
        ratings = of_members.pivot(
            "spec_id", index=["call_id", "repetition"], values="score", sort_columns=True
        ).drop("call_id", "repetition")
        scores = ratings.cast(pl.Float64).fill_null(np.nan).to_numpy()
        scores = scores[(~np.isnan(scores)).sum(axis=1) >= 2]
        pairs = [
            (scores[:, one], scores[:, other])
            for one, other in combinations(range(scores.shape[1]), 2)
        ]
        both = sum(int((~np.isnan(a + b)).sum()) for a, b in pairs)
        alike = sum(int((np.abs(a - b) < 1e-9).sum()) for a, b in pairs)
        rows.append(
            {
                "metric": metric,
                "spec_id": jury,
                "items": len(scores),
                "undecided": items.filter(outcome="undecided").height,
                "agreement": alike / both if both else None,
                "alpha": krippendorff_alpha(scores),
            }
        )
    return pl.DataFrame(rows, schema=AGREEMENT).sort("metric", "spec_id")


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
        "library_versions": json.dumps(_seats(models), sort_keys=True),
        "scored_at": max(vote["scored_at"] for vote in votes),
    }


def _combined(
    given: list[float], silent: int, seats: int, combine: Combine
) -> tuple[str, float | None]:
    """The outcome and score of a jury with ``seats`` members."""
    if 2 * silent > seats:
        return "not_applicable", None
    if combine == "mean":
        return ("scored", fmean(given)) if 2 * len(given) > seats else ("undecided", None)
    best = max(set(given), key=given.count, default=None)
    if best is not None and 2 * given.count(best) > seats:
        return "scored", best
    return "undecided", None


def _seats(models: Mapping[str, str]) -> dict[str, str]:
    return {f"{_MEMBER}{spec_id}": model for spec_id, model in models.items()}


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
    if outcome == "undecided":
        # A seat that nobody has asked yet is one more that may still speak.
        owed = [vote.outcome for vote in votes if vote.outcome not in FINAL]
        absent = ["failed"] if len(votes) < seats else []
        outcome = next(iter(owed + absent), outcome)
    apart = [abs(one - other) for one, other in combinations(given, 2)]
    distance = f"; mean disagreement {fmean(apart):.2f}" if apart else ""
    return Heard(outcome, score, f"{'; '.join(map(str, votes))}{distance}")

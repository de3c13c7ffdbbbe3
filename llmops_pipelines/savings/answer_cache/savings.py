"""What a cache saves at each rung, from equal questions to ever less alike ones, and its errors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from llmops_pipelines.savings.answer_cache.recommendation import ALLOWED, recommend_rung
from llmops_pipelines.savings.answer_cache.replay import (
    Ints,
    Requests,
    replay_exact,
    replay_similar,
)
from llmops_pipelines.savings.answer_cache.requests import normalised
from llmops_pipelines.savings.window_totals import DAYS_A_YEAR, days_of_traffic
from llmops_pipelines.statistics import Interval, mean_interval, wilson
from llmops_pipelines.statistics.linearised import Codes, codes, linearise
from llmops_pipelines.statistics.means import interval_of
from llmops_pipelines.tables.cache import RUNG
from llmops_pipelines.vectors import Vectors

Flags = npt.NDArray[np.bool_]

Embed = Callable[[list[str]], Vectors]
"""Texts to unit vectors, one row a text."""

EXACT = "exact"
THRESHOLDS = (0.80, 0.85, 0.88, 0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)
SAME_ANSWER = 0.9
"""A hit is right where the cached answer equals the logged one, or has this cosine with it and the
same figures in it, and neither is JSON."""

TTL_HOURS = 24.0
SAMPLED = 400
"""Hits of a rung whose answers are compared; drawn by a digest of their ids, alike at all rungs."""

PASSED = 0.5
"""A judge's score from which an answer passes."""


@dataclass(frozen=True)
class CachePolicy:
    """What is asked of a cache."""

    ttl_hours: float | None = TTL_HOURS
    thresholds: tuple[float, ...] = THRESHOLDS
    allowed: float = ALLOWED
    """Share of hits that may be wrong."""
    embedding_usd: Decimal = Decimal(0)
    """What one embedding of a question costs; nothing where it is made on one's own machine."""
    calls_per_day: float | None = None
    """Requests that the feature's cache may answer, for the saving of a year; else as replayed."""

    most_requests: int = 100_000
    """The latest requests of a feature that are replayed."""

    @property
    def ttl(self) -> int | None:
        """How long an answer lives, in us."""
        return None if self.ttl_hours is None else round(self.ttl_hours * 3_600_000_000)


@dataclass(frozen=True)
class CacheReplay:
    """What came of one feature's requests."""

    rungs: pl.DataFrame
    """``RUNG``, one row a rung, the strictest first."""
    state: str
    reason: str
    recommended: str | None
    """Its rung."""
    hits: pl.DataFrame
    """``id``, ``answered_by`` and ``cost`` of each request that the recommended rung answers."""
    first_at: datetime | None
    """When the first of the replayed requests began."""


def replay_cache(
    requests: pl.DataFrame,
    embed: Embed,
    policy: CachePolicy | None = None,
    scores: pl.DataFrame | None = None,
) -> CacheReplay:
    """Replay one feature's requests through a cache of each rung.

    Args:
        requests: ``CACHEABLE`` of one feature, in the order of time and id.
        embed: Called with the distinct keys that a vector stands for, and with answers of hits.
        policy: What is asked of the cache.
        scores: ``id``, ``spec_id`` and ``score`` (0 to 1) of judged requests.
    """
    policy = policy or CachePolicy()
    own = requests.tail(policy.most_requests)
    answered = _answered(own, embed, policy)
    names = [EXACT, *(f"{cut:.3g}" for cut in sorted(policy.thresholds, reverse=True))]
    cuts: list[float | None] = [None, *sorted(policy.thresholds, reverse=True)]
    wrong = _wrong_hits(own, answered, embed)
    group = codes(own["group"], own.height)
    rows = [
        {"rung": name, "threshold": cut}
        | _traffic(own, answers, group)
        | _money(own, answers, group, policy, embedded=cut is not None)
        | _errors(own, *looked_at)
        | _judged(own, answers, scores)
        for name, cut, answers, looked_at in zip(names, cuts, answered, wrong, strict=True)
    ]
    rungs = pl.DataFrame(rows, schema=RUNG)
    state, reason, chosen = recommend_rung(rungs, policy.allowed)
    if own.is_empty():
        reason = "no request could be replayed"
    found = answered[names.index(chosen)] if chosen else np.full(own.height, -1)
    hits = np.flatnonzero(found >= 0)
    return CacheReplay(
        rungs,
        state,
        reason,
        chosen,
        own.select("id", "cost")[hits].with_columns(answered_by=own["id"].gather(found[hits])),
        own["at"].min(),  # type: ignore[arg-type]  # an instant, as CACHEABLE says
    )


def _answered(own: pl.DataFrame, embed: Embed, policy: CachePolicy) -> list[Ints]:
    """For each rung, the strictest first, by whose answer each request is answered, -1 for none.

    What is compared by equality alone is answered at every rung as at the first.
    """
    at = own["at"].to_physical().to_numpy()
    waited = (own["latency_ms"].fill_null(0) * 1000).cast(pl.Int64).to_numpy()
    namespace = _numbered(own["namespace"])
    whole = Requests(namespace, _numbered(own["key"]), at, at + np.maximum(waited, 0))
    exact = replay_exact(whole, ttl=policy.ttl)
    company = np.bincount(namespace, minlength=1)[namespace] > 1
    similar = np.flatnonzero(own["only_exact"].is_null().to_numpy() & company)
    keys = own["key"].gather(similar)
    distinct = keys.unique().sort()
    if not len(similar) or not policy.thresholds:
        return [exact] * (1 + len(policy.thresholds))
    part = Requests(
        namespace[similar],
        distinct.search_sorted(keys).to_numpy().astype(np.int64),
        at[similar],
        whole.ready[similar],
    )
    found = replay_similar(
        part, embed(distinct.to_list()), sorted(policy.thresholds), ttl=policy.ttl
    )
    rungs = [exact]
    for answers in found[::-1]:
        rung = exact.copy()
        rung[similar] = np.where(answers >= 0, similar[answers], -1)
        rungs.append(rung)
    return rungs


def _traffic(own: pl.DataFrame, answers: Ints, group: Codes) -> dict[str, Any]:
    hit = answers >= 0
    latency = own["latency_ms"].filter(pl.Series(hit)).drop_nulls()
    rate = mean_interval(hit.astype(np.float64), clusters=pl.Series(group), bounds=(0.0, 1.0))
    return _spread("hit_rate", rate) | {
        "requests": own.height,
        "hits": int(hit.sum()),
        "latency_saved_s": float(latency.sum()) / 1000 if len(latency) else None,
    }


def _money(
    own: pl.DataFrame, answers: Ints, group: Codes, policy: CachePolicy, *, embedded: bool
) -> dict[str, Any]:
    """What the hits would have cost less what embedding costs, where the cost is known."""
    cost, hit = own["cost"], pl.Series(answers >= 0)
    known = cost.is_not_null()
    told: dict[str, Any] = {"unpriced_hits": int((hit & ~known).sum())}
    if not known.any():
        return told
    asks = known & own["only_exact"].is_null() if embedded else pl.Series([False] * own.height)
    served = Decimal(cost.filter(known & hit).sum())
    saved = served - policy.embedding_usd * int(asks.sum())
    each = (
        cost.cast(pl.Float64).fill_null(0) * hit - float(policy.embedding_usd) * asks
    ).filter(known).to_numpy()  # fmt: skip
    _, renumbered = np.unique(group[known.to_numpy()], return_inverse=True)
    spread = linearise(each, np.ones(len(each)), renumbered, np.zeros(len(each), dtype=np.int64))
    mean = interval_of(spread, None, 0.95)
    low, high = (None if end is None else end * len(each) for end in (mean.low, mean.high))
    years = _years(own, policy)
    return told | {
        "spend": cost.sum(),
        "saved": saved,
        "saved_low": low,
        "saved_high": high,
        **{
            f"saved_a_year{end}": None if value is None or years is None else float(value) * years
            for end, value in (("", saved), ("_low", low), ("_high", high))
        },
    }


def _years(own: pl.DataFrame, policy: CachePolicy) -> float | None:
    """How often these requests fit into a year; None where they span less than a day."""
    if policy.calls_per_day is not None:
        return policy.calls_per_day * DAYS_A_YEAR / own.height
    days = days_of_traffic(own["at"])
    return None if days is None else DAYS_A_YEAR / days


def _wrong_hits(
    own: pl.DataFrame, answered: Sequence[Ints], embed: Embed
) -> list[tuple[Ints, Flags]]:
    """For each rung the hits that were drawn, and which of them were given a wrong answer."""
    drawn = [_drawn(own["id"], np.flatnonzero(answers >= 0)) for answers in answered]
    said = own.select(normalised(pl.col("answer"))).to_series()
    pairs = pl.DataFrame(
        {
            "hit": np.concatenate(drawn),
            "source": np.concatenate([a[d] for a, d in zip(answered, drawn, strict=True)]),
        }
    ).unique(maintain_order=True)
    left, right = said.gather(pairs["hit"]), said.gather(pairs["source"])
    unlike = (left != right).to_numpy()
    near = unlike & ~_plainly_other(left, right)
    texts = pl.concat([left.filter(pl.Series(near)), right.filter(pl.Series(near))])
    distinct = texts.unique().sort()
    if len(distinct):
        vectors = embed(distinct.to_list()).astype(np.float64)
        one, other = (
            vectors[distinct.search_sorted(side.filter(pl.Series(near))).to_numpy()]
            for side in (left, right)
        )
        unlike[near] = np.einsum("ij,ij->i", one, other) < SAME_ANSWER
    is_wrong = dict(zip(pairs.iter_rows(), unlike.tolist(), strict=True))
    return [
        (hits, np.array([is_wrong[pair] for pair in _pairs(hits, answers)], dtype=np.bool_))
        for answers, hits in zip(answered, drawn, strict=True)
    ]


def _plainly_other(left: pl.Series, right: pl.Series) -> Flags:
    """Answers of which one is JSON, or which differ in a figure: vectors hardly show either."""
    structured, figures = (
        pl.DataFrame({"left": left, "right": right}).select(each).to_series().to_numpy()
        for each in (
            pl.any_horizontal(pl.col("left", "right").str.contains(r"^(```json)?\s*[\[{]")),
            pl.col("left").str.extract_all(r"\d+").list.sort()
            != pl.col("right").str.extract_all(r"\d+").list.sort(),
        )
    )
    return np.asarray(structured | figures, dtype=np.bool_)


def _pairs(hits: Ints, answers: Ints) -> Iterator[tuple[int, int]]:
    return zip(hits.tolist(), answers[hits].tolist(), strict=True)


def _drawn(ids: pl.Series, hits: Ints) -> Ints:
    """At most ``SAMPLED`` hits, by the digest of their ids."""
    if len(hits) <= SAMPLED:
        return hits
    digests = [hashlib.sha256(name.encode()).digest() for name in ids.gather(hits)]
    return np.sort(hits[sorted(range(len(hits)), key=digests.__getitem__)[:SAMPLED]])


def _errors(own: pl.DataFrame, hits: Ints, wrong: Flags) -> dict[str, Any]:
    """The one-sided 95 % bound is of Wilson's form, sessions as clusters."""
    rate = mean_interval(
        wrong.astype(np.float64), clusters=own["group"].gather(hits), bounds=(0.0, 1.0),
        confidence=0.9,
    )  # fmt: skip
    return {
        "sampled": len(hits),
        "wrong": int(wrong.sum()),
        "wrong_rate": rate.estimate,
        "wrong_at_most": rate.high,
    }


def _judged(own: pl.DataFrame, answers: Ints, scores: pl.DataFrame | None) -> dict[str, Any]:
    """Of the hits where one judge scored both answers: how often it passed the logged one only."""
    if scores is None or scores.is_empty():
        return {"judged": 0, "judged_wrong": 0}
    hits = np.flatnonzero(answers >= 0)
    pairs = pl.DataFrame({"id": own["id"].gather(hits), "source": own["id"].gather(answers[hits])})
    both = pairs.join(scores, on="id").join(
        scores, left_on=["source", "spec_id"], right_on=["id", "spec_id"], suffix="_given"
    )
    fails = (pl.col("score") >= PASSED) & (pl.col("score_given") < PASSED)
    each = both.group_by("id").agg(fails.any().alias("wrong"))
    wrong = int(each["wrong"].sum())
    bound = wilson(wrong, each.height, 0.9)
    return {
        "judged": each.height,
        "judged_wrong": wrong,
        "judged_wrong_at_least": bound.low,
        "judged_wrong_at_most": bound.high,
    }


def _numbered(names: pl.Series) -> Ints:
    return names.rank("dense").to_numpy().astype(np.int64) - 1


def _spread(name: str, figure: Interval) -> dict[str, float | None]:
    return {name: figure.estimate, f"{name}_low": figure.low, f"{name}_high": figure.high}

"""What caches of several thresholds would have answered: requests replayed in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from llmops_pipelines.savings.answer_cache.heads import Heads, chosen_heads
from llmops_pipelines.savings.answer_cache.shelf import NOBODY, Shelf
from llmops_pipelines.vectors import VectorsError, unit_vectors

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FOREVER = np.iinfo(np.int64).max
_BLOCK = 256
"""Requests decided at once."""

_SHORT = 2_048
"""Namespaces of fewer requests are compared whole: what heads would spare they also cost."""


@dataclass(frozen=True)
class Requests:
    """Requests in the order of time, one place in each array a request.

    An answer can be given again from the instant it was ``ready`` (in us) until it is ``ttl`` old.
    """

    namespace: Ints
    """Answers are never given across namespaces."""
    key: Ints
    """What was asked, as a number: equal questions have equal keys."""
    at: Ints
    """When it was asked, in us."""
    ready: Ints
    """When its answer was there, in us; not before ``at``."""

    def __post_init__(self) -> None:
        """Refuse what is no replay."""
        lengths = {len(self.namespace), len(self.key), len(self.at), len(self.ready)}
        if len(lengths) > 1:
            raise ValueError(f"arrays of {sorted(lengths)} requests, expected one length")
        if len(self.at) and (np.diff(self.at) < 0).any():
            raise ValueError("requests are not in the order of time; sort them by it")
        if (self.ready < self.at).any():
            raise ValueError("an answer is ready before it was asked for")


def replay_exact(requests: Requests, *, ttl: int | None) -> Ints:
    """Answer each request by the oldest living answer to the same key, else keep its own.

    Args:
        requests: In the order of time.
        ttl: How long an answer lives from when it was ready, in us; None for ever.

    Returns:
        For each request the place of the one whose answer it is given, ``-1`` for none.
    """
    answered = np.full(len(requests.at), NOBODY)
    kept: dict[tuple[int, int], list[int]] = {}
    expiry = expiries(requests.ready, ttl).tolist()
    ready, at = requests.ready.tolist(), requests.at.tolist()
    for place, name in enumerate(
        zip(requests.namespace.tolist(), requests.key.tolist(), strict=True)
    ):
        alive = [one for one in kept.get(name, ()) if at[place] < expiry[one]]
        usable = [one for one in alive if ready[one] <= at[place]]
        if usable:
            answered[place] = usable[0]
        else:
            alive.append(place)
        kept[name] = alive
    return answered


def replay_similar(
    requests: Requests,
    vectors: npt.ArrayLike,
    thresholds: Sequence[float],
    *,
    ttl: int | None,
    block: int = _BLOCK,
) -> Ints:
    """Answer each request by the nearest living answer at or above a threshold, for each of them.

    Every threshold has a cache of its own, since what is kept depends on what was answered: only a
    miss keeps its answer, and a hit makes no answer live longer. A cosine is taken in float64 and
    rounded to nine decimals, so that results do not depend on how the work is cut; of equally near
    answers the oldest is given. Nothing is approximate: pairs are passed over only where a bound
    proves them to be below every threshold that matters.

    Args:
        requests: In the order of time; a key is a row of ``vectors``.
        vectors: One unit vector per key.
        thresholds: Cosines, ascending.
        ttl: How long an answer lives from when it was ready, in us; None for ever.
        block: Requests decided at once; no result depends on it.

    Returns:
        One row per threshold, as `replay_exact`.

    Raises:
        VectorsError: Rows are not unit vectors, there are too few, or a threshold is no cosine
            above 0, or not ascending.
    """
    cuts = np.asarray(thresholds, dtype=np.float64)
    if not cuts.size or (np.diff(cuts) <= 0).any() or cuts[0] <= 0 or cuts[-1] > 1:
        raise VectorsError(
            f"thresholds: are {list(thresholds)}, expected ascending, above 0, up to 1"
        )
    rows = unit_vectors(vectors)
    if requests.key.size and not 0 <= requests.key.min() <= requests.key.max() < len(rows):
        raise VectorsError(f"keys run to {requests.key.max()}, there are {len(rows)} vectors")
    answered = np.full((cuts.size, len(requests.at)), NOBODY)
    expiry = expiries(requests.ready, ttl)
    order = np.argsort(requests.namespace, kind="stable")
    ends = np.flatnonzero(np.diff(requests.namespace[order])) + 1
    largest = max(np.split(order, ends), key=len)
    whole = Heads(rows, block)
    # A second thread of a product mostly waits for the next one, and burns a core for it.
    with threadpool_limits(1, user_api="blas"):
        is_large = len(largest) >= _SHORT
        short = chosen_heads(rows, requests.key[largest], cuts) if is_large else whole
        for own in np.split(order, ends):
            shelf = Shelf(rows, short if len(own) >= _SHORT else whole, cuts, len(own))
            for top in range(0, len(own), block):
                places = own[top : top + block]
                answered[:, places] = shelf.answer(
                    places, requests.key[places], requests.at[places], requests.ready[places],
                    expiry[places],
                )  # fmt: skip
    return answered


def expiries(ready: Ints, ttl: int | None) -> Ints:
    """When answers that were ``ready`` are ``ttl`` old, and no longer given."""
    if ttl is None:
        return np.full(len(ready), FOREVER)
    if ttl <= 0:
        raise ValueError(f"ttl: is {ttl} us, expected above 0")
    return ready + ttl

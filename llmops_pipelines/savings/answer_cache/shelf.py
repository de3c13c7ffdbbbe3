"""The answers that one namespace's caches hold, one cache per threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmops_pipelines.savings.answer_cache.heads import Heads, alike
from llmops_pipelines.vectors import Vectors, exact_cosines, rounding_margin

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

NOBODY = -1
"""The place of no request: a miss."""

_CHUNK = 8_192
"""Answers compared with a group at once: with 256 requests, 8 MB of products."""

_FAR = -2.0
"""Below every cosine."""

_DECIMALS = 9
"""Of a cosine; more would be rounding."""


class Best(NamedTuple):
    """The nearest answer so far, one row a threshold, one column a request."""

    cosine: Floats
    place: Ints


class Shelf:
    """Answers in the order in which they were kept.

    The floor of an answer is the lowest threshold whose cache keeps it: a request further from it
    than that has no use for it at any threshold. Where questions are crowded only the caches of
    high thresholds keep many answers, and these have a high floor; so few pairs are looked at.
    """

    def __init__(self, vectors: Vectors, heads: Heads, cuts: Floats, most: int) -> None:
        self._vectors, self._cuts = vectors, cuts
        self._short, self._group = heads
        self._margin = 4 * rounding_margin(vectors.shape[1])
        self._size = 0
        self._heads = np.empty((most, self._short.shape[1]), dtype=np.float32)
        self._lowest = np.empty(most, dtype=np.intp)
        self._keys, self._places, self._ready, self._expiry = np.empty((4, most), dtype=np.int64)
        self._held = np.empty((min(_CHUNK, most), vectors.shape[1]), dtype=np.float32)
        self._kept = np.empty((cuts.size, most), dtype=np.bool_)

    def answer(self, places: Ints, keys: Ints, at: Ints, ready: Ints, expiry: Ints) -> Ints:
        """Decide requests in the order of time and keep the answers of the misses.

        Returns:
            One row per threshold: whose answer each request is given, by its place, or ``NOBODY``.
        """
        self._clear(at[0])
        best = self._nearest(keys, at)
        self._among(best, places, keys, at, ready, expiry)
        missed = best.place == NOBODY
        new = missed.any(axis=0)
        end = self._size + int(new.sum())
        part = slice(self._size, end)
        self._heads[part] = self._short[keys[new]]
        self._lowest[part] = missed[:, new].argmax(axis=0)
        self._kept[:, part] = missed[:, new]
        for held, given in (
            (self._keys, keys), (self._places, places), (self._ready, ready), (self._expiry, expiry)
        ):  # fmt: skip
            held[part] = given[new]
        self._size = end
        return best.place

    def _clear(self, now: int) -> None:
        """Take out what has expired, once it is a quarter: it would be compared for nothing."""
        alive = self._expiry[: self._size] > now
        count = int(alive.sum())
        if count > 0.75 * self._size:
            return
        for held in (self._heads, self._lowest, self._keys, self._places, self._ready,
                     self._expiry, *self._kept):  # fmt: skip
            held[:count] = held[: self._size][alive]
        self._size = count

    def _nearest(self, keys: Ints, at: Ints) -> Best:
        """The nearest living answer on the shelf for each request and threshold."""
        shape = (self._cuts.size, len(keys))
        best = Best(np.full(shape, _FAR), np.full(shape, NOBODY))
        floors = (self._cuts - self._margin).astype(np.float32)
        for rows in alike(self._short[keys], self._group):
            asked, short = self._vectors[keys[rows]], self._short[keys[rows]]
            for start in range(0, self._size, _CHUNK):
                part = slice(start, min(start + _CHUNK, self._size))
                floor = floors[self._lowest[part], None]
                near = np.flatnonzero((self._heads[part] @ short.T >= floor).any(axis=1))
                held = self._held[: near.size]
                # Any mode but "clip" copies twice.
                np.take(self._vectors, self._keys[part][near], axis=0, out=held, mode="clip")
                product = held @ asked.T
                flat = np.flatnonzero(product >= floor[near])
                at_shelf, at_group = np.divmod(flat, rows.size)
                j, i, rough = near[at_shelf] + start, rows[at_group], product.ravel()[flat]
                useful = np.flatnonzero(
                    (rough >= self._wanted(best)[self._lowest[j], i])
                    & (self._ready[j] <= at[i])
                    & (at[i] < self._expiry[j])
                )
                if useful.size:
                    useful = useful[np.argsort(at_group[useful].astype(np.uint16), kind="stable")]
                    self._fold(best, keys, i[useful], j[useful], rough[useful])
        return best

    def _wanted(self, best: Best) -> Singles:
        """The cosine from which an answer that a cache and those above it keep is of use."""
        wanted = np.maximum(best.cosine, self._cuts[:, None]) - self._margin
        return np.minimum.accumulate(wanted[::-1], axis=0)[::-1].astype(np.float32)

    def _fold(self, best: Best, keys: Ints, i: Ints, j: Ints, rough: Singles) -> None:
        """Take what is nearer than ``best``; ``rough`` cosines come by request."""
        for level, cut in enumerate(self._cuts):
            fits = np.flatnonzero(self._kept[level, j] & (rough >= cut - self._margin))
            if not fits.size:
                continue
            row, near = i[fits], rough[fits]
            starts = np.flatnonzero(np.diff(row, prepend=-1))
            # Only what rounding could still make the nearest is taken exactly.
            known = np.maximum(np.maximum.reduceat(near, starts), best.cosine[level, row[starts]])
            counts = np.diff(starts, append=row.size)
            close = fits[near >= np.repeat(known - 2 * self._margin, counts)]
            cosines = self._cosines(keys[i[close]], self._keys[j[close]])
            order = np.lexsort((j[close], -cosines, i[close]))
            first = order[np.diff(i[close][order], prepend=-1) > 0]
            row, cosine = i[close[first]], cosines[first]
            nearer = (cosine >= cut) & (cosine > best.cosine[level, row])
            best.cosine[level, row[nearer]] = cosine[nearer]
            best.place[level, row[nearer]] = self._places[j[close[first[nearer]]]]

    def _among(
        self, best: Best, places: Ints, keys: Ints, at: Ints, ready: Ints, expiry: Ints
    ) -> None:
        """Let the requests of a block answer each other, one after the other."""
        rows = self._vectors[keys].astype(np.float64)
        rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
        product = np.round(np.minimum(rows @ rows.T, 1.0), _DECIMALS)
        near = np.tril(product >= self._cuts[0], k=-1)
        near &= (ready <= at[:, None]) & (at[:, None] < expiry)
        i, j = np.nonzero(near)
        cosines = product[i, j]
        starts = np.flatnonzero(np.diff(i, prepend=-1))
        for start, end in zip(starts, np.append(starts, len(i))[1:], strict=True):
            later, earlier = i[start], j[start:end]
            # What was answered before is not kept: it answers nobody.
            usable = np.where(
                (best.place[:, earlier] == NOBODY) & (cosines[start:end] >= self._cuts[:, None]),
                cosines[start:end],
                _FAR,
            )
            nearest = usable.argmax(axis=1)
            cosine = usable.max(axis=1)
            nearer = cosine > best.cosine[:, later]
            best.cosine[nearer, later] = cosine[nearer]
            best.place[nearer, later] = places[earlier[nearest[nearer]]]

    def _cosines(self, left: Ints, right: Ints) -> Floats:
        return np.round(exact_cosines(self._vectors, self._vectors, left, right), _DECIMALS)

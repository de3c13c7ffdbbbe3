"""A new version of the golden dataset: what the candidates add to it, and what they repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from llmops_pipelines.golden.content import WORST_REASON_FIRST, shares_passages, version_of
from llmops_pipelines.tables import GOLDEN_CANDIDATES, GOLDEN_DATASET
from llmops_pipelines.vectors import near_duplicates, unit_vectors

Embed = Callable[[list[str]], npt.NDArray[np.float32]]
"""Texts to unit vectors, one row a text."""


@dataclass(frozen=True)
class GoldenRelease:
    """The golden dataset after a set of candidates was offered to it."""

    version: str | None
    """``YYYY.MM.DD-<digest>``; None while there are no cases."""
    cases: pl.DataFrame
    """``GOLDEN_DATASET``."""
    dropped: Counter[str]
    """Candidates left out: ``exact`` or ``near`` another one, or their feature is ``full``."""


def release(
    candidates: pl.DataFrame,
    previous: pl.DataFrame,
    embed: Embed,
    *,
    max_per_feature: int = 50,
    threshold: float = 0.95,
) -> GoldenRelease:
    """Offer ``candidates`` to the ``previous`` version, oldest first, and say what came of each.

    Cases never leave, so releases stay comparable. A candidate is left out when its question and
    passages are a case already, when a case of its feature asks the same (cosine of the questions
    at least ``threshold``) about the same passages, or when its feature is full. The older case
    stays. Offering the same candidates twice changes nothing.

    Args:
        candidates: ``GOLDEN_CANDIDATES`` of any number of days, with their ``day``.
        previous: ``GOLDEN_DATASET`` as it stands; empty at first.
        embed: Texts to unit vectors; asked only for questions that are new.
        max_per_feature: Cases a feature may hold.
        threshold: Cosine of two questions from which they ask the same.
    """
    previous = GOLDEN_DATASET.require(previous)
    offered = _in_order(candidates)
    known = set(previous["case_id"])
    repeats = offered["case_id"].is_in(list(known)) | ~offered["case_id"].is_first_distinct()
    dropped = Counter(exact=int(repeats.sum()))
    fresh = offered.filter(~repeats)
    fresh = fresh.with_columns(embedding=_embedded(fresh["question"].to_list(), embed))
    previous = _of_the_same_model(previous, fresh, embed)
    added: list[dict[str, Any]] = []
    for (feature,), new in fresh.group_by("feature", maintain_order=True):
        old = previous.filter(pl.col("feature") == feature)
        kept, left_out = _choose(old, new, max_per_feature, threshold)
        added += kept
        dropped += left_out
    cases = pl.concat(
        [
            previous,
            pl.DataFrame(added, schema=fresh.schema)
            .with_columns(since_version=pl.lit(None, pl.String))
            .select(previous.columns),
        ]
    )
    version = version_of(cases)
    return GoldenRelease(
        version=version,
        cases=GOLDEN_DATASET.require(
            cases.with_columns(pl.coalesce("since_version", pl.lit(version, pl.String)))
        ),
        dropped=+dropped,
    )


def _in_order(candidates: pl.DataFrame) -> pl.DataFrame:
    """Oldest day first; within a day disputes, then complaints, then low scores, lowest first."""
    columns = [column.name for column in GOLDEN_CANDIDATES.columns]
    return candidates.select(*columns, "day").sort(
        "day",
        WORST_REASON_FIRST,
        "score",
        "case_id",
        nulls_last=True,
    )


def _embedded(questions: list[str], embed: Embed) -> pl.Series:
    dtype = GOLDEN_DATASET.schema["embedding"]
    if not questions:
        return pl.Series(dtype=dtype)
    vectors = unit_vectors(embed(questions), name="embed")
    if vectors.shape[0] != len(questions):
        raise ValueError(
            f"embed gave {vectors.shape[0]:,} vectors for {len(questions):,} questions; "
            "it must give one a text, in order"
        )
    return pl.Series(vectors.tolist(), dtype=dtype)


def _of_the_same_model(previous: pl.DataFrame, fresh: pl.DataFrame, embed: Embed) -> pl.DataFrame:
    """Embed the previous cases anew where the embedder's dimensions have changed since."""
    dims = set(fresh["embedding"].list.len())
    if not dims or set(previous["embedding"].list.len()) <= dims:
        return previous
    return previous.with_columns(embedding=_embedded(previous["question"].to_list(), embed))


def _choose(
    old: pl.DataFrame, new: pl.DataFrame, room: int, threshold: float
) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Go through one feature's new cases in order; return those kept, and why others were not."""
    rows = [*old.iter_rows(named=True), *new.iter_rows(named=True)]
    kept = set(range(old.height))
    alike: dict[int, list[int]] = {}
    for left, right, _ in near_duplicates([row["embedding"] for row in rows], threshold):
        alike.setdefault(right, []).append(left)
    left_out = Counter[str]()
    for index in range(old.height, len(rows)):
        case = rows[index]
        if any(
            other in kept and shares_passages(rows[other]["contexts"], case["contexts"])
            for other in alike.get(index, [])
        ):
            left_out["near"] += 1
        elif len(kept) >= room:
            left_out["full"] += 1
        else:
            kept.add(index)
    return [rows[i] for i in sorted(kept) if i >= old.height], left_out

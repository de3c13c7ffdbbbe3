"""Verdicts of the embedded scorers on the sample: support with its evidence, and relevance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from llmops_pipelines.judging.heuristics.heuristics import JUDGING_OFF, REFUSAL
from llmops_pipelines.judging.heuristics.support import CONTEXT_CHARS
from llmops_pipelines.judging.heuristics.words import FUNCTION_WORDS, sentences, words
from llmops_pipelines.judging.judges.item import Item, missing_field, read_item
from llmops_pipelines.judging.judges.replies import Ruling
from llmops_pipelines.judging.judges.specs import JudgeSpec, embedded_specs, judge_specs
from llmops_pipelines.judging.ledger import distinct_items, verdict_frame, verdict_row

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Embed = Callable[[list[str]], Vectors]
"""Unit vectors of texts, one row each."""

SUPPORT, RELEVANCE = "support", "relevance"

CANDIDATES = 3
"""Context sentences compared with an answer by embedding: those sharing most words with it."""

EVIDENCE_CHARS = 500


def embedded_verdicts(
    items: pl.DataFrame,
    heuristic_scores: pl.DataFrame | pl.LazyFrame,
    embed: Embed,
    *,
    weights: str,
    now: datetime,
    metrics: Collection[str] = (SUPPORT, RELEVANCE),
    evidence: bool = True,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rule on ``items`` without an endpoint: two verdicts each, one per distinct content.

    ``support`` takes its score from ``heuristic_scores`` and adds as evidence the context sentence
    nearest to the answer by embedding. ``relevance`` is the cosine of question and answer, negative
    ones counted as 0. Neither speaks of refusals. Features with ``judging: none`` get no verdict.

    Args:
        items: `ITEM_SCHEMA`.
        heuristic_scores: ``HEURISTIC_SCORES`` of the same day.
        embed: Sentence embedding; it is called once, with every distinct text once.
        weights: Package and version of its weights, part of the judge spec.
        now: When, for the ledger.
        metrics: Which of the two are wanted.
        evidence: Whether the nearest sentence is looked for; without it ``support`` takes no
            embedding, which costs twenty times as much as the score.

    Returns:
        ``JUDGE_SPECS``, and rows of ``JUDGE_LEDGER`` that need no ledger: nothing is paid, so
        attempts and cost are 0, and the next run finds the same.
    """
    support_spec, relevance_spec = embedded_specs(weights=weights)
    scored = (
        items.lazy()
        .join(
            heuristic_scores.lazy().select("call_id", "support", "unscored_reason", "refused"),
            on="call_id",
        )
        .filter(pl.col("unscored_reason").ne_missing(JUDGING_OFF))
        .collect()
    )
    on_support = _distinct(scored, support_spec) if SUPPORT in metrics else []
    on_relevance = _distinct(scored, relevance_spec) if RELEVANCE in metrics else []
    candidates = {
        item.digest: _candidates(item)
        for row, item in on_support
        if evidence and row["support"] is not None
    }
    vectors = _Embedded(
        embed,
        [
            *(
                t
                for _, i in on_support
                if evidence
                for t in (i.answer, *candidates.get(i.digest, ()))
            ),
            *(i.question for row, i in on_relevance if not _silence(row, i, relevance_spec)),
        ],
    )
    rulings = [
        (support_spec, item, _support(row, item, candidates, vectors)) for row, item in on_support
    ] + [
        (relevance_spec, item, _relevance(row, item, relevance_spec, vectors))
        for row, item in on_relevance
    ]
    rows = [
        verdict_row(
            spec,
            item,
            ruling,
            attempts=(),
            scored_at=now,
            library_versions={"weights": weights},
        )
        for spec, item, ruling in rulings
    ]
    specs = [spec for spec in (support_spec, relevance_spec) if spec.metric in metrics]
    return judge_specs(specs), verdict_frame(rows)


class _Embedded:
    """Vectors by text, all embedded in one call."""

    def __init__(self, embed: Embed, texts: Iterable[str]) -> None:
        distinct = sorted({text for text in texts if text.strip()})
        self._row = {text: row for row, text in enumerate(distinct)}
        self._vectors = embed(distinct) if distinct else np.zeros((0, 1), dtype=np.float32)

    def cosine(self, one: str, other: str) -> float:
        """Cosine of two texts, 0 where it is negative."""
        product = self._vectors[self._row[one]] @ self._vectors[self._row[other]]
        return min(max(round(float(product), 6), 0.0), 1.0)


def _distinct(items: pl.DataFrame, spec: JudgeSpec) -> list[tuple[dict[str, Any], Item]]:
    rows = distinct_items(items, spec).iter_rows(named=True)
    return [(row, read_item(row)) for row in rows]


def _support(
    row: dict[str, Any], item: Item, candidates: dict[str, list[str]], vectors: _Embedded
) -> Ruling:
    if row["support"] is None:
        return Ruling("not_applicable", None, row["unscored_reason"])
    reason = "lexical overlap with the contexts; not truth"
    if item.digest not in candidates:
        return Ruling("scored", row["support"], reason)
    best = max(candidates[item.digest], key=lambda text: vectors.cosine(text, item.answer))
    return Ruling("scored", row["support"], reason, best[:EVIDENCE_CHARS])


def _relevance(row: dict[str, Any], item: Item, spec: JudgeSpec, vectors: _Embedded) -> Ruling:
    if silence := _silence(row, item, spec):
        return Ruling("not_applicable", None, silence)
    cosine = vectors.cosine(item.question, item.answer)
    return Ruling("scored", cosine, "cosine of question and answer by sentence embedding")


def _silence(row: dict[str, Any], item: Item, spec: JudgeSpec) -> str | None:
    """Why relevance says nothing of ``item``, or None."""
    return missing_field(item, spec) or (REFUSAL if row["refused"] else None)


def _candidates(item: Item) -> list[str]:
    """The context sentences that share most words with the answer, best first."""
    said = set(words(item.answer)) - FUNCTION_WORDS
    shared: dict[str, int] = {}
    room = CONTEXT_CHARS
    for context in item.contexts:
        for sentence in sentences(context[:room]):
            shared[sentence] = len(said & set(words(sentence)))
        room -= min(room, len(context))
    return sorted(shared, key=lambda text: (-shared[text], text))[:CANDIDATES]

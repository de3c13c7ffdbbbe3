"""Every call with text, scored without a model: support, refusal, format, utilisation, evidence."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from llmops_pipelines.judging.heuristics.claims import claim_sentences
from llmops_pipelines.judging.heuristics.dates import Day
from llmops_pipelines.judging.heuristics.refusals import declines
from llmops_pipelines.judging.heuristics.response_format import SchemaError, format_error
from llmops_pipelines.judging.heuristics.support import (
    ANSWER_CHARS,
    CONTEXT_CHARS,
    Passage,
    support_score,
)
from llmops_pipelines.judging.heuristics.unmatched import unmatched
from llmops_pipelines.judging.heuristics.utilisation import context_utilisation
from llmops_pipelines.judging.heuristics.words import words
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import HEURISTIC_SCORES

JUDGING_OFF, NO_ANSWER, NO_CONTEXTS, REFUSAL, NO_CLAIMS = (
    "judging_off", "no_answer", "no_contexts", "refusal", "no_claims",
)  # fmt: skip
"""Why there is no support: features.yaml says ``judging: none``; no answer; nothing to rest on; the
answer declines; it is small talk or a question and claims nothing."""

_ROWS_AT_ONCE = 2_000
_REMEMBERED_CHARS = 2_000_000
_CALL = ("call_id", "feature", "model", "prompt_version", "format_requested", "finish_reason")
_TEXT = ("question", "answer", "contexts", "response_schema")
_CUT_SHORT = (
    "length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded",
)  # fmt: skip
"""Every vendor's word for an answer that ran into its limit."""


def heuristic_scores(
    llm_calls: pl.DataFrame | pl.LazyFrame,
    texts: pl.DataFrame | pl.LazyFrame,
    features: Features,
) -> pl.DataFrame:
    """Score every call of ``llm_calls`` whose texts were kept.

    A call's scores depend on its own texts alone, so they are the same whatever day or batch it is
    scored with.

    Args:
        llm_calls: ``LLM_CALLS``.
        texts: ``CALL_TEXTS`` of exactly those calls' lines.
        features: ``features.yaml``: output schemas, and which features are not judged at all.

    Returns:
        ``HEURISTIC_SCORES``. ``support`` is null with an ``unscored_reason``; ``format_valid`` is
        null where no format was asked for, where there is no answer, and where the schema itself is
        unusable (``format_error`` says so).
    """
    joined = (
        llm_calls.lazy()
        .select(_CALL)
        .join(texts.lazy().select("call_id", *_TEXT), on="call_id", how="inner")
        .with_columns(pl.col("contexts").list.eval(pl.element().struct.field("content")))
        .collect()
    )
    passage = Passages()
    schemas = _output_schemas(features)
    rows = [
        _score(row, features, schemas, passage)
        for part in joined.iter_slices(_ROWS_AT_ONCE)
        for row in part.iter_rows(named=True)
    ]
    return HEURISTIC_SCORES.require(pl.DataFrame(rows, schema=HEURISTIC_SCORES.schema))


def _score(
    row: Mapping[str, Any],
    features: Features,
    schemas: Mapping[str, str],
    passage: Callable[[str], Passage],
) -> dict[str, Any]:
    answer = (row["answer"] or "").strip()
    question = row["question"] or ""
    passages = [passage(text) for text in within(row["contexts"] or [], CONTEXT_CHARS)]
    refused = declines(answer) if answer else None
    claims = claim_sentences(answer[:ANSWER_CHARS]) if answer and not refused else []
    valid, error = _format(row, answer, schemas)
    asked = set(words(question[:CONTEXT_CHARS]))
    known = [asked, *(passage.positions for passage in passages)]
    score = support_score(claims, passages)

    def known_days() -> frozenset[Day]:
        return frozenset().union(Passage(question).days, *(p.days for p in passages))

    return {
        "call_id": row["call_id"],
        "feature": row["feature"],
        "model": row["model"],
        "prompt_version": row["prompt_version"],
        "support": score if features.of(row["feature"]).judging != "none" else None,
        "unscored_reason": _unscored(
            score, features.of(row["feature"]).judging, answer, passages, refused
        ),
        "refused": refused,
        "format_valid": valid,
        "format_error": error,
        "context_utilisation": (
            context_utilisation(words(answer[:ANSWER_CHARS]), asked, passages) if answer else None
        ),
        "unmatched": unmatched(claims, known, known_days) if passages else [],
    }


def _unscored(
    score: float | None, judging: str, answer: str, passages: list[Passage], refused: bool | None
) -> str | None:
    if judging == "none":
        return JUDGING_OFF
    if not answer:
        return NO_ANSWER
    if not any(p.words for p in passages):
        return NO_CONTEXTS
    if refused:
        return REFUSAL
    return NO_CLAIMS if score is None else None


def _format(
    row: Mapping[str, Any], answer: str, schemas: Mapping[str, str]
) -> tuple[bool | None, str | None]:
    """Whether the answer meets its format, and the first fault.

    The schema sent with the call goes before the feature's; ``json_schema`` without either is held
    to what is left of the promise, a JSON object.
    """
    schema = row["response_schema"] or schemas.get(row["feature"])
    asked = schema is not None or row["format_requested"] in ("json_object", "json_schema")
    if not asked or row["answer"] is None:
        return None, None
    try:
        error = format_error(answer, schema=schema, truncated=_was_cut(row["finish_reason"]))
    except SchemaError as unusable:
        return None, str(unusable)
    return error is None, error


def _was_cut(finish_reason: str | None) -> bool:
    return str(finish_reason).lower() in _CUT_SHORT


class Passages:
    """Takes passages apart, those that many calls retrieve only once.

    The latest are remembered, up to so many characters together, which take some 50 bytes each.
    """

    def __init__(self, chars: int = _REMEMBERED_CHARS) -> None:
        self._room = chars
        self._kept: OrderedDict[str, Passage] = OrderedDict()

    def __call__(self, text: str) -> Passage:
        """``text`` as a passage."""
        if (known := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            return known
        self._kept[text] = passage = Passage(text)
        self._room -= len(text)
        while self._room < 0:
            self._room += len(self._kept.popitem(last=False)[0])
        return passage


def _output_schemas(features: Features) -> dict[str, str]:
    return {
        name: json.dumps(feature.output_schema, sort_keys=True)
        for name, feature in features.features.items()
        if feature.output_schema is not None
    }


def within(texts: Sequence[str | None], limit: int) -> Iterator[str]:
    """``texts`` in order up to ``limit`` characters together."""
    for text in texts:
        if limit <= 0:
            return
        if text:
            yield text[:limit]
            limit -= len(text)

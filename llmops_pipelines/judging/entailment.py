"""Does what an answer claims follow from its contexts? Ruled by an entailment model of one's own.

An answer's claims are its sentences without small talk. Each is held against passages of the
contexts, and the passage that entails it most speaks for it, as in SummaC (Laban et al., 2022). Two
metrics come of one pass: ``entailment`` is the mean over the claims, ``entailment_min`` the least,
which one wrong sentence among ten moves.

Which model it is, and how it is run, is the caller's. Nothing is paid, but an answer takes seconds
of CPU: verdicts belong in the ledger, and what it holds is not computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from llmops_pipelines.judging.heuristics.claims import claim_sentences
from llmops_pipelines.judging.heuristics.heuristics import NO_CLAIMS, REFUSAL
from llmops_pipelines.judging.heuristics.refusals import declines
from llmops_pipelines.judging.heuristics.support import ANSWER_CHARS, CONTEXT_CHARS
from llmops_pipelines.judging.heuristics.words import FUNCTION_WORDS, sentences, words
from llmops_pipelines.judging.judges.item import Item, missing_field, read_item
from llmops_pipelines.judging.judges.replies import Ruling
from llmops_pipelines.judging.judges.specs import JudgeSpec
from llmops_pipelines.judging.ledger import (
    distinct_items,
    verdict_frame,
    verdict_row,
    without_verdict,
)

VERSION = 2
"""Changes when a score by the same weights would; part of the judge spec."""

MEAN, LEAST = "entailment", "entailment_min"

Pair = tuple[str, str]
"""What is given, and what is claimed."""

Entails = Callable[[Sequence[Pair]], "np.ndarray[tuple[int], np.dtype[np.float32]]"]
"""The probability of each pair that the first text entails the second, 0 to 1."""

PARAMETERS = {"passage_chars": 1000.0, "passages": 4.0, "claim_chars": 600.0, "most_claims": 60.0}
"""Length of a passage, how many a claim is held against, what is read of a claim, and the most
claims of an answer. A passage and a claim together stay within the 512 tokens most models read."""

EVIDENCE_CHARS = 500

_ITEMS_AT_ONCE = 16


def entailment_specs(*, model: str, weights: str) -> tuple[JudgeSpec, JudgeSpec]:
    """The specs of the mean over an answer's claims and of the least of them.

    Args:
        model: Name of the model.
        weights: Digest of its files.
    """
    mean, least = (
        JudgeSpec(
            metric=metric,
            kind="entailment",
            model=model,
            sees=("answer", "contexts"),
            requires=("answer", "contexts"),
            parameters=PARAMETERS,
            versions={"entailment": str(VERSION), "weights": weights},
        )
        for metric in (MEAN, LEAST)
    )
    return mean, least


def entailment_verdicts(
    items: pl.DataFrame,
    specs: Sequence[JudgeSpec],
    entails: Entails,
    ledger_keys: pl.DataFrame | pl.LazyFrame,
    *,
    now: Callable[[], datetime],
    library_versions: Mapping[str, str],
) -> Iterator[pl.DataFrame]:
    """Rule on what the ledger holds no verdict on, `_ITEMS_AT_ONCE` contents at a time.

    Args:
        items: ``ITEM_SCHEMA``.
        specs: `entailment_specs`.
        entails: The model; it is asked once per part, with every distinct pair once.
        ledger_keys: ``spec_id``, ``item_digest`` and ``repetition`` of ``judge_ledger``.
        now: The UTC time, without a zone.
        library_versions: What else took part, kept beside each verdict.

    Yields:
        Rows of ``JUDGE_LEDGER``, to be kept as they come: a run that is killed loses one part.
        Refusals, answers without claims or with more of them than are read, and items without
        answer or contexts are ``not_applicable``, with the reason.
    """
    missing = [without_verdict(distinct_items(items, spec), ledger_keys, spec) for spec in specs]
    # All specs see the same fields, so equal digests are equal contents.
    wanted = pl.concat(missing).unique("item_digest", maintain_order=True) if missing else items
    open_keys = [set(frame["item_digest"]) for frame in missing]
    for part in wanted.iter_slices(_ITEMS_AT_ONCE):
        contents = [read_item(row) for row in part.iter_rows(named=True)]
        findings = _findings(contents, specs[0], entails)
        yield verdict_frame(
            verdict_row(
                spec,
                item,
                _ruling(spec.metric, finding),
                attempts=(),
                scored_at=now(),
                library_versions=library_versions,
            )
            for spec, keys in zip(specs, open_keys, strict=True)
            for item, finding in zip(contents, findings, strict=True)
            if item.digest in keys
        )


class Finding(NamedTuple):
    """What was found of one item: its claims with their probabilities, or why there are none."""

    claims: list[str]
    probabilities: list[float]
    silence: str | None = None


def _findings(contents: Sequence[Item], spec: JudgeSpec, entails: Entails) -> list[Finding]:
    plans = [_plan(item, spec) for item in contents]
    pairs = list(dict.fromkeys(p for _, plan in plans for of_claim in plan for p in of_claim))
    known = dict(zip(pairs, entails(pairs).tolist(), strict=True)) if pairs else {}
    return [
        Finding([], [], silence)
        if silence
        else Finding(
            [of_claim[0][1] for of_claim in plan],
            [max(known[pair] for pair in of_claim) for of_claim in plan],
        )
        for silence, plan in plans
    ]


def _plan(item: Item, spec: JudgeSpec) -> tuple[str | None, list[list[Pair]]]:
    """Why nothing can be said of ``item``, or the pairs of each of its claims."""
    if absent := missing_field(item, spec):
        return absent, []
    if declines(item.answer.strip()):
        return REFUSAL, []
    size, count, cut, most = (int(spec.parameters[name]) for name in PARAMETERS)
    claims = [claim[:cut] for claim in claim_sentences(item.answer[:ANSWER_CHARS])]
    if len(claims) > most:
        return f"too_long: the answer makes {len(claims)} claims; {most} are read at most", []
    passages = _passages(item.contexts, size)
    if not claims or not passages:
        return (NO_CLAIMS if passages else "no_contexts"), []
    vocabularies = [set(words(passage)) - FUNCTION_WORDS for passage in passages]
    return None, [_pairs(claim, passages, vocabularies, count) for claim in claims]


def _pairs(claim: str, passages: list[str], vocabularies: list[set[str]], count: int) -> list[Pair]:
    """``claim`` beside the passages that share most words with it, the earlier where they tie."""
    said = set(words(claim))
    order = sorted(range(len(passages)), key=lambda n: (-len(said & vocabularies[n]), n))
    return [(passages[n], claim) for n in order[:count]]


def _passages(contexts: Sequence[str], size: int) -> list[str]:
    """Runs of whole sentences, each begun with the last one of the run before, without repeats."""
    room = CONTEXT_CHARS
    found: dict[str, None] = {}
    for context in contexts:
        run: list[str] = []
        for sentence in _pieces(context[:room], size):
            if run and sum(map(len, run)) + len(run) + len(sentence) > size:
                found.setdefault(" ".join(run))
                last = run[-1]
                run = [last] if len(last) + 1 + len(sentence) <= size else []
            run.append(sentence)
        if run:
            found.setdefault(" ".join(run))
        room -= min(room, len(context))
    return list(found)


def _pieces(text: str, size: int) -> Iterator[str]:
    """The sentences of ``text``, those longer than ``size`` in pieces."""
    for sentence in sentences(text):
        for first in range(0, len(sentence), size):
            yield sentence[first : first + size]


def _ruling(metric: str, finding: Finding) -> Ruling:
    if finding.silence:
        return Ruling("not_applicable", None, finding.silence)
    least = min(finding.probabilities)
    count = len(finding.claims)
    claims = "1 claim" if count == 1 else f"{count} claims"
    score, reason = (
        (least, f"least entailed of {claims}")
        if metric == LEAST
        else (sum(finding.probabilities) / count, f"mean entailment of {claims}")
    )
    weakest = finding.claims[finding.probabilities.index(least)]
    return Ruling("scored", round(min(max(score, 0.0), 1.0), 4), reason, weakest[:EVIDENCE_CHARS])

"""Scores weighed by what a judge nearly said, from the log probabilities of its verdict's token.

A judge that writes ``true`` with a probability of 0.6 is less sure than one that does with 0.99.
The score is then the mean over all verdicts on the scale, each weighed by its probability at the
place where the verdict begins (Liu et al., G-Eval, 2023, section 2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from math import exp
from typing import Final

from llmops_pipelines.judging.judges.exchange import Reply, WeighedToken
from llmops_pipelines.judging.judges.replies import Ruling
from llmops_pipelines.judging.judges.rubrics import Rubric

_SPACE: Final = " \t\r\n"
_AROUND: Final = _SPACE + '":,}'
"""What a token may carry besides the beginning of a verdict."""

_DECODER: Final = json.JSONDecoder()

NO_LOGPROBS: Final = (
    "the endpoint tells no log probabilities, by which this judge's scores are weighed"
)


def weighed(ruling: Ruling, reply: Reply, rubric: Rubric) -> Ruling:
    """``ruling`` with the expected score in place of the one written; others stay as they are.

    Without log probabilities it is ``unreadable``: a score of another kind must not stand in.
    """
    if ruling.outcome != "scored":
        return ruling
    if not reply.tokens_weighed:
        return Ruling("unreadable", None, NO_LOGPROBS)
    score = expected_score(reply.text or "", reply.tokens_weighed, rubric)
    if score is None:
        return Ruling("unreadable", None, "no verdict stands among the weighed tokens")
    return replace(ruling, score=score)


def expected_score(text: str, tokens: tuple[WeighedToken, ...], rubric: Rubric) -> float | None:
    """Mean score over the verdicts that nearly stood in ``text``, by probability; 0 to 1.

    None where the verdict's place cannot be found, or none of the tokens there is a verdict.
    Verdicts that give no score (null) are left out of the mean.
    """
    start = value_start(text, rubric.verdict)
    if start is None:
        return None
    if (place := _place(text, tokens, start)) is None:
        return None
    written, before = place
    if written.text[:before].strip(_AROUND):
        return None  # the token holds the end of something else, so its rivals tell of that too
    scale = _scale(rubric)
    total = mass = 0.0
    for token, logprob in written.alternatives:
        score = _score_of(token, scale)
        if score is not None:
            probability = exp(min(logprob, 0.0))
            total += probability * score
            mass += probability
    return round(total / mass, 6) if mass > 0 else None


def _place(
    text: str, tokens: tuple[WeighedToken, ...], start: int
) -> tuple[WeighedToken, int] | None:
    """The token that holds the character at ``start``, and how many of its own stand before that.

    A character of several bytes may lie in two tokens, neither of which can be written: what then
    stands before the place is passed over by counting from the end.
    """
    at = 0
    for token in tokens:
        if not text.startswith(token.text, at):
            break
        if at + len(token.text) > start:
            return token, start - at
        at += len(token.text)
    at = len(text)
    for token in reversed(tokens):
        at -= len(token.text)
        if at < 0 or not text.startswith(token.text, at):
            return None
        if at <= start:
            return token, start - at
    return None


def value_start(text: str, name: str) -> int | None:
    """Where the value of the property ``name`` of the object in ``text`` begins, quotes left out.

    Only the outermost object counts: whatever a judge quotes inside is no verdict.
    """
    at = text.find("{") + 1
    try:
        while at:
            key, at = _DECODER.raw_decode(text, _after(text, at, ","))
            at = _after(text, at, ":")
            if key == name:
                return at + (text[at] == '"')
            _, at = _DECODER.raw_decode(text, at)
    except (ValueError, IndexError, RecursionError):
        return None
    return None


def _after(text: str, at: int, sign: str) -> int:
    while text[at] in _SPACE + sign:
        at += 1
    return at


def _scale(rubric: Rubric) -> Mapping[str, float | None]:
    """Every verdict as it is written, and its score."""
    match rubric.scale:
        case "binary":
            return {"true": 1.0, "false": 0.0, "null": None}
        case "one_to_five":
            return {str(number): (number - 1) / 4 for number in range(1, 6)}
        case "categorical":
            return rubric.categories


def _score_of(token: str, scale: Mapping[str, float | None]) -> float | None:
    """The score of the one verdict that ``token`` begins; None where it begins none, or several."""
    begins = token.strip(_AROUND)
    if not begins:
        return None
    scores = {score for verdict, score in scale.items() if verdict.startswith(begins)}
    return scores.pop() if len(scores) == 1 else None

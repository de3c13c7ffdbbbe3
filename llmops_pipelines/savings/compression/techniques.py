"""Ways to send less: each takes a prompt and a setting, and gives the prompt that is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llmops_pipelines.savings.compression.likeness import Likeness
from llmops_pipelines.savings.compression.parts import (
    Count,
    Kind,
    Part,
    Prompt,
    question_of,
    texts_of,
)
from llmops_pipelines.savings.compression.units import units

Shorten = Callable[[str, Sequence[str], float], Sequence[str]]
"""Question, contexts and the share of their tokens to keep, to as many shortened contexts."""


@dataclass(frozen=True)
class Technique:
    """A way to send less, and the settings it is tried at, from the mildest to the hardest.

    ``rests_on`` are the parts that an answer's support is looked for in; empty where support says
    nothing about what is left out. Where ``summary_tokens`` is above 0, a summary of that length
    stands for what was left out, and has to be made.
    """

    name: str
    settings: tuple[float, ...]
    apply: Callable[[Prompt, float], Prompt]
    rests_on: tuple[Kind, ...] = ("context",)
    summary_tokens: int = 0


def contexts_by_rank(prompt: Prompt, keep: float) -> Prompt:
    """The ``keep`` best contexts by the retriever's score, by their order where any has none."""
    contexts = _contexts(prompt)
    scored = all(part.score is not None for part in contexts)
    ranks = [(-(p.score or 0.0) if scored else 0.0, p.number) for p in contexts]
    return _keeping(prompt, "context", {n for _, n in sorted(ranks)[: int(keep)]})


def contexts_by_likeness(likeness: Likeness) -> Callable[[Prompt, float], Prompt]:
    """The contexts most like the question."""

    def apply(prompt: Prompt, keep: float) -> Prompt:
        contexts = _contexts(prompt)
        if len(contexts) <= keep:
            return prompt
        likes = likeness(question_of(prompt), [part.text for part in contexts])
        ranks = sorted(zip(-likes, (p.number for p in contexts), strict=True))
        return _keeping(prompt, "context", {number for _, number in ranks[: int(keep)]})

    return apply


def used_contexts_only(used: Sequence[bool | None], prompt: Prompt) -> Prompt:
    """The contexts that the answer used: known only once it is there. Untold ones stay."""
    kept = {number for number, own in enumerate(used) if own is not False}
    return _keeping(prompt, "context", kept)


def recent_history(prompt: Prompt, turns: float) -> Prompt:
    """The last ``turns`` turns of the conversation; older ones go."""
    numbers = sorted({part.number for part in prompt if part.kind == "history"})
    kept = numbers[max(len(numbers) - int(turns), 0) :]
    return _keeping(prompt, "history", set(kept))


def examples_by_likeness(likeness: Likeness) -> Callable[[Prompt, float], Prompt]:
    """The examples whose question is most like this one, in the order they stood."""

    def apply(prompt: Prompt, keep: float) -> Prompt:
        asked = [p for p in prompt if p.kind == "example" and p.role in ("user", "human")]
        if len(asked) <= keep:
            return prompt
        likes = likeness(question_of(prompt), [part.text for part in asked])
        ranks = sorted(zip(-likes, (p.number for p in asked), strict=True))
        return _keeping(prompt, "example", {number for _, number in ranks[: int(keep)]})

    return apply


def shortened_contexts(shorten: Shorten) -> Callable[[Prompt, float], Prompt]:
    """Contexts as ``shorten`` leaves them; those of which it leaves nothing go."""

    def apply(prompt: Prompt, share: float) -> Prompt:
        left = iter(shorten(question_of(prompt), texts_of(prompt, "context"), share))
        parts = (
            replace(part, text=next(left)) if part.kind == "context" else part for part in prompt
        )
        return tuple(p for p in parts if p.kind != "context" or p.text.strip())

    return apply


def extractive(likeness: Likeness, count: Count) -> Shorten:
    """The sentences most like the question, of all contexts together, in the order they stood.

    Sentences are taken from the most alike down; one that no longer fits is passed over. Blocks
    (`units`) stay whole or go whole. The most alike is kept whatever its length.
    """

    def shorten(question: str, contexts: Sequence[str], share: float) -> Sequence[str]:
        pieces = [(place, unit) for place, text in enumerate(contexts) for unit in units(text)]
        if len(pieces) < 2:
            return contexts
        likes = likeness(question, [unit for _, unit in pieces])
        left = share * sum(count(text) for text in contexts)
        kept: set[int] = set()
        for row in sorted(range(len(pieces)), key=lambda row: (-likes[row], row)):
            tokens = count(pieces[row][1])
            if tokens <= left or not kept:
                kept.add(row)
                left -= tokens
        texts = ["" for _ in contexts]
        for row in sorted(kept):
            place, unit = pieces[row]
            texts[place] += unit
        return texts

    return shorten


def _contexts(prompt: Prompt) -> list[Part]:
    return [part for part in prompt if part.kind == "context"]


def _keeping(prompt: Prompt, kind: Kind, numbers: set[int]) -> Prompt:
    return tuple(part for part in prompt if part.kind != kind or part.number in numbers)

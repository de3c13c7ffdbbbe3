"""Logged calls sent shorter: what each setting of each technique leaves of each call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import floor
from typing import Any

import polars as pl

from llmops_pipelines.savings.compression.likeness import Embed, Likeness
from llmops_pipelines.savings.compression.parts import (
    Count,
    Prompt,
    kept_prefix,
    question_of,
    texts_of,
    tokens_of,
)
from llmops_pipelines.savings.compression.techniques import (
    Shorten,
    Technique,
    contexts_by_likeness,
    contexts_by_rank,
    examples_by_likeness,
    extractive,
    recent_history,
    shortened_contexts,
    used_contexts_only,
)
from llmops_pipelines.savings.compression.units import units

Support = Callable[[str, Sequence[str]], float | None]
"""How far an answer rests on some texts, 0 to 1; None where there is nothing to score."""

UNUSED = "unused_contexts"
"""Dropping what the answer did not use is known only after it: a bound, no policy."""

COUNTS = (10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0)
SHARES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
SUMMARY_TOKENS = 100
MOST_SCALED = 2.0
"""Where the log shows less than half of the tokens, something else was sent, such as tools."""

COMPRESSED = pl.Schema(
    {
        "call_id": pl.String,
        "technique": pl.String,
        "step": pl.Int64,
        "setting": pl.Float64,
        "tokens_before": pl.Int64,
        "tokens_after": pl.Int64,
        "kept_prefix": pl.Int64,
        "summary_input": pl.Int64,
        "summary_output": pl.Int64,
        "score_full": pl.Float64,
        "score_kept": pl.Float64,
        "used": pl.Int64,
        "used_lost": pl.Int64,
    }
)
"""One row is one call at one setting of a technique; step 1 is the mildest. ``tokens_before`` and
``tokens_after`` are of the whole prompt, ``kept_prefix`` of what stands in front of the first
change; summaries are made by a call of their own. ``score_full`` and ``score_kept`` are null where
the answer cannot be scored. ``used`` counts the contexts that the answer used, ``used_lost`` those
of them that are gone; null where that is not known."""


@dataclass(frozen=True)
class LoggedPrompt:
    """A call as it is replayed."""

    call_id: str
    prompt: Prompt
    answer: str
    prompt_tokens: int | None
    """As the provider counted them, cached ones included; None where the log has no usage."""
    used: tuple[bool | None, ...] = ()
    """Whether the answer used each context that is not blank, in order; None where untold."""
    count: Count | None = None
    """The model's own tokeniser; without one, texts are counted by length and scaled."""


def standard_techniques(likeness: Likeness, count: Count) -> tuple[Technique, ...]:
    """What is tried on every call."""
    return (
        Technique("contexts_by_rank", COUNTS, contexts_by_rank),
        Technique("contexts_by_likeness", COUNTS, contexts_by_likeness(likeness)),
        compressor("extractive", extractive(likeness, count)),
        Technique(
            "recent_history",
            COUNTS,
            recent_history,
            rests_on=("context", "history"),
            summary_tokens=SUMMARY_TOKENS,
        ),
        Technique("examples_by_likeness", COUNTS, examples_by_likeness(likeness), rests_on=()),
    )


def compressor(name: str, shorten: Shorten) -> Technique:
    """``shorten`` tried at every share of the contexts' tokens."""
    return Technique(name, SHARES, shortened_contexts(shorten))


def likeness_of(calls: Iterable[LoggedPrompt], embed: Embed) -> Likeness:
    """What the standard techniques compare, embedded in one go: only where there is a choice."""
    return Likeness(embed, (text for call in calls for text in _compared(call.prompt)))


def affordable(calls: Iterable[LoggedPrompt], most_texts: int) -> list[LoggedPrompt]:
    """Calls in their order, as many as need no more than ``most_texts`` vectors together.

    One that would need more than is left is passed over, so a prompt of a million sentences stops
    nobody else.
    """
    taken, known = [], set[str]()
    for call in calls:
        wanted = known.union(_compared(call.prompt))
        if len(wanted) <= most_texts:
            taken.append(call)
            known = wanted
    return taken


def replay_compression(
    calls: Sequence[LoggedPrompt],
    techniques: Sequence[Technique],
    support: Support,
    count: Count,
) -> pl.DataFrame:
    """``COMPRESSED``: every call at every setting; calls that a setting leaves alone included.

    Tokens are counted by the model's tokeniser where there is one, else by ``count`` and scaled to
    the tokens that the provider counted. Neither ever adds up to more than those.
    """
    rows: list[dict[str, Any]] = []
    for call in calls:
        rows += _rows(call, techniques, support, call.count or count)
    return pl.DataFrame(rows, schema=COMPRESSED)


def _rows(
    call: LoggedPrompt, techniques: Sequence[Technique], support: Support, count: Count
) -> Iterator[dict[str, Any]]:
    tokens = lru_cache(maxsize=None)(count)
    scored = lru_cache(maxsize=None)(lambda texts: support(call.answer, texts))
    counted = tokens_of(call.prompt, tokens)
    scale = _scale(counted, call)
    before = call.prompt_tokens if call.prompt_tokens is not None else counted

    def row(technique: Technique, step: int, setting: float, left: Prompt) -> dict[str, Any]:
        prefix, removed, summary = kept_prefix(call.prompt, left), 0, 0
        if len(prefix) < len(call.prompt):
            summary = technique.summary_tokens
            removed = round(scale * (counted - tokens_of(left, tokens))) - summary
        if removed <= 0:
            left, prefix, removed, summary = call.prompt, call.prompt, 0, 0
        rests_on = technique.rests_on
        full, kept = (tuple(texts_of(p, *rests_on)) for p in (call.prompt, left))
        score_full = scored(full) if rests_on else None
        return {
            "call_id": call.call_id,
            "technique": technique.name,
            "step": step,
            "setting": setting,
            "tokens_before": before,
            "tokens_after": before - removed,
            "kept_prefix": min(floor(scale * tokens_of(prefix, tokens)), before),
            "summary_input": (summary + _newest_dropped(call.prompt, left, tokens, scale))
            if summary
            else 0,
            "summary_output": summary,
            "score_full": score_full,
            # Nothing left to rest on is no support at all, not an answer that cannot be scored.
            "score_kept": None if score_full is None else scored(kept) or 0.0,
            **_used(call, left),
        }

    for technique in techniques:
        for step, setting in enumerate(technique.settings, start=1):
            yield row(technique, step, setting, technique.apply(call.prompt, setting))
    if call.used:
        bound = Technique(UNUSED, (0.0,), lambda prompt, _: used_contexts_only(call.used, prompt))
        yield row(bound, 1, 0.0, bound.apply(call.prompt, 0.0))


def _scale(counted: int, call: LoggedPrompt) -> float:
    if not counted or call.prompt_tokens is None:
        return 1.0
    ratio = call.prompt_tokens / counted
    return min(ratio, 1.0) if call.count or ratio > MOST_SCALED else ratio


def _used(call: LoggedPrompt, left: Prompt) -> dict[str, int | None]:
    """How many contexts the answer used, and how many of them nothing is left of."""
    if not call.used:
        return {"used": None, "used_lost": None}
    there = {part.number for part in left if part.kind == "context"}
    own = [number for number, used in enumerate(call.used) if used]
    return {"used": len(own), "used_lost": sum(number not in there for number in own)}


def _newest_dropped(before: Prompt, after: Prompt, count: Count, scale: float) -> int:
    """Tokens of the turn that left the window last: what the next summary has to read anew."""
    kept = {part.number for part in after if part.kind == "history"}
    gone = [part for part in before if part.kind == "history" and part.number not in kept]
    newest = max((part.number for part in gone), default=0)
    return round(scale * tokens_of((part for part in gone if part.number == newest), count))


def _compared(prompt: Prompt) -> Iterator[str]:
    contexts = texts_of(prompt, "context")
    pieces = [unit for text in contexts for unit in units(text)]
    asked = [p.text for p in prompt if p.kind == "example" and p.role in ("user", "human")]
    if len(pieces) > 1 or len(asked) > 1:
        yield question_of(prompt)
        yield from contexts
        yield from pieces
        yield from asked

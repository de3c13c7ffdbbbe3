"""Maps of names to token counts, as hosted tools keep them, as canonical token fields.

Tools pass a provider's usage object on, which ``usage`` reads, or lay it flat under names of their
own. Flat maps hold both conventions: counts that include their parts (OpenAI's ``prompt_tokens``)
and counts beside them (Langfuse's ``input`` next to ``input_cached_tokens``). A total that adds up
tells which; without one, the names do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_object, from_json, tokens, without_nulls
from llmops_pipelines.formats.usage.counts import cache_writes, count_in, with_total
from llmops_pipelines.formats.usage.usage import tokens_of

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_INPUTS: Final = ("prompt_tokens", "input_tokens", "input", "prompt", "prompt_token_count",
                  "input_token_count", "prompt_eval_count")  # fmt: skip
_OUTPUTS: Final = ("completion_tokens", "output_tokens", "output", "completion",
                   "candidates_token_count", "output_token_count",
                   "generated_token_count", "eval_count")  # fmt: skip
_TOTALS: Final = ("total_tokens", "total", "total_token_count")
_OWN: Final = frozenset({"input", "output", "prompt", "completion"})
_INCLUSIVE: Final = ("prompt_tokens", "prompt_token_count", "completion_tokens", "output_tokens")
"""Counts that include their parts wherever no total says otherwise."""

_TIERS: Final = ("priority", "flex")
_NO_TOKENS: Final = {"cost", "requests", "request", "duration", "seconds", "unit", "miss"}
_INPUT_WORDS: Final = {"input", "prompt"}
_OUTPUT_WORDS: Final = {"output", "completion", "candidates", "generated"}
_REASONING: Final = {"reasoning", "thinking", "thought", "thoughts"}
_WRITES: Final = {"creation", "write", "writes", "ephemeral"}


@dataclass
class _Side:
    """Input or output: its own count, and its parts by canonical name."""

    base: int | None = None
    name: str = ""
    unreadable: Any = None
    parts: dict[str, int] = field(default_factory=dict)
    inclusive: bool = False

    def add(self, part: str, count: int) -> None:
        # The same part under two names (LiteLLM) is one part, hence no sum.
        self.parts[part] = max(self.parts.get(part, 0), count)

    @property
    def together(self) -> int:
        return sum(self.parts.values())

    def count(self, *, inclusive: bool) -> int:
        base = self.base or 0
        return base if inclusive else base + self.together

    @property
    def can_include(self) -> bool:
        return self.base is not None and self.base >= self.together


def token_fields(usage: Any) -> Record:
    """Canonical token fields of a usage object; empty where it counts nothing at all.

    Counts that are no numbers are handed on as they are, for the engine to reject by name.
    """
    usage = {str(name): from_json(value) for name, value in as_object(usage).items()}
    if _is_providers(usage) and (found := tokens_of(usage)):
        return _counted(found)
    given, outgoing = _Side(), _Side()
    total, tier = None, None
    for name, value in _flat(usage):
        count = count_in(value)
        if name in _INPUTS or name in _OUTPUTS:
            side = given if name in _INPUTS else outgoing
            if count is None:
                side.unreadable = side.unreadable or tokens(value)
            elif not side.base:
                side.base, side.name = count, name
        elif name in _TOTALS:
            total = count if count is not None else total
        elif count is not None:
            tier = _place(name, count, given, outgoing) or tier
    if given.unreadable is not None or outgoing.unreadable is not None:
        return without_nulls(
            {"input_tokens": given.unreadable, "output_tokens": outgoing.unreadable}
        )
    _settle_writes(given)
    known = [side for side in (given, outgoing) if side.base is not None or side.parts]
    uncounted = not any(side.base or side.together for side in known)
    if uncounted and (not total or len(known) == 2):
        return {}  # a tool's 0 for what nobody counted
    _decide(given, outgoing, total)
    fields: Record = {"service_tier": tier}
    for side, key in ((given, "input_tokens"), (outgoing, "output_tokens")):
        if side in known:
            fields[key] = side.count(inclusive=side.inclusive)
            fields |= {part: count for part, count in side.parts.items() if part[0] != "_"}
    return without_nulls(with_total(fields, None if _is_sum_of_all(usage, total) else total))


def of_embedding(found: Record) -> Record:
    """Token fields of an embedding, whose input is all there is."""
    return {"output_tokens": 0} | found if "input_tokens" in found else found


def _is_sum_of_all(usage: Record, total: int | None) -> bool:
    """Whether a total only adds up all that the map holds, parts told twice too, as Langfuse does.

    Where nobody gave a total, Langfuse fills it in so.
    """
    said = [count_in(value) or 0 for name, value in _flat(usage) if name not in _TOTALS]
    return len(said) > 1 and total == sum(said)


def total_of(costs: Record) -> Any:
    """The total of a map of costs; where it has none, the sum of its parts, if all are numbers."""
    if (total := costs.get("total")) is not None or not costs:
        return total
    try:
        return float(sum(Decimal(str(part)) for part in costs.values()))
    except ArithmeticError:
        return None


def _is_providers(usage: Record) -> bool:
    """Whether a usage object is still the provider's: those that tools lay flat hold no objects."""
    return _OWN.isdisjoint(usage) and any(isinstance(said, (dict, list)) for said in usage.values())


def _counted(found: Record) -> Record:
    """What a provider's object said, as far as it counts."""
    said = [count_in(value) for name, value in found.items() if name != "service_tier"]
    return found if any(count is None or count for count in said) else {}


def _flat(usage: Record) -> Iterator[tuple[str, Any]]:
    """Names in snake case with their values; details get the name of their side in front."""
    for key, inner in usage.items():
        name = _CAMEL.sub("_", key).lower()
        if not isinstance(inner, dict):
            yield name, inner
            continue
        words = set(name.split("_"))
        if "cache" in words:
            side = "cache_creation"
        else:
            side = "output_detail" if words & _OUTPUT_WORDS else "input_detail"
        for part, count in inner.items():
            yield f"{side}_{_CAMEL.sub('_', str(part)).lower()}", count


def _place(name: str, count: int, given: _Side, outgoing: _Side) -> str | None:
    """Put a part where it belongs; the service tier that its name tells, if it does."""
    words = set(name.split("_"))
    if words & _NO_TOKENS:
        return None
    tier = next((word for word in _TIERS if word in words), None)
    # OpenAI's details and the parts of its priority tier lie inside the count, whatever its name.
    inside = "detail" in words or "priority" in words
    if words & _WRITES:
        split = "1h" if words & {"1h", "1hr"} else "5m" if "5m" in words else None
        given.add(f"cache_write_{split}" if split else "_cache_write", count)
    elif any(word.startswith("cache") for word in words):
        given.add("_cache_read_over" if "over" in words else "cache_read", count)
    elif words & _REASONING:
        outgoing.add("reasoning", count)
    elif "audio" in words and words & (_INPUT_WORDS | _OUTPUT_WORDS):
        side, part = (outgoing, "audio_output") if words & _OUTPUT_WORDS else (given, "audio_input")
        side.add(part, count)
    elif words & (_INPUT_WORDS | _OUTPUT_WORDS) and not inside:
        (outgoing if words & _OUTPUT_WORDS else given).add(f"_{name}", count)
    if inside:
        (outgoing if words & (_REASONING | _OUTPUT_WORDS) else given).inclusive = True
    return tier


def _settle_writes(given: _Side) -> None:
    """Cache writes as 5 minutes and an hour; the sum of both, logged beside them, counts once."""
    parts = given.parts
    lives = ("cache_write_5m", "cache_write_1h")
    written = cache_writes(parts.pop("_cache_write", None), *(parts.get(life) for life in lives))
    parts |= {life: count for life, count in zip(lives, written, strict=True) if count}
    if over := parts.pop("_cache_read_over", 0):
        parts["cache_read"] = parts.get("cache_read", 0) + over


def _decide(given: _Side, outgoing: _Side, total: int | None) -> None:
    """Say of both sides whether the count includes its parts."""
    for side in (given, outgoing):
        side.inclusive = (side.inclusive or side.name in _INCLUSIVE) and side.can_include
    if total is None or not (given.parts or outgoing.parts):
        return
    likely = (given.inclusive, outgoing.inclusive)
    for flips in ((False, False), (False, True), (True, False), (True, True)):
        inside = [was != flip for was, flip in zip(likely, flips, strict=True)]
        possible = all(
            side.can_include or not told
            for side, told in zip((given, outgoing), inside, strict=True)
        )
        counts = (given.count(inclusive=inside[0]), outgoing.count(inclusive=inside[1]))
        if possible and sum(counts) == total:
            given.inclusive, outgoing.inclusive = inside
            return

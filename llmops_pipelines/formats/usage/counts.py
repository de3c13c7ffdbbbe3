"""Token counts as anybody spells them: read, added up, compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record

_CACHES: Final = ("cache_read", "cache_write_5m", "cache_write_1h")
COUNTS: Final = (
    "input_tokens", "uncached_input", *_CACHES, "audio_input", "output_tokens", "reasoning",
    "audio_output", "total_tokens",
)  # fmt: skip
"""Fields of a record that count tokens."""


def count_in(value: Any) -> int | None:
    """``value`` as a count, None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if value.isascii() and value.isdigit() and len(value) < 19:
            return int(value)
        value = _number(value)
    if isinstance(value, float) and value.is_integer() and value >= 0:
        return int(value)
    return value if isinstance(value, int) and value >= 0 else None


def _number(text: str) -> float | None:
    """``text`` as the number that it spells (``12.0``), None if it spells none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def any_in(value: Any) -> bool:
    """Whether ``value`` counts anything."""
    return bool(count_in(value))


def counts_a_side(found: Mapping[str, Any]) -> bool:
    """Whether fields of a record count a prompt or an answer."""
    return any(name in found for name in ("input_tokens", "uncached_input", "output_tokens"))


def together(*values: Any) -> Any:
    """Together; None if all are; the first that is no count, so that it is rejected by name."""
    known = [value for value in values if value is not None]
    counts = [count_in(value) for value in known]
    if None in counts:
        return known[counts.index(None)]
    return sum(count for count in counts if count is not None) if known else None


def same_count(*values: Any) -> Any:
    """The same count under several names; the first that is no count, like ``together``."""
    known = [value for value in values if value is not None and not isinstance(value, Mapping)]
    counts = [count_in(value) for value in known]
    if None in counts:
        return known[counts.index(None)]
    return max((count for count in counts if count is not None), default=None)


def cache_writes(created: Any, five: Any, hour: Any) -> tuple[Any, Any]:
    """Tokens written to the cache for 5 minutes and for an hour; without a split, for 5 minutes."""
    split, whole, late = together(five, hour), count_in(created), count_in(hour)
    parts = count_in(split)
    if (created is not None and whole is None) or (split is not None and parts is None):
        return (split if parts is None and split is not None else created), None
    if whole is None and parts is None:
        return None, None
    return max(whole or 0, parts or 0) - (late or 0), late


def adds_up(total: Any, *parts: Any) -> bool:
    """Whether ``parts`` together are ``total``."""
    whole = count_in(total)
    return whole is not None and whole == count_in(together(*parts))


def without_counts(found: Record) -> Record:
    """``found`` of an answer that a gateway had kept: no model was asked, so no token was bought.

    What such an answer's usage counts was bought when it was first given, in a call of its own.
    """
    kept = {name: value for name, value in found.items() if name not in (*COUNTS, "web_searches")}
    return kept | {"input_tokens": 0, "output_tokens": 0}


def with_total(found: Record, total: Any) -> Record:
    """Counts with the ``total`` of the tool that logged them, for the engine to hold against them.

    Of one side it tells the other. A total that leaves caches out, as the input beside it does,
    says nothing of them; one that is no count, or less than what it would have to hold, nothing.
    """
    whole, made = count_in(total), count_in(found.get("output_tokens"))
    given, apart = count_in(found.get("input_tokens")), count_in(found.get("uncached_input"))
    if apart is not None:
        given = count_in(together(apart, *(found.get(name) for name in _CACHES)))
    if whole is None or (given is None and made is None):
        return found
    if given is not None and made is not None:
        beside = apart is not None and whole == apart + made
        return found if beside else found | {"total_tokens": whole}
    return found | {"total_tokens": whole} if whole >= (given or 0) + (made or 0) else found

"""Where prompts of a scope begin to differ although much of the rest is the same, and by what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.savings.prompt_cache.marks import rendered
from llmops_pipelines.savings.prompt_cache.replayable import leads_with_system

EXAMPLES: Final = 20
"""Prompts of a scope that are looked at."""

LEAST_SESSIONS: Final = 3
"""Words are shown where so many sessions share them: they are the template's, not a person's."""

_SHOWN: Final = 60
_BEFORE: Final = 48
_SHAPES: Final = (
    ("uuid", r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
    ("timestamp", r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"),
    ("date", r"\d{4}[-/]\d\d[-/]\d\d|\d\d?[./]\d\d?[./]\d{4}"),
    ("time", r"\d\d?:\d\d(?::\d\d)?"),
    ("redacted", r"\[[A-Z_]+\]"),
    ("hash", r"(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{12,}"),
    ("number", r"[-+]?\d[\d.,]*"),
)


class Divergence(NamedTuple):
    """``at`` characters are the same; ``shape`` is what differs; ``after`` are words before it."""

    at: int
    shape: str
    after: str | None


def examples(replayed: pl.DataFrame) -> pl.DataFrame:
    """``scope`` and ``call_id`` of prompts to be looked at, where another order would help.

    Of a scope's prompts those that share equally much with an earlier one, and stand to gain most.

    Args:
        replayed: As ``replay_prompt_cache`` returns it.
    """
    gaining = replayed.filter(pl.col("order") > 0)
    place = (
        gaining.group_by("scope", "shared_bytes")
        .agg(pl.col("order").sum())
        .sort("scope", "order", "shared_bytes", descending=[False, True, False])
        .unique("scope", keep="first", maintain_order=True)
    )
    return (
        gaining.join(place, on=["scope", "shared_bytes"], how="semi", maintain_order="left")
        .group_by("scope", maintain_order=True)
        .head(EXAMPLES)
        .select("scope", "call_id", "shared_bytes", "session_id", leads_with_system())
    )


def divergences(shown: pl.DataFrame, texts: pl.DataFrame) -> dict[int, Divergence]:
    """Where the prompts of each scope begin to differ; scopes whose prompts do not have none.

    Args:
        shown: As ``examples`` returns it.
        texts: ``call_id`` and ``messages`` of these; what was forgotten meanwhile is missing.
    """
    prompts = shown.join(texts, on="call_id", maintain_order="left")
    told = prompts.join(rendered(prompts), on="call_id", maintain_order="left")
    found = {}
    for (scope,), own in told.partition_by("scope", as_dict=True).items():
        one = divergence(
            own["text"].to_list(), own["session_id"].to_list(), int(own["shared_bytes"][0])
        )
        if one:
            found[int(str(scope))] = one
    return found


def divergence(
    texts: Sequence[str], sessions: Sequence[str | None], shared_bytes: int
) -> Divergence | None:
    """Where some prompts begin to differ, and by what; None where they do not.

    Only those are compared that begin as the first one does, for ``shared_bytes`` bytes.

    Args:
        texts: The prompts as ``rendered``.
        sessions: The session of each; null is a session of its own.
        shared_bytes: Bytes that they share with earlier prompts.
    """
    if not texts:
        return None
    start = texts[0].encode()[:shared_bytes].decode(errors="ignore")
    alike = [(t, s) for t, s in zip(texts, sessions, strict=True) if t.startswith(start)]
    distinct = sorted({text for text, _ in alike})
    if len(distinct) < 2:
        return None
    ends = zip(distinct[0], distinct[-1], strict=False)
    at = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    found = Counter(_value(text, at) for text in distinct)
    (shape, begin), _ = min(found.items(), key=lambda item: (-item[1], item[0]))
    apart = len({s for _, s in alike if s is not None}) + sum(s is None for _, s in alike)
    words = distinct[0][max(begin - _SHOWN, 0) : begin]
    return Divergence(at, shape, words if apart >= LEAST_SESSIONS else None)


def _value(text: str, at: int) -> tuple[str, int]:
    """The shape of what stands around ``at``, and where that value begins."""
    start = max(at - _BEFORE, 0)
    near = text[start : at + _BEFORE]
    for shape, pattern in _SHAPES:
        for match in re.finditer(pattern, near):
            if match.start() <= at - start < match.end() or match.end() == at - start < len(near):
                return shape, start + match.start()
    word = re.search(r"\S*$", text[start:at])
    return "text", start + word.start() if word else at

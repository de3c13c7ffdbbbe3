"""Scores of people as ratings of 1 to 5, or as thumbs."""

from __future__ import annotations

import math
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record

_UP: Final = {"up", "thumbs_up", "thumbs up", "thumbsup", "👍", "positive", "good", "like", "liked",
              "helpful", "yes", "true", "correct"}  # fmt: skip
_DOWN: Final = {"down", "thumbs_down", "thumbs down", "thumbsdown", "👎", "negative", "bad",
                "dislike", "disliked", "unhelpful", "not helpful", "no", "false",
                "incorrect"}  # fmt: skip
_STARS: Final = ("star", "rating", "csat", "likert")


def rated(value: Any, label: Any, *, kind: str = "", stars: bool = False) -> Record | None:
    """The ``rating`` or ``thumb`` that a score is; None where it fits no scale.

    Args:
        value: The number; of booleans 0 or 1.
        label: The category's name, else the number again.
        kind: Langfuse's data type; empty where the source has none.
        stars: Whether the scale begins at 1.
    """
    if kind in ("", "BOOLEAN", "CATEGORICAL") and (thumb := _thumb(label)):
        return {"thumb": thumb}
    number = _number(value)
    if number is None or kind not in ("", "NUMERIC", "BOOLEAN"):
        return None
    if kind == "BOOLEAN":
        return {"thumb": "up" if number else "down"}
    if 0 <= number <= 1 and not stars:
        return {"rating": 1 + 4 * number}
    return {"rating": number} if 1 <= number <= 5 else None


def counts_stars(name: Any) -> bool:
    """Whether the name of a score speaks of a scale that begins at 1."""
    return any(word in str(name).lower() for word in _STARS)


def _thumb(label: Any) -> str | None:
    word = str(label).strip().lower() if isinstance(label, (str, bool)) else ""
    return "up" if word in _UP else "down" if word in _DOWN else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

"""``privacy.yaml``: what is redacted besides the built-in kinds, and how long tables are kept."""

from __future__ import annotations

import re
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from llmops_pipelines.tables import TABLES

_LONGEST = 500
_MOST_REPEATS = 100
_HARMLESS = ("", "a", "7", "the", "no. 12", "2026", "Hello, how are you?")
"""A pattern that finds something in these would redact nearly every text."""

_BOUNDS = re.compile(r"(?<!\\[xuUpP])\{\s*([0-9]*)\s*,?\s*([0-9]*)\s*\}")
"""How often something is repeated, unlike a character by its number (`\\x{2010}`)."""

_UNBOUNDED = r"[*+]|\{[0-9]+,\}"
_NESTED = re.compile(rf"\((?:[^()\\]|\\.)*(?:{_UNBOUNDED})(?:[^()\\]|\\.)*\)(?:{_UNBOUNDED})")


class IdPattern(BaseModel):
    """One form of national id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="What people call it.")
    pattern: str = Field(min_length=1, description="Regular expression in Rust's syntax.")
    checksum: Literal["luhn", "mod97", "none"] = Field(
        "none", description="What the number found must pass to be redacted."
    )

    @field_validator("pattern")
    @classmethod
    def _can_be_used(cls, pattern: str) -> str:
        if len(pattern) > _LONGEST:
            raise ValueError(f"has {len(pattern)} characters; at most {_LONGEST} are read")
        counts = [int(count) for pair in _BOUNDS.findall(pattern) for count in pair if count]
        if any(count > _MOST_REPEATS for count in counts):
            raise ValueError(f"repeats something more than {_MOST_REPEATS} times; bound it")
        if _NESTED.search(pattern):
            raise ValueError("repeats a repetition without bounds, as in (a+)+; write it flat")
        try:
            found = pl.Series(_HARMLESS).str.contains(pattern)
        except pl.exceptions.ComputeError as error:
            said = str(error).splitlines()
            what = next((line for line in said if line.startswith("error: ")), said[0])
            raise ValueError(
                f"is no regular expression that can be used: {what.removeprefix('error: ')}"
            ) from error
        if found.any():
            raise ValueError(
                f"matches {_HARMLESS[found.arg_max() or 0]!r}, so it would redact nearly all texts"
            )
        return pattern


class PrivacyRules(BaseModel):
    """All of ``privacy.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patterns: tuple[IdPattern, ...] = ()
    names: bool = Field(False, description="Redact names of people; needs the extra `names`.")
    retention_days: dict[str, int] = Field(
        default_factory=dict, description="Days that a table is kept, by table."
    )

    @field_validator("patterns")
    @classmethod
    def _are_told_apart(cls, patterns: tuple[IdPattern, ...]) -> tuple[IdPattern, ...]:
        names = [pattern.name for pattern in patterns]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} is given twice; name each pattern differently")
        return patterns

    @field_validator("retention_days")
    @classmethod
    def _can_expire(cls, days: dict[str, int]) -> dict[str, int]:
        # These say what a day is made of; without them nothing could be computed again.
        kept_by_day = [
            table.name
            for table in TABLES.values()
            if table.partitioned and table.name not in ("landed_days", "late_feedback")
        ]
        for name, count in days.items():
            if name not in kept_by_day:
                raise ValueError(
                    f"{name} is no table kept by day; accepted: {', '.join(kept_by_day)}"
                )
            if count < 1:
                raise ValueError(f"{name} must be kept for a day at least")
        return days

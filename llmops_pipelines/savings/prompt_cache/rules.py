"""What providers say of their prompt caches: from which length, for how long, at whose word.

A rule without a known lifetime says so, and then nothing is claimed for its models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

VERSION: Final = "2026-11-26"
"""When the table was last looked through; a change of it makes replays be done anew."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True)
class WriteOption:
    """One way of asking a cache to keep a prefix: for how long, and the bucket that is billed."""

    name: str
    ttl_s: int
    bucket: str


@dataclass(frozen=True)
class PrefixRule:
    """The rule for some models of a provider.

    ``ttl_s`` is what a claim rests on: for so long after its last use a prefix is surely kept.
    ``longest_s`` is what the provider names as the most. ``writes`` is empty where the cache works
    by itself and writing costs nothing; else a breakpoint has to be set, and writing is charged.
    """

    providers: tuple[str, ...]
    models: str
    minimum: int
    increment: int
    ttl_s: int | None
    longest_s: int | None
    source: str
    as_of: date
    writes: tuple[WriteOption, ...] = ()
    system_first: bool = False
    """The system text is a field of its own, before all messages, wherever it was logged."""
    note: str = ""

    @property
    def is_automatic(self) -> bool:
        """Nothing has to be asked for."""
        return not self.writes

    @property
    def is_known(self) -> bool:
        """Enough is known to claim something."""
        return self.ttl_s is not None


_OPENAI = "developers.openai.com/api/docs/guides/prompt-caching"
_AZURE = "learn.microsoft.com/azure/foundry/openai/how-to/prompt-caching"
_CLAUDE = "platform.claude.com/docs/en/build-with-claude/prompt-caching"
_GEMINI = "ai.google.dev/gemini-api/docs/caching"
_DEEPSEEK = "api-docs.deepseek.com/guides/kv_cache"
_LOOKED_UP = date(2026, 11, 26)

_CLAUDE_WRITES = (
    WriteOption("5 minutes", 5 * _MINUTE, "cache_write_5m"),
    WriteOption("1 hour", _HOUR, "cache_write_1h"),
)


def _openai(models: str, longest_s: int) -> PrefixRule:
    return PrefixRule(
        ("openai", "azure"), models, 1024, 128, 5 * _MINUTE, longest_s,
        f"{_OPENAI}; {_AZURE}", _LOOKED_UP,
        note="kept for 5 to 10 minutes without use; 24 hours at most where retention is extended",
    )  # fmt: skip


def _claude(models: str, minimum: int, note: str = "") -> PrefixRule:
    return PrefixRule(
        ("anthropic",), models, minimum, 1, 5 * _MINUTE, _HOUR, _CLAUDE, _LOOKED_UP,
        _CLAUDE_WRITES, system_first=True, note=note,
    )  # fmt: skip


def _gemini(models: str, minimum: int) -> PrefixRule:
    return PrefixRule(
        ("google",), models, minimum, 1, None, None, _GEMINI, _LOOKED_UP, system_first=True,
        note="implicit caching: how long a prefix is kept is not published",
    )  # fmt: skip


RULES: Final = (
    PrefixRule(
        ("openai", "azure"), r"gpt-(5\.[6-9]|[6-9])", 1024, 1, 30 * _MINUTE, 30 * _MINUTE,
        f"{_OPENAI}; {_AZURE}", _LOOKED_UP,
        (WriteOption("30 minutes", 30 * _MINUTE, "cache_write_5m"),),
        note="writing costs 1.25 times the input; at most 4 breakpoints, one set by itself",
    ),
    _openai(r"gpt-(5\.[1-5]|5$|5-(codex|20)|4\.1$|4\.1-20)", _DAY),
    _openai(r"(gpt-4o|chatgpt-4o|gpt-4\.[15]|gpt-5|o[134])(?!.*2024-05-13)", _HOUR),
    _claude(r"claude-(opus|fable|mythos)-5", 512),
    _claude(r"claude-(opus-4-[56]|haiku-4-5)", 4096),
    _claude(r"claude-(opus-4-7|3-haiku|3-5-haiku)", 2048),
    _claude(r"claude-sonnet-4-6", 2048, "sources name 1024 and 2048; the larger is taken"),
    _claude(r"claude-(opus-4|sonnet-[45]|3-7-sonnet|3-5-sonnet|3-opus)", 1024),
    _gemini(r"gemini-3-flash", 1024),
    _gemini(r"gemini-2\.5-flash", 2048),
    _gemini(r"gemini-(2\.5-pro|[34])", 4096),
    PrefixRule(
        ("deepseek",), r"deepseek", 64, 64, _HOUR, _DAY, _DEEPSEEK, _LOOKED_UP,
        note="kept for a few hours to a few days; one hour is claimed",
    ),
)  # fmt: skip
"""The first rule that fits a model holds. Their order is part of the table."""


def rule_of(provider: str | None, model: str | None) -> PrefixRule | None:
    """The rule of a model; None where none is written down.

    Args:
        provider: As in ``LLM_CALLS``; None lets the model's name decide.
        model: As in ``LLM_CALLS``; a vendor's name before a slash is ignored.
    """
    name = (model or "").lower().rpartition("/")[2].replace("claude-3.", "claude-3-")
    return next(
        (
            rule
            for rule in RULES
            if (provider is None or provider in rule.providers) and re.match(rule.models, name)
        ),
        None,
    )

"""What stands at each path of unknown records, and what its key is called in plain words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import polars as pl

from llmops_pipelines.formats import read_times
from llmops_pipelines.formats.engine.decoding import THOUSANDS, WITH_COMMA
from llmops_pipelines.formats.engine.paths import Path, parse_path, show_path
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.ingest.previewing.foreign_words import IN_ENGLISH

_THOUSANDS: Final = re.compile(THOUSANDS)
_WITH_COMMA: Final = re.compile(WITH_COMMA)
_DEEPEST: Final = 8
_MOST_PATHS: Final = 1_000
_WORD: Final = re.compile(r"[Ee]2[Ee]|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+[a-z]*")
_COUNTING: Final = {"number", "num", "n", "no", "count"}
_NOISE: Final = _COUNTING | {"of", "llm", "gen", "ai", "api", "the"}
_LIMITS: Final = {"max", "min", "limit", "budget", "remaining"}
"""Words of what a request may use, not of what it did."""
_SINGULAR: Final = {"token": "tokens", "tok": "tokens", "toks": "tokens",
                    "ids": "id", "secs": "s", "sec": "s", "seconds": "s",
                    "second": "s", "millis": "ms", "msec": "ms", "milliseconds": "ms",
                    "millisecond": "ms", "milli": "ms",
                    "micros": "us", "microseconds": "us", "microsecond": "us", "micro": "us",
                    "nanos": "ns", "nanoseconds": "ns", "nanosecond": "ns", "nano": "ns",
                    "dollars": "usd", "cent": "cents"}  # fmt: skip
_PREFIXED: Final = re.compile(r"^\$(?=[A-Za-z])")
"""A mark of keys that a tool defines (``$ai_model``), no currency."""
_CURRENCIES: Final = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy"}
_CLOCK: Final = {"unix", "epoch"}
"""Words beside the name of a time, unless they are the name."""
UNITS: Final = ("ms", "s", "us", "ns", "usd", "cents")


@dataclass(frozen=True)
class Profile:
    """The values at one path, one for each record; None where there is none or an empty one."""

    path: Path
    values: Sequence[Any]
    decimal: str = "."
    """What stands before decimals in texts."""

    @cached_property
    def known(self) -> list[Any]:
        """The values that are there."""
        return [value for value in self.values if value is not None]

    @cached_property
    def numbers(self) -> list[float | None]:
        """Each value as a number; None where it is none. Text of digits counts, as CSV has it."""
        return [_number(value, self.decimal) for value in self.values]

    @cached_property
    def known_numbers(self) -> list[float]:
        """The values that are numbers."""
        return [number for number in self.numbers if number is not None]

    @cached_property
    def has_decimal_commas(self) -> bool:
        """Whether all texts are numbers with a comma before decimals, and one can be no other."""
        commas = [text for text in self.texts if "," in text]
        fits = bool(commas) and all(map(_WITH_COMMA.fullmatch, self.texts))
        return fits and not all(map(_THOUSANDS.fullmatch, commas))

    @cached_property
    def are_numbers(self) -> bool:
        """Whether nearly all values are numbers."""
        return self.share(number is not None for number in self.numbers) >= 0.99

    @cached_property
    def are_whole(self) -> bool:
        """Whether nearly all values are whole numbers from 0 on."""
        return (
            self.share(number is not None and number >= 0 and number == int(number)
                       for number in self.numbers)
            >= 0.99
        )  # fmt: skip

    @cached_property
    def texts(self) -> list[str]:
        """The values that are text."""
        return [value for value in self.known if isinstance(value, str)]

    @cached_property
    def are_texts(self) -> bool:
        """Whether all values are text."""
        return bool(self.known) and len(self.texts) == len(self.known)

    @cached_property
    def times(self) -> pl.Series:
        """Each known value as a time, null where it is none."""
        spelled = [_spelled(value) for value in self.known]
        return read_times(pl.Series("time", spelled, dtype=pl.String))

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return len({_spelled(value) for value in self.known})

    @property
    def shown(self) -> str:
        """The path as a message names it."""
        return show_path(self.path)

    @property
    def given(self) -> str | list[str | int]:
        """The path as sources.yaml takes it: text, or a list of steps where keys hold dots."""
        try:
            return self.shown if parse_path(self.shown) == self.path else list(self.path)
        except ValueError:
            return list(self.path)

    def share(self, holds: Any) -> float:
        """The share of the known values for which ``holds`` (one truth a record) is true."""
        return sum(map(bool, holds)) / len(self.known) if self.known else 0.0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the key is called without noise and unit, after its parent's name and alone."""
        keys = [step for step in self.path if isinstance(step, str)]
        last, parent = plain(keys[-1]), plain(keys[-2]) if len(keys) > 1 else ""
        return (f"{parent}_{last}", last) if parent else (last,)

    @property
    def is_counted(self) -> bool:
        """Whether the key's name says that something is counted."""
        words = _words([step for step in self.path if isinstance(step, str)][-1])
        return not _COUNTING.isdisjoint(words)

    @property
    def counts_tokens(self) -> bool:
        """Whether whole numbers, not all of them 0, are named as counts of tokens."""
        words = _words([step for step in self.path if isinstance(step, str)][-1])
        told = "tokens" in words and _LIMITS.isdisjoint(words)
        return told and self.are_whole and any(self.known_numbers)

    @property
    def holds_json(self) -> bool:
        """Whether all values are objects as JSON text."""
        return self.are_texts and all(text.lstrip()[:1] == "{" for text in self.texts)

    @cached_property
    def unit(self) -> str | None:
        """The unit in the key's name."""
        words = _words([step for step in self.path if isinstance(step, str)][-1])
        return words[-1] if words and words[-1] in UNITS else None


def plain(key: str) -> str:
    """``key`` as words: ``numInputTokenCount`` and ``input_tokens`` are both ``input_tokens``."""
    words = [word for word in _words(key) if word not in _NOISE]
    if len(words) > 1 and words[-1] in UNITS:
        words = words[:-2] if words[-2] == "in" else words[:-1]
    words = [word for word in words if word not in _CLOCK] or words[:1]
    if words[:1] == ["id"]:  # as some languages put it
        words = [*words[1:], "id"]
    return "_".join(words).replace("first_tokens", "first_token")


def profiles(records: Sequence[Record]) -> list[Profile]:
    """A profile of every path of ``records``; of a list, of itself and of its first item."""
    found: dict[Path, list[Any]] = {}
    for number, record in enumerate(records):
        for path, value in _values(record, ()):
            if path not in found:
                if len(found) == _MOST_PATHS:
                    continue
                found[path] = [None] * len(records)
            found[path][number] = value
    made = [Profile(path, values) for path, values in found.items() if any_known(values)]
    if any(profile.has_decimal_commas for profile in made):  # then numbers without decimals too
        return [replace(profile, decimal=",") for profile in made]
    return made


def any_known(values: Sequence[Any]) -> bool:
    """Whether there is a value at all."""
    return any(value is not None for value in values)


def _values(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if len(path) > _DEEPEST or value is None or value == "":
        return
    if isinstance(value, dict):
        for key, below in value.items():
            if key and key.isprintable():
                yield from _values(below, (*path, key))
        return
    yield path, value
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield from _values(value[0], (*path, 0))


def _words(key: str) -> list[str]:
    key = _PREFIXED.sub("", key)
    for sign, name in _CURRENCIES.items():
        key = key.replace(sign, f" {name} ")
    key = without_accents(key)
    words = [
        word.lower() for part in re.split(r"[^A-Za-z0-9]+", key) for word in _WORD.findall(part)
    ]
    english = [word for said in words for word in IN_ENGLISH.get(said, (said,))]
    return [_SINGULAR.get(word, word) for word in english]


def without_accents(text: str) -> str:
    """``text`` with its letters as ASCII has them, where it has them."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def _number(value: Any, decimal: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str):
        if decimal == "," and _WITH_COMMA.fullmatch(value):
            value = re.sub(r"[.\s']", "", value).replace(",", ".")
        elif _THOUSANDS.fullmatch(value):
            value = value.replace(",", "")
        value = value.removeprefix("$")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 2**63 else None


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

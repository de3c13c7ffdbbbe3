"""A promptfoo configuration as it is evaluated here: tests, their variables, their assertions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

State = Literal["passed", "failed", "unknown", "unsupported"]
"""``unknown``: the assertion is one of ours, but what it asks cannot be told of this output;
``unsupported``: it is not one of ours, or runs code."""


class ConfigError(ValueError):
    """A configuration, or a file it names, cannot be used. The message names place and remedy."""


class UndecidedError(Exception):
    """An assertion cannot be decided on this output. ``supported``: by nature, or by its value."""

    def __init__(self, reason: str, *, supported: bool = True) -> None:
        super().__init__(reason)
        self.supported = supported


class Finding(NamedTuple):
    """What one assertion says of one output; ``score`` is from 0 to 1, null where unknown."""

    state: State
    score: float | None
    reason: str


@dataclass(frozen=True)
class Assertion:
    """One assertion.

    ``kind`` is without its ``not-``, which is ``negated``; ``place`` is ``file:line``; ``refusal``
    says why it is never evaluated, whatever the output.
    """

    kind: str
    negated: bool = False
    value: Any = None
    threshold: float | None = None
    weight: float = 1.0
    metric: str | None = None
    place: str = ""
    refusal: str | None = None

    @property
    def name(self) -> str:
        """As the configuration spells it."""
        return f"not-{self.kind}" if self.negated else self.kind


@dataclass(frozen=True)
class AssertionSet:
    """Assertions that count as one."""

    assertions: tuple[Assertion, ...]
    threshold: float | None = None
    weight: float = 1.0
    metric: str | None = None
    place: str = ""

    @property
    def name(self) -> str:
        """As the configuration spells it."""
        return "assert-set"


@dataclass(frozen=True)
class Test:
    """One test case, its variables expanded; ``number`` counts from 0, as promptfoo's testIdx."""

    number: int
    vars: Mapping[str, Any]
    asserts: tuple[Assertion | AssertionSet, ...]
    description: str | None = None
    threshold: float | None = None
    place: str = ""

    @property
    def title(self) -> str:
        """What people call it."""
        return f"test {self.number}" + (f" ({self.description})" if self.description else "")


@dataclass(frozen=True)
class Suite:
    """All tests, and one line for each part of the configuration that is not read."""

    tests: tuple[Test, ...]
    notes: tuple[str, ...] = ()

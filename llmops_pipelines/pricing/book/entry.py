"""What all entries of ``prices.yaml`` have: whose model, from when to when, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from itertools import combinations
from typing import Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from llmops_pipelines.pricing.book.resolution import provider_id
from llmops_pipelines.pricing.book.timelines import BEGINNING

FILE: Final = "prices.yaml"


class Entry(BaseModel):
    """An entry that holds for a model from one moment to another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(min_length=1, description="Provider, as logs and genai-prices spell it.")
    model: str = Field(
        min_length=1,
        description="Model name as logged; a catalogue id stands for all names it covers.",
    )
    valid_from: datetime = Field(BEGINNING, description="First moment it holds, UTC.")
    valid_to: datetime | None = Field(None, description="First moment it no longer does.")
    why: str = Field(min_length=1, description="Where it comes from; shown with each cost.")

    @field_validator("valid_from", "valid_to", mode="before")
    @classmethod
    def _utc(cls, value: object) -> object:
        """A day is its midnight; an offset is taken into account; without one it is UTC."""
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise ValueError("expected a date or time such as 2026-08-17T16:00:00Z") from None
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return datetime.combine(value, time(0)) if isinstance(value, date) else value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError(
                f"valid_to {self.valid_to} is not after valid_from {self.valid_from}; "
                "valid_to is the first moment at which the price no longer holds"
            )
        return self

    @property
    def seller(self) -> str:
        """The provider in the catalogue's spelling, where it has one."""
        return provider_id(self.provider) or self.provider.lower()

    def meets(self, other: Entry) -> bool:
        """Whether both hold for a provider at some moment."""
        return (
            (other.valid_to is None or self.valid_from < other.valid_to)
            and (self.valid_to is None or other.valid_from < self.valid_to)
            # The catalogue is only asked about spellings that differ: reading it takes a while.
            and (self.provider.lower() == other.provider.lower() or self.seller == other.seller)
        )


Kind = TypeVar("Kind", bound=Entry)


def refuse_clashes(
    entries: Sequence[tuple[str, Kind]], clash: Callable[[Kind, Kind], str | None], remedy: str
) -> None:
    """Raise a ValueError that names all pairs of entries of which ``clash`` says something."""
    clashes = [
        f"{one} and {other} both {what} from {max(first.valid_from, second.valid_from)}; {remedy}"
        for (one, first), (other, second) in combinations(entries, 2)
        if first.meets(second) and (what := clash(first, second))
    ]
    if clashes:
        raise ValueError("; ".join(clashes))

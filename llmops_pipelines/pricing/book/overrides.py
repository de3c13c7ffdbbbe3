"""``prices.yaml``: prices that a team knows better than the catalogue, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from llmops_pipelines.pricing.book.discounts import Discount
from llmops_pipelines.pricing.book.entry import Kind, refuse_clashes
from llmops_pipelines.pricing.book.multipliers import Multiplier
from llmops_pipelines.pricing.book.price_lists import PriceList, PriceOverride, SelfHosted
from llmops_pipelines.pricing.book.reach import catalogue_models, refuse_unmatched
from llmops_pipelines.pricing.book.resolution import BookModel, provider_id
from llmops_pipelines.pricing.book.searches import SearchPrice

_END = "end the earlier one with valid_to"


class PriceOverrides(BaseModel):
    """All of ``prices.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overrides: tuple[PriceOverride, ...] = Field((), description="Whole price lists.")
    self_hosted: tuple[SelfHosted, ...] = Field((), description="Models on GPUs by the hour.")
    multipliers: tuple[Multiplier, ...] = Field(
        (), description="Batch and cached prices where the catalogue has none."
    )
    searches: tuple[SearchPrice, ...] = Field(
        (), description="Prices of web searches where the catalogue has none."
    )
    discounts: tuple[Discount, ...] = Field((), description="Per cent off list prices.")

    def own_providers(self) -> list[tuple[str, str]]:
        """Where price lists stand whose provider the catalogue does not have, and its name."""
        lists: list[tuple[str, PriceList]] = [
            *_numbered("overrides", self.overrides),
            *_numbered("self_hosted", self.self_hosted),
        ]
        return [(at, entry.seller) for at, entry in lists if provider_id(entry.provider) is None]

    @field_validator("overrides", mode="after")
    @classmethod
    def _one_list_a_model(cls, overrides: tuple[PriceOverride, ...]) -> tuple[PriceOverride, ...]:
        refuse_clashes(_numbered("overrides", overrides), PriceList.clash, _END)
        return overrides

    @field_validator("self_hosted", mode="after")
    @classmethod
    def _hosted_or_listed(
        cls, hosted: tuple[SelfHosted, ...], info: ValidationInfo
    ) -> tuple[SelfHosted, ...]:
        lists: list[tuple[str, PriceList]] = [
            *_numbered("overrides", info.data.get("overrides", ())),
            *_numbered("self_hosted", hosted),
        ]
        refuse_clashes(lists, PriceList.clash, _END)
        return hosted

    @field_validator("multipliers", mode="after")
    @classmethod
    def _one_factor(cls, multipliers: tuple[Multiplier, ...]) -> tuple[Multiplier, ...]:
        _refuse_patterns("multipliers", multipliers, Multiplier.clash)
        return multipliers

    @field_validator("searches", mode="after")
    @classmethod
    def _one_search_price(cls, searches: tuple[SearchPrice, ...]) -> tuple[SearchPrice, ...]:
        _refuse_patterns("searches", searches, SearchPrice.clash)
        return searches

    @field_validator("discounts", mode="after")
    @classmethod
    def _one_discount(
        cls, discounts: tuple[Discount, ...], info: ValidationInfo
    ) -> tuple[Discount, ...]:
        if not discounts:
            return discounts
        own: list[PriceList] = [
            *info.data.get("overrides", ()),
            *info.data.get("self_hosted", ()),
        ]
        models = catalogue_models() | {BookModel(entry.seller, entry.model) for entry in own}
        for place, entry in _numbered("discounts", discounts):
            refuse_unmatched(place, entry, models)
        refuse_clashes(
            _numbered("discounts", discounts),
            lambda one, other: one.clash(other, models),
            f"let their patterns, teams or services differ, or {_END}",
        )
        return discounts


def _refuse_patterns(
    field: str, entries: Sequence[Kind], clash: Callable[[Kind, Kind], str | None]
) -> None:
    """Raise a ValueError where a pattern fits no model of the catalogue, or two fit the same."""
    numbered = _numbered(field, entries)
    for place, entry in numbered:
        refuse_unmatched(place, entry, catalogue_models())
    refuse_clashes(numbered, clash, f"let their patterns fit different models, or {_END}")


def _numbered(field: str, entries: Sequence[Kind]) -> list[tuple[str, Kind]]:
    return [(f"{field}.{number}", entry) for number, entry in enumerate(entries)]

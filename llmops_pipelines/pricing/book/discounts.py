"""Negotiated discounts: per cent off list prices, for all or for some teams, for a while."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Self

from pydantic import Field, field_validator, model_validator

from llmops_pipelines.pricing.book.entry import FILE, Entry
from llmops_pipelines.pricing.book.reach import ALL, reached, resellers
from llmops_pipelines.pricing.book.resolution import BookModel
from llmops_pipelines.pricing.book.rows import ANY, Books, Name, copy_list, outside, within
from llmops_pipelines.pricing.book.tiers import BATCH, STANDARD, Service


class Discount(Entry):
    """Per cent off the list prices of a provider's models.

    At most one holds for a call, and always off the list price: one for the call's team before one
    for all, and one that names models before one for all of the provider's.
    """

    model: str = Field(
        ALL, min_length=1, description="Name in the price book, or a pattern of them with *."
    )
    percent: Decimal = Field(gt=0, le=100, decimal_places=10, description="Per cent off.")
    teams: tuple[str, ...] | None = Field(
        None, min_length=1, description="Only calls of these teams; left out: all calls."
    )
    services: tuple[Service, ...] | None = Field(
        None, min_length=1, description="Only these service tiers; left out: all of them."
    )
    commitment: str | None = Field(
        None, min_length=1, description="The commitment it is granted for; shown with each cost."
    )

    @field_validator("teams", mode="after")
    @classmethod
    def _named(cls, teams: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if teams and not all(team.strip() and team != ANY for team in teams):
            raise ValueError("name teams as in features.yaml; leave `teams` out for all of them")
        return teams

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if self.teams and len(set(self.teams)) < len(self.teams):
            raise ValueError("teams: one is named twice")
        return self

    def clash(self, other: Discount, models: Iterable[BookModel]) -> str | None:
        """What both take off, where neither is more particular than the other."""
        if (self.model == ALL) != (other.model == ALL) or bool(self.teams) != bool(other.teams):
            return None
        teams = sorted(set(self.teams or ()) & set(other.teams or ()))
        if self.teams and not teams:
            return None
        if self.services and other.services and not set(self.services) & set(other.services):
            return None
        both = sorted(reached(self, models) & reached(other, models))
        if not both:
            return None
        whose = f" for team {', '.join(teams)}" if teams else ""
        return f"take per cent off {both[0].provider}/{both[0].model}{whose}"

    def told(self, number: int) -> str:
        """For the source of a price."""
        under = f", commitment {self.commitment}" if self.commitment else ""
        return f", {self.percent.normalize():f}% off ({FILE} discounts.{number}: {self.why}{under})"


def take_off(books: Books, discounts: Iterable[Discount]) -> None:
    """Charge ``books`` less; a team's own prices are lists of their own."""
    layers = sorted(
        enumerate(discounts), key=lambda each: (bool(each[1].teams), each[1].model != ALL)
    )
    _part_resellers(books, {discount.seller for _, discount in layers})
    for number, discount in layers:
        note = discount.told(number)
        for name in _meant(books, discount):
            for team in discount.teams or (ANY,):
                own = name._replace(team=team)
                copy_list(books, name, own)
                rows = books[own]
                books[own] = [
                    *outside(rows, discount.valid_from, discount.valid_to),
                    *(
                        row._replace(discount=discount.percent / 100, discounted=note)
                        for row in within(rows, discount.valid_from, discount.valid_to)
                    ),
                ]


def _part_resellers(books: Books, sellers: set[str]) -> None:
    """What is resold gets its own price lists where maker and reseller no longer charge alike."""
    for name in [name for name in books if name.tier in (STANDARD, BATCH)]:
        model = BookModel(name.provider, name.model)
        for reseller in resellers(model):
            if sellers & {reseller, model.provider}:
                copy_list(books, name, name._replace(provider=reseller))


def _meant(books: Books, discount: Discount) -> list[Name]:
    """The names that it is about, but for those of teams."""
    models = reached(discount, {BookModel(name.provider, name.model) for name in books})
    return [
        name
        for name in books
        if BookModel(name.provider, name.model) in models
        and name.provider == discount.seller
        and name.team == ANY
        and (discount.services is None or name.tier in discount.services)
    ]

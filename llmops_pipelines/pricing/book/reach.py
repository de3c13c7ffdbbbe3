"""Which models of the price book an entry of prices.yaml that names a pattern is about."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache

from llmops_pipelines.pricing.book.catalogue import catalogue_rows, providers
from llmops_pipelines.pricing.book.entry import Entry
from llmops_pipelines.pricing.book.resolution import BookModel, resolve

ALL = "*"
"""The pattern that every model fits."""


def catalogue_models() -> set[BookModel]:
    """Models of the catalogue that have a price."""
    return {BookModel(row.name.provider, row.name.model) for row in catalogue_rows()}


def reached(entry: Entry, models: Iterable[BookModel]) -> frozenset[BookModel]:
    """Those of ``models`` that the entry's provider sells and its pattern fits.

    A provider that resells others' models at their price (Azure OpenAI's) sells them too.
    """
    pattern = entry.model.lower()
    return frozenset(
        model
        for model in models
        if fnmatchcase(model.model.lower(), pattern)
        and (model.provider == entry.seller or entry.seller in resellers(model))
    )


def resellers(model: BookModel) -> list[str]:
    """Providers for which the maker's price stands in."""
    return [
        seller
        for seller, makers in _makers().items()
        if model.provider in makers and resolve(seller, model.model) == model
    ]


@cache
def _makers() -> dict[str, list[str]]:
    """Whose models a provider resells at their price."""
    return {each.id: makers for each in providers() if (makers := each.fallback_model_providers)}


def refuse_unmatched(place: str, entry: Entry, models: Iterable[BookModel]) -> None:
    """Raise a ValueError where the entry is about no model at all: it would change nothing."""
    known = set(models)
    if reached(entry, known):
        return
    meant = resolve(entry.provider, entry.model)
    sold = sorted(model.model for model in known if model.provider == entry.seller)
    raise ValueError(
        f"{place}: no model of {entry.provider} is called {entry.model}; "
        + (f"the price book calls it {meant.model}; " if meant else "")
        + (f"accepted: *, or a pattern of names such as {', '.join(sold[-3:])}" if sold else
           "this provider has no prices")
    )  # fmt: skip

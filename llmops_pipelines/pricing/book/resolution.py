"""From the provider and model that a log names to the model of the price book, or to none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

import polars as pl

from llmops_pipelines.pricing.book.belief import as_believed
from llmops_pipelines.pricing.book.catalogue import SOURCE_PREFIX, providers
from llmops_pipelines.pricing.book.names import is_same_model
from llmops_pipelines.tables import PROVIDER_OF

_GATEWAYS = frozenset({"litellm"})
"""Providers that only pass calls on; the model's name says to whom."""

_OPENAI = "openai"
_OPENAIS_EMBEDDINGS = ("text-embedding-3-", "text-embedding-ada-")
"""Names that the catalogue does not count among those of their maker's family."""

_BEDROCK = re.compile(
    r"arn:aws[a-z-]*:bedrock:"
    r"|(?:(?:us|us-gov|eu|apac|jp|au|ca|global)\.)?"
    r"(?:(?:anthropic|amazon)\.|[a-z0-9]+\.[a-z0-9.-]{1,80}-v\d+:\d)"
)
"""Names of models that only AWS Bedrock gives: maker before a point, release after a colon."""

_PAIRS = {
    "provider": pl.String,
    "model": pl.String,
    "book_provider": pl.String,
    "book_model": pl.String,
    "unpriced_reason": pl.String,
}


class BookModel(NamedTuple):
    """A model as the price book lists it."""

    provider: str
    model: str


def resolve_models(pairs: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """Say which model of the price book each ``(provider, model)`` of a log means.

    An override of exactly that name wins. Otherwise genai-prices' own matching rules decide, and
    what they match must be the same model, not one with a similar name (``is_same_model``).
    Where the log names no provider, the model must belong to exactly one: the provider that claims
    its family of names (its maker, or a host that writes itself into the name, like ``@cf/``) or
    the one that stands before it (``openai/gpt-4o``), or AWS, whose names of models are its own
    (``anthropic.claude-sonnet-4-5-20250929-v1:0``). A reseller that merely offers the model never
    sets its price.

    Args:
        pairs: ``provider`` and ``model``, both nullable; other columns are ignored.
        book: ``PRICE_BOOK``.

    Returns:
        One row per distinct pair: ``provider``, ``model``, ``book_provider``, ``book_model``, and
        ``unpriced_reason`` (no_model, unknown_model) where the latter two are null.
    """
    overridden = _overridden(as_believed(book))
    rows = []
    for provider, model in pairs.select("provider", "model").unique().rows():
        found = resolve(provider, model, overridden) if model else None
        reason = None if found else "unknown_model" if model else "no_model"
        rows.append((provider, model, *(found or (None, None)), reason))
    return pl.DataFrame(rows, schema=_PAIRS, orient="row").sort("provider", "model")


def resolve(
    provider: str | None, model: str, overridden: frozenset[BookModel] = frozenset()
) -> BookModel | None:
    """The book's model for one name; None where none is certainly meant."""
    known = provider_id(provider) if provider else None
    asked = known or (provider.lower() if provider else None)
    exact = [
        name
        for name in overridden
        if name.model.lower() == model.lower() and asked in (None, name.provider.lower())
    ]
    if len(exact) == 1:
        return exact[0]
    return _resolve_in_catalogue(provider, model)


def _overridden(book: pl.DataFrame) -> frozenset[BookModel]:
    own = book.filter(~pl.col("source").str.starts_with(SOURCE_PREFIX))
    return frozenset(
        BookModel(provider, model)
        for provider, model in own.select("provider", "model").unique().rows()
    )


@lru_cache(maxsize=16384)
def _resolve_in_catalogue(provider: str | None, model: str) -> BookModel | None:
    name = model.strip().lower()
    if provider and provider.strip().lower() not in _GATEWAYS:
        known = provider_id(provider)
        return _find(known, name) if known else None
    head, slash, rest = name.partition("/")
    if slash and head == "models":
        return _resolve_in_catalogue(None, rest)
    if slash and (known := provider_id(head)):
        return _find(known, name)
    if _BEDROCK.match(name):
        return _find("aws", name)
    family = name.removeprefix("ft:")
    owners = {
        found
        for candidate in providers()
        if (candidate.model_match is not None and candidate.model_match.is_match(family))
        or (candidate.id == _OPENAI and family.startswith(_OPENAIS_EMBEDDINGS))
        if (found := _find(candidate.id, name))
    }
    return owners.pop() if len(owners) == 1 else None


def _find(known: str, name: str) -> BookModel | None:
    """The provider's model of that name, else that of a provider it resells at list price."""
    snapshot = list(providers())
    provider = next(candidate for candidate in snapshot if candidate.id == known)
    for spelling in _spellings(known, name):
        entry = provider.find_model(spelling, all_providers=snapshot)
        if entry is not None and is_same_model(entry, spelling):
            return BookModel(_owner(entry, provider, snapshot), entry.id)
    return None


def _spellings(known: str, name: str) -> Iterator[str]:
    yield name
    head, slash, rest = name.partition("/")
    if slash and (head == "models" or provider_id(head) == known):
        yield rest
    path, _, last = name.rpartition("/models/")  # Vertex AI's projects/.../models/...
    if path:
        yield last


def _owner(entry: Any, provider: Any, snapshot: list[Any]) -> str:
    for candidate in (provider, *snapshot):
        if any(entry is model for model in candidate.models):
            found: str = candidate.id
            return found
    raise AssertionError("the catalogue found a model that none of its providers lists")


@cache
def catalogue_providers() -> frozenset[str]:
    """The ids of all providers that the catalogue has."""
    return frozenset(provider.id for provider in providers())


def provider_id(provider: str) -> str | None:
    """The catalogue's id of a provider that a log spells its own way; None if it has none."""
    name = provider.strip().lower()
    name = PROVIDER_OF.get(name, name)
    return name if name in catalogue_providers() else None

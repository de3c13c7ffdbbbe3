"""Usage made up in every convention that genai-prices reads, priced by both.

Each provider's payloads are made from the very places that genai-prices looks at, so that a name
that we do not know, or put inside what it lies beside, shows in the price.
"""

import json
import random
from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any

import pytest
from genai_prices import calc_price, extract_usage
from genai_prices.data import providers

from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.records.usage_records import price_records
from tests.pricing.factories import at

NOW = at("2026-11-20 12:00")
PICO = Decimal("0.000000000001")
BEFORE_A_TOTAL = ("prompt_tokens", "input_tokens")
"""Conventions that spell a side so have a total beside it, which reasoning is told by."""

EXPLAINED = (
    "no price of ",  # answers of models that decide or embed, for one
    "no price at that time",
    "its web searches have no price",
    "does not say apart which audio was cached",
    "have no bucket",
    "has no bucket",
    "none of the token counts known",  # pages and seconds
    "no usage: it counts no tokens",  # an answer that was not counted, of a model that charges it
    "which must include them",  # parts of a side that was left out above
)


def has_pictures_priced(model: Any) -> bool:
    """Whether images that it is shown have a price of their own: there is no bucket for them."""
    prices = model.prices if isinstance(model.prices, list) else [model.prices]
    return any(
        getattr(getattr(one, "prices", one), f"input_{kind}_mtok") is not None
        for one in prices
        for kind in ("image", "video")
    )


def put(usage: dict, path: Any, value: int) -> None:
    """``value`` at a path of genai-prices', whose steps are names or items of a list."""
    steps, held = [path] if isinstance(path, str) else list(path), usage
    for step, following in pairwise(steps):
        if isinstance(step, str):
            held = held.setdefault(step, {} if isinstance(following, str) else [])
        else:
            name, wanted = step.field, step.match.equals
            found = next((item for item in held if item[name] == wanted), None)
            if found is None:
                held.append(found := {name: wanted})
            held = found
    held[steps[-1]] = value


def made_up(extractor: Any, rng: random.Random) -> dict:
    """Counts at the places that ``extractor`` reads, parts far smaller than what may hold them."""
    places: dict[str, tuple[Any, set[str], bool]] = {}
    for one in extractor.mappings:
        path, counted, needed = places.get(repr(one.path), (one.path, set(), False))
        places[repr(one.path)] = (path, counted | {one.dest}, needed or one.required)
    usage: dict = {}
    sides = {"input_tokens": 0, "output_tokens": 0}
    for path, counted, needed in places.values():
        if counted & {"input_text_tokens", "output_text_tokens"} or any(
            life in name for name in counted for life in ("5m", "1h")
        ):
            continue  # what is left of a side, and parts of writes, are no counts of their own
        if not needed and rng.random() < 0.3:
            continue
        whole = counted <= sides.keys()
        value = rng.randint(1_000, 400_000) if whole else rng.randint(0, 60)
        for side in sides.keys() & counted:
            sides[side] += value
        put(usage, path, value)
    if any(name in usage for name in BEFORE_A_TOTAL):
        usage["total_tokens"] = sum(sides.values())
    return usage


def payloads(rng: random.Random) -> list[tuple[str, str, str, dict, dict]]:
    """Provider, convention, model, usage and response, three for each convention."""
    found = []
    for provider in providers:
        models = [m.id for m in provider.models if m.prices and not has_pictures_priced(m)]
        for extractor in provider.extractors or ():
            root = [extractor.root] if isinstance(extractor.root, str) else list(extractor.root)
            for _ in range(3):
                usage = made_up(extractor, rng)
                if "cache_creation_input_tokens" in usage:
                    usage.pop("total_tokens", None)  # Anthropic gives none
                response: dict = {}
                put(response, root, usage)
                sent = {root[-1]: usage} if root[-1] == "billed_units" else usage
                model = rng.choice(models)
                found.append((provider.id, extractor.api_flavor, model, sent, response))
    return found


def theirs(response: dict, provider: str, flavor: str, model: str) -> set[Decimal] | None:
    """What genai-prices says, with and without fees and searches; None where it cannot say."""
    try:
        usage = extract_usage(response, provider_id=provider, api_flavor=flavor).usage
        price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=NOW)
    except (LookupError, ValueError):  # no such model then; parts of an image exceed the whole
        return None
    both = (price.total_price, price.input_price + price.output_price)
    return {one.quantize(PICO, ROUND_HALF_EVEN) for one in both}


@pytest.mark.parametrize("seed", range(3))
def test_usage_in_every_known_convention_costs_what_genai_prices_says(book, seed):
    asked = payloads(random.Random(seed))
    lines = [
        {"provider": provider, "model": model, "usage": usage, "timestamp": f"{NOW}"}
        for provider, _, model, usage, _ in asked
    ]
    ours = price_records(connect(), [(n, json.dumps(line)) for n, line in enumerate(lines)], book)
    outcomes, wrong = Counter(), []
    for (provider, flavor, model, usage, response), mine in zip(asked, ours, strict=True):
        expected = theirs(response, provider, flavor, model)
        if expected is None:
            outcomes["not priced by genai-prices"] += 1
        elif mine.cost in expected:
            outcomes["equal"] += 1
        elif mine.cost is None and (
            not any(expected) or any(why in mine.reason for why in EXPLAINED)
        ):
            outcomes["explained"] += 1
        else:
            wrong.append(f"{provider} {flavor} {model} {usage}: {mine.cost or mine.reason}")
    assert wrong == []
    assert outcomes["equal"] > 0.6 * len(asked)

"""What to do about calls without a price: the entry to add to prices.yaml, or why none helps."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date, timedelta
from typing import get_args

from llmops_pipelines.pricing import STANDARD, Service
from llmops_pipelines.pricing.book.resolution import resolve

PLACEHOLDER = "PRICE"
"""Stands where a price per million tokens has to be filled in."""


def remedy(
    reason: str,
    provider: str | None,
    model: str | None,
    service: str,
    first: date,
    last: date,
    buckets: Collection[str],
) -> str:
    """What gives these calls a price, in a line.

    A model that nobody lists is priced for good; one without a price at that time for the days of
    the calls, so that the entry does not take the place of prices listed for others.

    Args:
        reason: ``unpriced_reason`` of ``CALL_COSTS``.
        provider: As logged.
        model: As logged.
        service: Service tier of the calls.
        first: Day of the first of them.
        last: Day of the last.
        buckets: Token buckets that they use.
    """
    if reason == "no_usage":
        return "no price helps: no tokens were logged; map their counts in sources.yaml"
    if reason == "no_model" or model is None:
        return "no price helps: no model was logged; map its name in sources.yaml"
    if service not in get_args(Service):
        return (
            f"prices.yaml knows no service tier {json.dumps(service)}, only "
            f"{', '.join(get_args(Service))}; map it to one of them in sources.yaml"
        )
    if reason == "no_search_price":
        return _of_searches(provider, model)
    fields = {
        # A model whose provider was not logged is found by its name, whoever sells it.
        "provider": json.dumps(provider or "own"),
        "model": json.dumps(model),
    }
    if service != STANDARD:
        fields["service"] = service
    if reason != "unknown_model":
        fields["valid_from"] = str(first)
        fields["valid_to"] = str(last + timedelta(days=1))
    priced = dict.fromkeys(["uncached_input", *sorted(buckets), "output_text"], PLACEHOLDER)
    fields["prices"] = _flow(priced)
    fields["why"] = "SOURCE"
    return f"under `overrides:` in prices.yaml: - {_flow(fields)}"


def _of_searches(provider: str | None, model: str) -> str:
    """A catalogue's model gets a price of searches alone, one's own has it in its price list."""
    listed = resolve(provider, model)
    if listed is None:
        return f"add `web_searches: {PLACEHOLDER}` to the prices of {model} in prices.yaml"
    fields = {
        "provider": json.dumps(listed.provider),
        "model": json.dumps(listed.model),
        "usd_per_thousand": PLACEHOLDER,
        "why": "SOURCE",
    }
    return f"under `searches:` in prices.yaml: - {_flow(fields)}"


def _flow(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in fields.items()) + "}"

"""OpenAI: results of ``/v1/organization/costs`` and ``/v1/organization/usage/*``, and their CSV.

Fields as in OpenAI's OpenAPI description 2.3 (``CostsResult``: ``amount.value``,
``amount.currency``, ``line_item``; ``UsageCompletionsResult``: ``input_tokens`` with the cached
ones in it, ``input_cached_tokens``, ``output_tokens``, ``num_model_requests``, ``model``,
``batch``, ``service_tier``), with the times of their bucket. The dashboard's CSV has the same as
columns: ``start_time, end_time, start_time_iso, end_time_iso, amount_value, amount_currency,
quantity, line_item, ...``, or ``num_model_requests, model, batch, service_tier, input_tokens,
input_uncached_tokens, ...``. A bucket without a figure is a day without spend. A line item reads
``gpt-4o-2024-08-06, input``, ``..., cached input`` or ``..., output``; without a second part it is
all of the model, or a tool.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from llmops_pipelines.billing.lines import (
    CACHED,
    INPUT,
    OUTPUT,
    TOOL,
    InvoiceLine,
    LineError,
    Record,
    bucket,
    count,
    dollars_only,
    money,
    name_of,
    tier_of,
)

_TOOLS: Final = ("search", "interpreter", "container", "storage", "session", "image models")
"""Words in line items that are no model."""


def has_start(record: Record) -> bool:
    """Whether it names a period as OpenAI does; some exports have the time as text alone."""
    return "start_time" in record or "start_time_iso" in record


def is_cost(record: Record) -> bool:
    """Whether the record is a result of the costs endpoint."""
    return has_start(record) and ("amount" in record or "amount_value" in record)


def is_usage(record: Record) -> bool:
    """Whether the record is a result of a usage endpoint."""
    return has_start(record) and "num_model_requests" in record


def cost_lines(record: Record) -> Iterator[InvoiceLine]:
    """The charge of one line item; none for a day without spend.

    Raises:
        LineError: A field cannot be read.
    """
    amount = record.get("amount")
    value, currency = record.get("amount_value"), record.get("amount_currency")
    if isinstance(amount, dict):
        value, currency = amount.get("value"), amount.get("currency")
    elif amount is not None:
        raise LineError(f"amount: {str(amount)[:40]!r} is no object of value and currency")
    if value is None or value == "":
        yield bucket(record, "openai")
        return
    dollars_only(currency)
    dollars, places = money(value, "amount")
    model, meter, tier = _line_item(name_of(record.get("line_item")))
    yield bucket(record, "openai")._replace(
        model=model, meter=meter, tier=tier, amount=dollars, places=places
    )


def usage_lines(record: Record) -> Iterator[InvoiceLine]:
    """The tokens of one group by meter; none for a day without use.

    Raises:
        LineError: A field cannot be read.
    """
    if not name_of(record.get("num_model_requests")):
        yield bucket(record, "openai")
        return
    whole, cached = (
        count(record.get(name), name) for name in ("input_tokens", "input_cached_tokens")
    )
    if cached > whole:
        raise LineError(f"input_cached_tokens: {cached} exceeds input_tokens {whole}")
    fresh = record.get("input_uncached_tokens")
    base = bucket(record, "openai")._replace(
        model=name_of(record.get("model")),
        tier=tier_of(record.get("service_tier"), batch=record.get("batch")),
    )
    yield base._replace(
        meter=INPUT,
        tokens=count(fresh, "input_uncached_tokens") if fresh else whole - cached,
    )
    yield base._replace(meter=CACHED, tokens=cached)
    yield base._replace(meter=OUTPUT, tokens=count(record.get("output_tokens"), "output_tokens"))


def _line_item(item: str | None) -> tuple[str | None, str | None, str | None]:
    """Model, meter and tier of a line item; three Nones where costs are not grouped."""
    if item is None:
        return None, None, None
    model, comma, part = item.rpartition(", ")
    if not comma:
        tool = any(word in item.lower() for word in _TOOLS)
        return item, TOOL if tool else None, None
    said = part.lower().replace("_", " ")
    tier = next((name for name in ("batch", "flex", "priority") if name in said), None)
    if "cached" in said:
        return model, CACHED, tier
    if "input" in said:
        return model, INPUT, tier
    return (model, OUTPUT, tier) if "output" in said else (item, None, None)

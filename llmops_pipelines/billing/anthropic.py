"""Anthropic: results of the Admin API's ``cost_report`` and ``usage_report/messages``, and CSV.

Fields as in its API reference (platform.claude.com, Admin API). A cost has ``amount``, a decimal
text in cents, ``currency``, ``cost_type``, ``token_type``, ``model`` and ``service_tier``, null
unless grouped by description. Usage has ``uncached_input_tokens``, ``cache_read_input_tokens``,
``cache_creation`` by lifetime, ``output_tokens``, ``model`` and ``service_tier``. Both stand in
buckets that begin ``starting_at``. The console's cost CSV: ``usage_date_utc, model, workspace,
api_key, usage_type, context_window, token_type, cost_usd, list_price_usd, cost_type, ...`` with
display names of models and amounts in whole cents; its usage CSV: ``usage_date_utc, model_version,
usage_input_tokens_no_cache, usage_input_tokens_cache_write_5m, ...``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

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
    moment,
    money,
    name_of,
    tier_of,
)

_CENT = Decimal("0.01")


def is_cost(record: Record) -> bool:
    """Whether the record is a result of the cost report, or a line of the console's export."""
    return ("starting_at" in record and "amount" in record) or (
        "usage_date_utc" in record and "cost_usd" in record
    )


def is_usage(record: Record) -> bool:
    """Whether the record is a result of the usage report, or a line of the console's export."""
    return ("starting_at" in record and "uncached_input_tokens" in record) or (
        "usage_date_utc" in record and "usage_output_tokens" in record
    )


def cost_lines(record: Record) -> Iterator[InvoiceLine]:
    """The charge of one description.

    Raises:
        LineError: A field cannot be read.
    """
    if "usage_date_utc" in record:
        amount, places = money(record["cost_usd"], "cost_usd")
    else:
        dollars_only(record.get("currency"))
        amount, places = money(record["amount"], "amount", times=_CENT)
    kind = name_of(record.get("cost_type"))
    no_token = kind is not None and not kind.startswith("token")
    yield _period(record)._replace(
        model=_model(record.get("model")) or (kind if no_token else None),
        tier=_tier(record),
        meter=TOOL if no_token else _meter(name_of(record.get("token_type"))),
        amount=amount,
        places=places,
    )


def usage_lines(record: Record) -> Iterator[InvoiceLine]:
    """The tokens of one group by meter.

    Raises:
        LineError: A field cannot be read.
    """
    if "usage_date_utc" in record:
        names = ("no_cache", "cache_write_5m", "cache_write_1h", "cache_write")
        prompt = [f"usage_input_tokens_{name}" for name in names]
        counts: Record = record
        cached, output, model = (
            "usage_input_tokens_cache_read",
            "usage_output_tokens",
            "model_version",
        )
    else:
        written = record.get("cache_creation")
        counts = {**record, **(written if isinstance(written, dict) else {})}
        prompt = [
            "uncached_input_tokens",
            "ephemeral_5m_input_tokens",
            "ephemeral_1h_input_tokens",
        ]
        cached, output, model = "cache_read_input_tokens", "output_tokens", "model"
    base = _period(record)._replace(model=_model(record.get(model)), tier=_tier(record))
    fresh = sum(count(counts.get(name), name) for name in prompt)
    yield base._replace(meter=INPUT, tokens=fresh)
    yield base._replace(meter=CACHED, tokens=count(counts.get(cached), cached))
    yield base._replace(meter=OUTPUT, tokens=count(counts.get(output), output))


def _period(record: Record) -> InvoiceLine:
    if "usage_date_utc" in record:
        day = moment(record["usage_date_utc"], "usage_date_utc").date()
        return InvoiceLine(day, "anthropic")
    return bucket(record, "anthropic")


def _model(value: object) -> str | None:
    """A model's id; the console's cost export writes `Claude Haiku 4.5` for it."""
    name = name_of(value)
    if name is None or not name.lower().startswith("claude "):
        return name
    return name.lower().replace(" ", "-").replace(".", "-")


def _tier(record: Record) -> str | None:
    said = name_of(record.get("service_tier")) or name_of(record.get("usage_type"))
    if said and said.lower() == "message":
        return "standard"
    return "batch" if said and "batch" in said.lower() else tier_of(said)


def _meter(token_type: str | None) -> str | None:
    if token_type is None:
        return None
    if "cache_read" in token_type:
        return CACHED
    if "input" in token_type or "cache" in token_type:
        return INPUT
    if "output" in token_type:
        return OUTPUT
    raise LineError(f"token_type: {token_type[:40]!r} is no kind of token known here")

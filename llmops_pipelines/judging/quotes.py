"""Quotes: what judging would cost, before a cent is spent.

Token counts are estimated from lengths: a quarter token per ASCII character and one per other
character. Exact vocabularies are downloads, and the product works without a network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from llmops_pipelines.judging.exchange import Price

EXPECTED_RETRIES = Decimal("0.02")
"""Share of requests expected to be paid for twice: repairs, and timeouts that were billed."""


def estimated_tokens(text: str) -> int:
    """Tokens in ``text``, from its length alone."""
    other = sum(not character.isascii() for character in text) if not text.isascii() else 0
    return ceil((len(text) - other) / 4) + other


@dataclass(frozen=True)
class Estimate:
    """What one item takes of a judge: requests, tokens in, tokens out, and most tokens out."""

    calls: int
    input_tokens: int
    output_tokens: int
    most_output_tokens: int


@dataclass(frozen=True)
class Quote:
    """What one judge's unpaid items would cost; dollars are null where it has no price.

    ``usd_in_batches`` is what they would cost by the endpoint's batch price, without repairs.
    ``usd_at_most`` takes two repairs of every reply and replies of full length for granted.
    """

    metric: str
    spec_id: str
    model: str
    items: int
    already_paid: int
    calls: int
    input_tokens: int
    output_tokens: int
    usd: Decimal | None
    usd_at_most: Decimal | None
    usd_in_batches: Decimal | None = None

    def __str__(self) -> str:
        """The quote as one line."""
        in_batches = (
            "" if self.usd_in_batches is None else f" ({_dollars(self.usd_in_batches)} in batches)"
        )
        dollars = (
            "no price known"
            if self.usd is None
            else f"about {_dollars(self.usd)}{in_batches}, at most {_dollars(self.usd_at_most)}"
        )
        return (
            f"{self.metric} by {self.model}: {self.items:,} to judge, {self.already_paid:,} "
            f"already paid; {self.calls:,} calls, about {self.input_tokens:,} tokens in and "
            f"{self.output_tokens:,} out; {dollars}"
        )


def quote(
    estimates: Iterable[Estimate],
    *,
    metric: str,
    spec_id: str,
    model: str,
    already_paid: int,
    price: Price,
    batch_price: Price | None = None,
) -> Quote:
    """Add up what ``estimates``, one per unpaid item, come to at ``price``."""
    items = calls = tokens_in = tokens_out = 0
    usd: Decimal | None = Decimal(0)
    most: Decimal | None = Decimal(0)
    in_batches: Decimal | None = Decimal(0)
    for each in estimates:
        items += 1
        calls += each.calls
        tokens_in += each.input_tokens
        tokens_out += each.output_tokens
        # Item by item: a price may depend on the length of the prompt.
        usd = _plus(usd, _usd(price, model, each.input_tokens, each.output_tokens))
        if batch_price:
            batched = _usd(batch_price, model, each.input_tokens, each.output_tokens)
            in_batches = _plus(in_batches, batched)
        # A repair sends the prompt again, and the reply that it repairs.
        most_in = 3 * each.input_tokens + 2 * each.most_output_tokens
        most = _plus(most, _usd(price, model, most_in, 3 * each.most_output_tokens))
    return Quote(
        metric=metric,
        spec_id=spec_id,
        model=model,
        items=items,
        already_paid=already_paid,
        calls=calls,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        usd=None if usd is None else usd * (1 + EXPECTED_RETRIES),
        usd_at_most=most,
        usd_in_batches=in_batches if batch_price else None,
    )


def _dollars(amount: Decimal | None) -> str:
    """Cents, and what is less than a cent more finely: small is not free."""
    return f"${amount:.4f}" if amount and amount < Decimal("0.01") else f"${amount or 0:.2f}"


def _plus(sum_so_far: Decimal | None, amount: Decimal | None) -> Decimal | None:
    """The sum, or None once any part of it is unknown."""
    return None if sum_so_far is None or amount is None else sum_so_far + amount


def _usd(price: Price, model: str, tokens_in: int, tokens_out: int) -> Decimal | None:
    return price(model, {"uncached_input": tokens_in, "output_text": tokens_out})

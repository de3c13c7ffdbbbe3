"""Quotes: what judging would cost, before a cent is spent.

Without a vocabulary token counts are estimated from lengths: a quarter token per ASCII character
and one per other character. Vocabularies are downloads, and the product works without a network;
where one lies on this machine, `counted_with` has every judge count with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil
from typing import Any

from llmops_pipelines.judging.exchange import Price

EXPECTED_RETRIES = Decimal("0.02")
"""Share of requests expected to be paid for twice: repairs, and timeouts that were billed."""


BY_LENGTH = "text length"
"""What a quote is counted by where no vocabulary of its model is at hand."""

Count = Callable[[str], int]
"""Tokens in a text."""

# Judges of three libraries estimate themselves, many texts deep: a variable of the context spares
# all of them a parameter that only whoever quotes has anything to say to.
_COUNT: ContextVar[Count | None] = ContextVar("count", default=None)


@contextmanager
def counted_with(count: Count | None) -> Iterator[None]:
    """Inside, `estimated_tokens` counts with ``count``; None is by length."""
    before = _COUNT.set(count)
    try:
        yield
    finally:
        _COUNT.reset(before)


def estimated_tokens(text: str) -> int:
    """Tokens in ``text``, from its length alone unless `counted_with` says otherwise."""
    if count := _COUNT.get():
        return count(text)
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

    ``usd`` and ``usd_batch`` include expected retries. What is ``at_most`` takes one repair of
    every reply and replies of full length for granted. ``counted_by`` says how tokens were counted.
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
    usd_batch: Decimal | None = None
    calls_at_most: int = 0
    input_tokens_at_most: int = 0
    output_tokens_at_most: int = 0
    counted_by: str = BY_LENGTH

    def __str__(self) -> str:
        """The quote as one line."""
        dollars = (
            "no price known"
            if self.usd is None
            else f"about {in_dollars(self.usd)}, at most {in_dollars(self.usd_at_most)}"
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
    counted_by: str = BY_LENGTH,
) -> Quote:
    """Add up what ``estimates``, one per unpaid item, come to at ``price``.

    Dollars for a batch are those of ``batch_price``, and null without one.
    """
    each = list(estimates)
    # Item by item: a price may depend on the length of the prompt.
    usd = [_usd(price, model, e.input_tokens, e.output_tokens) for e in each]
    at_most = [_at_most(e) for e in each]
    most = [_usd(price, model, e.input_tokens, e.output_tokens) for e in at_most]
    batch = [
        _usd(batch_price, model, e.input_tokens, e.output_tokens) if batch_price else None
        for e in each
    ]
    return Quote(
        metric=metric,
        spec_id=spec_id,
        model=model,
        items=len(each),
        already_paid=already_paid,
        calls=sum(e.calls for e in each),
        input_tokens=sum(e.input_tokens for e in each),
        output_tokens=sum(e.output_tokens for e in each),
        usd=_total(usd, 1 + EXPECTED_RETRIES),
        usd_at_most=_total(most, Decimal(1)),
        usd_batch=_total(batch, 1 + EXPECTED_RETRIES),
        calls_at_most=sum(e.calls for e in at_most),
        input_tokens_at_most=sum(e.input_tokens for e in at_most),
        output_tokens_at_most=sum(e.output_tokens for e in at_most),
        counted_by=counted_by,
    )


def _at_most(e: Estimate) -> Estimate:
    """Every reply repaired once: the prompt again, with the reply that it repairs."""
    return Estimate(
        2 * e.calls, 3 * e.input_tokens, 2 * e.most_output_tokens, 2 * e.most_output_tokens
    )


def total(quotes: Iterable[Quote]) -> list[Quote]:
    """One quote a judge, over all its days, in the order in which judges first come.

    A sum of dollars is null where any part of it is; a judge's days are counted alike.
    """
    by_judge: dict[str, list[Quote]] = {}
    for each in quotes:
        by_judge.setdefault(each.spec_id, []).append(each)
    return [_sum(of_judge) for of_judge in by_judge.values()]


def _sum(quotes: list[Quote]) -> Quote:
    sums: dict[str, Any] = {
        name: sum(getattr(each, name) for each in quotes)
        for name in (
            "items", "already_paid", "calls", "input_tokens", "output_tokens", "calls_at_most",
            "input_tokens_at_most", "output_tokens_at_most",
        )
    }  # fmt: skip
    for name in ("usd", "usd_at_most", "usd_batch"):
        sums[name] = _total([getattr(each, name) for each in quotes], Decimal(1))
    counted = {each.counted_by for each in quotes if each.items} or {BY_LENGTH}
    return replace(quotes[0], **sums, counted_by=", ".join(sorted(counted)))


def expected_seconds(
    calls: int,
    tokens: int,
    *,
    latency_ms: float | None,
    concurrency: int,
    calls_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
) -> float | None:
    """Seconds that ``calls`` of ``tokens`` in all take at the set pace, expected retries included.

    The slowest of three decides: requests in flight, calls a minute, tokens a minute. Without a
    known latency and without a rate nothing can be said: None.
    """
    more = float(1 + EXPECTED_RETRIES)
    each = [
        None if latency_ms is None else calls / concurrency * latency_ms / 1000,
        60 * calls / calls_per_minute if calls_per_minute else None,
        60 * tokens / tokens_per_minute if tokens_per_minute else None,
    ]
    known = [seconds * more for seconds in each if seconds is not None]
    # One wave of requests takes as long as one request.
    return max(*known, (latency_ms or 0) / 1000 if calls else 0) if known else None


def in_dollars(amount: Decimal | None) -> str:
    """Cents, and what is less than a cent more finely: small is not free."""
    return f"${amount:.4f}" if amount and amount < Decimal("0.01") else f"${amount or 0:.2f}"


def _total(amounts: list[Decimal | None], factor: Decimal) -> Decimal | None:
    """The sum, or None if any part of it is unknown."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) * factor if len(known) == len(amounts) else None


def _usd(price: Price, model: str, tokens_in: int, tokens_out: int) -> Decimal | None:
    return price(model, {"uncached_input": tokens_in, "output_text": tokens_out})

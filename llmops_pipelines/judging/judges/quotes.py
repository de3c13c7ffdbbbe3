"""Quotes: what judging would cost, before a cent is spent.

Without a vocabulary token counts are estimated from lengths: a quarter token per ASCII character
and one per other character. Vocabularies are downloads, and the product works without a network;
where one lies on this machine, `counted_with` has every judge count with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from math import ceil
from typing import Any

from llmops_pipelines.judging.judges.exchange import Price
from llmops_pipelines.judging.judges.specs import JudgeSpec

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

    ``usd`` includes expected retries; ``usd_in_batches`` is what they would cost by the endpoint's
    batch price, without repairs. What is ``at_most`` takes two repairs of every reply and replies
    of full length for granted. ``counted_by`` says how tokens were counted.
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
    calls_at_most: int = 0
    input_tokens_at_most: int = 0
    output_tokens_at_most: int = 0
    counted_by: str = BY_LENGTH

    def __str__(self) -> str:
        """The quote as one line."""
        in_batches = (
            ""
            if self.usd_in_batches is None
            else f" ({in_dollars(self.usd_in_batches)} in batches)"
        )
        dollars = (
            "no price known"
            if self.usd is None
            else f"about {in_dollars(self.usd)}{in_batches}, at most {in_dollars(self.usd_at_most)}"
        )
        return (
            f"{self.metric} by {self.model}: {self.items:,} to judge, {self.already_paid:,} "
            f"already paid; {self.calls:,} calls, about {self.input_tokens:,} tokens in and "
            f"{self.output_tokens:,} out; {dollars}"
        )


def quote(
    estimates: Iterable[Estimate],
    spec: JudgeSpec,
    *,
    already_paid: int,
    price: Price,
    batch_price: Price | None = None,
    counted_by: str = BY_LENGTH,
    canaries: Sequence[Estimate] = (),
) -> Quote:
    """Add up what ``estimates`` of ``spec``, one per unpaid item, come to at ``price``.

    Dollars for a batch are those of ``batch_price``, and null without one. ``canaries`` are asked
    where there is any item; they are paid for like items, and are none. Estimates are drawn one by
    one and not kept.
    """
    items = 0
    sums, most = Estimate(0, 0, 0, 0), Estimate(0, 0, 0, 0)
    usd: Decimal | None = Decimal(0)
    usd_at_most: Decimal | None = Decimal(0)
    in_batches: Decimal | None = Decimal(0)
    for counts, each in _with_canaries(estimates, canaries):
        items += counts
        worst = _at_most(each)
        sums, most = _both(sums, each), _both(most, worst)
        # Item by item: a price may depend on the length of the prompt.
        usd = _plus(usd, _usd(price, spec.model, each))
        usd_at_most = _plus(usd_at_most, _usd(price, spec.model, worst))
        if batch_price:
            in_batches = _plus(in_batches, _usd(batch_price, spec.model, each))
    return Quote(
        metric=spec.metric,
        spec_id=spec.spec_id,
        model=spec.model,
        items=items,
        already_paid=already_paid,
        calls=sums.calls,
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        usd=None if usd is None else usd * (1 + EXPECTED_RETRIES),
        usd_at_most=usd_at_most,
        usd_in_batches=in_batches if batch_price else None,
        calls_at_most=most.calls,
        input_tokens_at_most=most.input_tokens,
        output_tokens_at_most=most.output_tokens,
        counted_by=counted_by,
    )


def _with_canaries(
    estimates: Iterable[Estimate], canaries: Sequence[Estimate]
) -> Iterator[tuple[bool, Estimate]]:
    """Each estimate, and whether it is an item's."""
    for number, each in enumerate(estimates):
        if number == 0:
            yield from ((False, canary) for canary in canaries)
        yield True, each


def _at_most(each: Estimate) -> Estimate:
    """Every reply repaired twice: the prompt again, with the reply that it repairs."""
    replies = 3 * each.most_output_tokens
    tokens_in = 3 * each.input_tokens + 2 * each.most_output_tokens
    return Estimate(3 * each.calls, tokens_in, replies, replies)


def _both(one: Estimate, other: Estimate) -> Estimate:
    return Estimate(*(getattr(one, f.name) + getattr(other, f.name) for f in fields(Estimate)))


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
    for name in ("usd", "usd_at_most", "usd_in_batches"):
        amounts = [getattr(each, name) for each in quotes]
        sums[name] = None if None in amounts else sum(amounts, Decimal(0))
    counted = {each.counted_by for each in quotes if each.items} or {BY_LENGTH}
    return replace(quotes[0], **sums, counted_by=", ".join(sorted(counted)))


def expected_seconds(
    calls: int,
    tokens: int,
    *,
    latency_ms: float | None,
    concurrency: int,
    calls_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
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


def _plus(sum_so_far: Decimal | None, amount: Decimal | None) -> Decimal | None:
    """The sum, or None once any part of it is unknown."""
    return None if sum_so_far is None or amount is None else sum_so_far + amount


def _usd(price: Price, model: str, each: Estimate) -> Decimal | None:
    return price(model, {"uncached_input": each.input_tokens, "output_text": each.output_tokens})

"""Our prices beside genai-prices' own: every model, tier and edge of time and prompt length.

    python benchmarks/price_identity.py [--usages 100000]

Each model of the installed catalogue is priced in each service tier that it lists (and in batch
where its provider sells batches), just before and at every date and hour at which any of its prices
changes, and by prompts that end just before, at and after every band of length. What is left of the
usages is drawn at random among these. Costs are compared to the last digit of a pico-dollar, those
that differ are counted by reason, and the models behind each reason are named.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import polars as pl
from genai_prices.types import Usage

from llmops_pipelines.pricing import PriceOverrides, price_book, price_tokens
from llmops_pipelines.pricing.book.batch import BATCH_HALVES
from llmops_pipelines.pricing.book.catalogue import providers
from llmops_pipelines.reference import parse_document
from llmops_pipelines.tables import INSTANT, TOKEN_BUCKETS

PRICES = Path(__file__).parents[1] / "data" / "reference" / "prices.yaml"
USUAL = datetime.fromisoformat("2026-11-10 12:00:00")
CONTEXTS = {
    "standard": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
PROMPT = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
ANSWER = ("output_text", "reasoning", "audio_output")
SCHEMA = {
    "provider": pl.String,
    "model": pl.String,
    "started_at": INSTANT,
    "service_tier": pl.String,
    "is_batch": pl.Boolean,
    **dict.fromkeys(TOKEN_BUCKETS, pl.Int64),
}


class Case(NamedTuple):
    """A model of the catalogue in a tier, at a moment, with a prompt length to hit."""

    provider: Any
    model: Any
    tier: str
    moment: datetime
    prompt: int


def cases() -> Iterator[Case]:
    """Every model, tier and edge of the catalogue."""
    for provider in providers():
        for model in provider.models:
            for tier in tiers(provider, model):
                for moment in moments(model):
                    for prompt in prompts(model, moment, tier):
                        yield Case(provider, model, tier, moment, prompt)


def tiers(provider: Any, model: Any) -> list[str]:
    listed = [dict(variant.when) for variant in model.price_variants or ()]
    found = [
        tier
        for tier, context in CONTEXTS.items()
        if context and any(when.items() <= context.items() for when in listed)
    ]
    assumed = ["batch"] if provider.id in BATCH_HALVES and "batch" not in found else []
    return ["standard", *found, *assumed]


def moments(model: Any) -> list[datetime]:
    """Just before and at every day and hour that a condition names."""
    dated = model.prices if isinstance(model.prices, list) else []
    constraints = [each.constraint for each in (*dated, *(model.price_variants or ()))]
    days = [day for each in constraints if (day := getattr(each, "start_date", None))]
    clocks = [
        clock
        for each in constraints
        for name in ("start_time", "end_time")
        if (clock := getattr(each, name, None))
    ]
    edges = [datetime.combine(day, time()) for day in days]
    for clock in clocks:
        for day in {USUAL.date(), *days, *(day - timedelta(days=1) for day in days)}:
            edge = datetime.combine(day, clock.replace(tzinfo=None))
            edges.append(edge - (clock.utcoffset() or timedelta()))
    just_before = [edge - timedelta(microseconds=1) for edge in edges]
    return sorted({USUAL, *edges, *just_before})


def prompts(model: Any, moment: datetime, tier: str) -> list[int]:
    """Short, and around every band of prompt length."""
    prices = vars(model.get_prices(moment, CONTEXTS[tier]))
    starts = {band.start for price in prices.values() for band in getattr(price, "tiers", ())}
    return sorted({1_000} | {start + step for start in starts for step in (0, 1)})


def usages(count: int, seed: int) -> tuple[list[Case], pl.DataFrame]:
    """All cases, then more of them at random, each with tokens in some buckets."""
    rng = random.Random(seed)
    every = list(cases())
    if len(every) > count:
        raise SystemExit(f"the catalogue has {len(every):,} cases; ask for as many --usages")
    chosen = every + rng.choices(every, k=count - len(every))
    rows = []
    for case in chosen:
        tokens = dict.fromkeys(TOKEN_BUCKETS, 0)
        left = case.prompt
        for bucket in PROMPT[1:]:
            if rng.random() < 0.3:
                tokens[bucket] = rng.randint(0, left)
                left -= tokens[bucket]
        tokens["uncached_input"] = left
        for bucket in ANSWER:
            if bucket == "output_text" or rng.random() < 0.3:
                tokens[bucket] = rng.randint(0, 2_000)
        tier = None if case.tier in ("standard", "batch") else case.tier
        rows.append(
            (case.provider.id, case.model.id, case.moment, tier, case.tier == "batch",
             *tokens.values())
        )  # fmt: skip
    return chosen, pl.DataFrame(rows, schema=SCHEMA, orient="row")


def theirs(case: Case, row: dict[str, Any]) -> Decimal:
    """What genai-prices says, in pico-dollars."""

    def of(*buckets: str) -> int:
        return sum(row[bucket] for bucket in buckets)

    usage = Usage(
        input_tokens=of(*PROMPT),
        output_tokens=of(*ANSWER),
        cache_read_tokens=of("cache_read"),
        cache_write_tokens=of("cache_write_5m", "cache_write_1h"),
        cache_write_5m_tokens=of("cache_write_5m"),
        cache_write_1h_tokens=of("cache_write_1h"),
        input_audio_tokens=of("audio_input"),
        output_audio_tokens=of("audio_output"),
        output_reasoning_tokens=of("reasoning"),
        cache_audio_read_tokens=0,
        cache_audio_write_tokens=0,
        output_audio_reasoning_tokens=0,
    )
    found = case.model.calc_price(
        usage,
        case.provider,
        genai_request_timestamp=case.moment,
        price_context=CONTEXTS[case.tier],
    )
    with localcontext(prec=60):
        total: Decimal = found.total_price.quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
    return total


def reason(case: Case, row: dict[str, Any], listed: dict[tuple[str, str], set[str]]) -> str | None:
    """Why the two differ; None where nothing explains it."""
    source, tokens = row["price_source"] or "", [each for each in TOKEN_BUCKETS if row[each]]
    priced = listed.get((row["provider"], row["model"]), set())
    reasons = {
        "prices.yaml says otherwise": source.startswith("prices.yaml"),
        "no batch price listed: half of the standard one, as the provider publishes": (
            "halved for batch" in source
        ),
        "the catalogue's own rules do not find the model by its id": (
            row["unpriced_reason"] == "unknown_model"
        ),
        "no price of tokens at all (billed by image, page, hour): unpriced, not $0": not priced,
        "tokens in a bucket that has no price: unpriced, not $0": (
            row["cost"] is None and not priced.issuperset(tokens)
        ),
        "no price in that tier at that time: unpriced, not the standard price": (
            row["cost"] is None and case.tier != "standard"
        ),
    }
    return next((text for text, holds in reasons.items() if holds), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--usages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()

    book = price_book(parse_document(PRICES.read_text(), PriceOverrides, file=PRICES.name))
    listed = defaultdict(set)
    for provider, model, bucket in book.select("provider", "model", "bucket").unique().rows():
        listed[provider, model].add(bucket)
    chosen, calls = usages(asked.usages, asked.seed)
    edges = len({(each.provider.id, each.model.id, *each[2:]) for each in chosen})
    models = {(case.provider.id, case.model.id) for case in chosen}
    began = process_time()
    priced = price_tokens(calls, book)
    ours = process_time() - began
    # Prices of one's own are found by their very name.
    named = price_tokens(calls, book.with_columns(source=pl.format("named: {}", "source")))

    outcomes: Counter[str] = Counter()
    examples: dict[str, set[str]] = defaultdict(set)
    per_tier: Counter[tuple[str, bool]] = Counter()
    rows = zip(chosen, priced.iter_rows(named=True), named.iter_rows(named=True), strict=True)
    for case, row, by_name in rows:
        expected = theirs(case, row)
        equal = row["cost"] == expected
        per_tier[case.tier, equal] += 1
        why = "equal to the last digit" if equal else reason(case, row, listed) or "UNEXPLAINED"
        if row["unpriced_reason"] == "unknown_model":
            if by_name["cost"] == expected:
                why += ": unpriced, but its rows are equal to the last digit"
            else:
                why += f"; {reason(case, by_name, listed) or 'UNEXPLAINED'}"
        outcomes[why] += 1
        if not equal:
            examples[why].add(f"{case.provider.id}/{case.model.id}")
    print(
        f"{len(chosen):,} usages: {len(models):,} models of {len({p for p, _ in models})} "
        f"providers, {edges:,} combinations of model, tier, date, hour and band; "
        f"{ours:.2f} CPU-s for ours"
    )
    for tier in CONTEXTS:
        equal, other = per_tier[tier, True], per_tier[tier, False]
        print(f"  {tier:10}{equal + other:>9,} usages, {equal:>9,} equal")
    for why, count in outcomes.most_common():
        models_of = sorted(examples[why])
        shown = f"  ({len(models_of)} models: {', '.join(models_of[:3])})" if models_of else ""
        print(f"{count:>9,}  {why}{shown}")
    sys.exit(any("UNEXPLAINED" in why for why in outcomes))


if __name__ == "__main__":
    main()

"""Recorded usage payloads of real providers, read and priced beside genai-prices, per provider.

    python benchmarks/usages.py usages.parquet [--json]

The file has one payload a row: ``body`` (the provider's response as JSON, its usage in it),
``model``, and ``extracted``, genai-prices' own reading of it as JSON: the tokens, and for every
provider that might have sent it the prices of both sides. It is made from genai-prices'
``tests/dataset/usages.json``. A payload counts under every provider that it was priced for. It is
``equal`` where our cost is the recorded one to the last digit, ``repriced`` where it is what the
installed genai-prices says and the recorded one is not (prices have changed since), ``no price``
where nobody knows one (genai-prices says 0 of models it lists without), ``otherwise`` where the
recorded reading overlooked cached tokens that the payload counts, ``searched`` where the tokens
cost the recorded price and searches of the web come on top (genai-prices adds them to its total,
and records both sides only), ``refused`` with our reason, and ``wrong`` in any other case.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
from genai_prices import calc_price, extract_usage

from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.records.usage_records import PricedRecord, price_records
from llmops_pipelines.pricing import PriceOverrides, price_book
from llmops_pipelines.pricing.book.buckets import WEB_SEARCHES

AT: Final = datetime.fromisoformat("2026-11-20 12:00:00")
OUTCOMES: Final = ("equal", "repriced", "no price", "otherwise", "searched", "refused", "wrong")
CACHES: Final = ("cache_read", "cache_write_5m", "cache_write_1h")


def main() -> None:
    """Print the counts per provider, the reasons of refusals, and what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: Counter[str] = Counter()
    wrong: list[str] = []
    for provider, outcome, why in outcomes(pl.read_parquet(arguments.file)):
        counts[provider][outcome] += 1
        if outcome == "refused":
            reasons[why] += 1
        elif outcome == "wrong":
            wrong.append(f"{provider}: {why}")
    rows = {name: [counts[name][outcome] for outcome in OUTCOMES] for name in sorted(counts)}
    if arguments.json:
        found = {name: dict(zip(OUTCOMES, row, strict=True)) for name, row in rows.items()}
        told = {"providers": found, "refused": dict(reasons), "wrong": wrong}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    width = max(map(len, rows))
    for name, row in {"": OUTCOMES, **rows}.items():
        sys.stdout.write(name.ljust(width) + "".join(f"{cell:>10}" for cell in row) + "\n")
    sys.stdout.writelines(f"refused, {times}: {why}\n" for why, times in reasons.most_common())
    sys.stdout.writelines(f"wrong: {line}\n" for line in wrong)


def outcomes(payloads: pl.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Provider, outcome and reason of every payload under every provider that might have sent it.

    Those that no provider priced, and those refused whoever sent them, come once.
    """
    book, connection = price_book(PriceOverrides()), connect()
    for number, (body, named, extracted) in enumerate(
        payloads.select("body", "model", "extracted").iter_rows()
    ):
        response = json.loads(body)
        model = named or response.get("model")
        recorded, cached = _recorded(json.loads(extracted))
        sent = {"model": model, "usage": _usage(response), "timestamp": f"{AT}Z"}
        lines = [
            (n, json.dumps({**sent, "provider": provider}))
            for n, provider in enumerate(recorded or [None])
        ]
        ours = price_records(connection, lines, book)
        if refused := _refused(ours[0]):
            yield "(any)", "refused", refused
        elif not recorded:
            yield "(any)", "no price", ""
        else:
            for (provider, prices), mine in zip(recorded.items(), ours, strict=True):
                now = (_now(response, provider, flavor, model) for flavor in prices)
                if mine.cost in prices.values():
                    yield provider, "equal", ""
                elif mine.cost is None and not any(prices.values()):
                    yield provider, "no price", ""
                elif mine.cost in now:
                    yield provider, "repriced", ""
                elif mine.cost is None and mine.searches:
                    yield provider, "refused", mine.reason or ""
                elif mine.searches and _without_searches(mine) in prices.values():
                    yield provider, "searched", ""
                elif _cached(mine) not in cached[provider]:
                    yield provider, "otherwise", ""
                else:
                    then = " or ".join(sorted({str(price) for price in prices.values()}))
                    yield provider, "wrong", f"payload {number}, {model}: {mine.cost}, not {then}"


def _recorded(
    readings: list[dict[str, Any]],
) -> tuple[dict[str, dict[str, Decimal]], dict[str, set[int]]]:
    """By provider: the cost in USD by the name of the convention, and the cached tokens read."""
    costs: dict[str, dict[str, Decimal]] = defaultdict(dict)
    cached: dict[str, set[int]] = defaultdict(set)
    for reading in readings:
        said = reading["usage"]
        for by in reading["extractors"]:
            if "input_price" in by:
                cost = Decimal(by["input_price"]) + Decimal(by["output_price"])
                costs[by["provider_id"]][by["api_flavor"]] = cost
                both = (said.get("cache_read_tokens", 0), said.get("cache_write_tokens", 0))
                cached[by["provider_id"]].add(sum(both))
    return costs, cached


def _cached(record: PricedRecord) -> int:
    return sum(record.buckets[name] or 0 for name in CACHES)


def _without_searches(record: PricedRecord) -> Decimal:
    return sum((row.usd for row in record.rows if row.bucket != WEB_SEARCHES), Decimal(0))


def _usage(response: dict[str, Any]) -> Any:
    return next(response[key] for key in ("usage", "usageMetadata", "meta") if key in response)


def _refused(record: PricedRecord) -> str | None:
    """Why the counts could not be read; a missing price is no refusal."""
    unread = all(count is None for count in record.buckets.values())
    return record.reason if unread or (record.reason or "").startswith("usage") else None


def _now(response: dict[str, Any], provider: str, flavor: str, model: str) -> Decimal | None:
    """What the installed genai-prices says of the same payload, its tokens alone."""
    usage = extract_usage(response, provider_id=provider, api_flavor=flavor).usage
    try:
        price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=AT)
    except LookupError:
        return None
    return price.input_price + price.output_price


if __name__ == "__main__":
    main()

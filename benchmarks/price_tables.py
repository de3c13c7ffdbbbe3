"""Our prices beside other people's tables and recorded bills; differences counted by class.

    python benchmarks/price_tables.py FOLDER [--litellm 1.80.0=2025-11-14]

``FOLDER`` holds ``prices/`` (LiteLLM's tables as ``litellm_RELEASE_model_prices.json``, llm-prices
as ``llm-prices_VENDOR.json``; of a release that is not known here ``--litellm`` tells the day) and
``routerarena/data.parquet`` (calls of two models with what they cost). Tables are compared per
model and bucket at the date of the table, per million tokens of short prompts; bills call by call.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import polars as pl

from llmops_pipelines.pricing import PriceOverrides, price_book, price_tokens
from llmops_pipelines.pricing.book.regions import region_of
from llmops_pipelines.pricing.book.resolution import provider_id
from llmops_pipelines.tables import INSTANT, TOKEN_BUCKETS

LITELLM = {"1.55.0": "2024-12-13T12:00", "1.74.0": "2025-07-06T12:00"}
"""Releases, and the day of each: what it says held then."""

NOW = "2026-11-20T12:00"

COSTS = {
    "uncached_input": "input_cost_per_token",
    "output_text": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
}

PER_TOKEN = {"chat", "completion", "embedding", "responses"}


class Listed(NamedTuple):
    """One price of a table, in USD per million tokens."""

    table: str
    provider: str
    model: str
    at: str
    bucket: str
    price: Decimal
    per_character: bool = False


def releases(folder: Path, told: Mapping[str, str]) -> dict[str, str]:
    """Releases of LiteLLM in the folder, each with its day."""
    days = LITELLM | told
    found = [path.name.split("_")[1] for path in sorted(folder.glob("litellm_*_model_prices.json"))]
    for release in found:
        if release not in days:
            raise SystemExit(f"of which day is litellm {release}? say --litellm {release}=DAY")
    return {release: days[release] for release in found}


def litellm(folder: Path, release: str, at: str) -> Iterator[Listed]:
    entries = json.loads((folder / f"litellm_{release}_model_prices.json").read_text())
    for key, entry in entries.items():
        provider = str(entry.get("litellm_provider", "")).partition("-")[0]
        if entry.get("mode") not in PER_TOKEN or "dedicated" in key:
            continue
        for bucket, field in COSTS.items():
            if entry.get(field) is not None:
                # Of floats such as 1.5e-07, sixteen digits are meant.
                price = round(Decimal(str(entry[field])) * 1_000_000, 9)
                name = key.removeprefix(f"{entry['litellm_provider']}/")
                yield Listed(
                    f"litellm {release}", provider, name, at, bucket, price,
                    "input_cost_per_character" in entry,
                )  # fmt: skip


def llm_prices(folder: Path, vendor: str) -> Iterator[Listed]:
    table = json.loads((folder / f"llm-prices_{vendor}.json").read_text())
    fields = {"uncached_input": "input", "output_text": "output", "cache_read": "input_cached"}
    for model in table["models"]:
        for held in model["price_history"]:
            at = held["from_date"] or (NOW if held["to_date"] is None else "2024-01-01")
            for bucket, field in fields.items():
                if held[field] is not None:
                    price = Decimal(str(held[field]))
                    yield Listed(f"llm-prices {vendor}", vendor, model["id"], at, bucket, price)


def ours(listed: list[Listed], book: pl.DataFrame) -> pl.DataFrame:
    """Our price for each, fees per call apart, with why there is none."""
    one, two = (price_tokens(calls(listed, tokens), book) for tokens in (1_000, 2_000))
    return one.with_columns(price=(two["cost"] - one["cost"]) * 1000)


def calls(listed: list[Listed], tokens: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                each.provider,
                each.model,
                datetime.fromisoformat(each.at),
                None,
                False,
                *(tokens * (bucket == each.bucket) for bucket in TOKEN_BUCKETS),
            )
            for each in listed
        ],
        schema={
            "provider": pl.String,
            "model": pl.String,
            "started_at": INSTANT,
            "service_tier": pl.String,
            "is_batch": pl.Boolean,
            **dict.fromkeys(TOKEN_BUCKETS, pl.Int64),
        },
        orient="row",
    )


def classes(listed: list[Listed]) -> Iterator[tuple[Listed, Decimal | None, str]]:
    """Each price with ours and the class of their difference."""
    book = price_book(PriceOverrides())
    found = ours(listed, book)
    said: dict[tuple[str, ...], set[Decimal]] = defaultdict(set)
    for each in listed:
        said[provider_id(each.provider) or each.provider, each.model, each.bucket].add(each.price)
    ever: dict[tuple[str, ...], dict[datetime, Decimal]] = defaultdict(dict)
    standard = book.filter(tier="standard", context_from=0, hours="*")
    for *name, start, price in standard.select(
        "provider", "model", "bucket", "valid_from", "price"
    ).rows():  # fmt: skip
        ever[tuple(name)][start] = price
    for each, row in zip(listed, found.iter_rows(named=True), strict=True):
        seller = provider_id(each.provider) or each.provider
        owner, _, model = str(row["price_source"]).partition(": ")[2].partition("/")
        dated = ever[owner, model, each.bucket]
        holds = _holds(each, row["price"], row["unpriced_reason"], owner)
        holds |= {
            "another table says what we say: this one is older, or wrong": (
                row["price"] in said[seller, each.model, each.bucket]
            ),
            "we say so too, at another date": (each.price in dated.values()),
            "the catalogue dates no change of the model until then": (
                sum(start <= datetime.fromisoformat(each.at) for start in dated) == 1
            ),
        }
        yield each, row["price"], next((name for name, true in holds.items() if true), "other")


def _holds(each: Listed, price: Decimal | None, why: str | None, owner: str) -> dict[str, bool]:
    """Which explanations hold, but for those that need other prices."""
    seller = provider_id(each.provider)
    return {
        "equal": price == each.price,
        "no such provider in the catalogue: unpriced": seller is None and price is None,
        "no such model in the catalogue: unpriced": why == "unknown_model",
        "no price of that bucket or day in the catalogue: unpriced": price is None,
        "$0 in the table": each.price == 0,
        "rounded, or converted from another unit, in the table": (
            price is not None and abs(price - each.price) <= each.price / 1000
        ),
        "Gemini's cache writes in the table are storage by the hour": (
            seller == "google" and each.bucket == "cache_write_5m"
        ),
        "a price per character in the table, taken for four of them": each.per_character,
        "a region's own price, which the catalogue does not tell apart": (
            region_of(each.model) not in ("*", "us")
        ),
        "a reseller's own price; we charge its maker's": owner != seller,
    }


def bills(folder: Path) -> Counter[str]:
    """Recorded costs of calls beside ours."""
    recorded = pl.read_parquet(folder / "routerarena" / "data.parquet")
    rows = recorded.select(
        "provider",
        "model",
        "inference_cost",
        started_at=pl.lit(datetime.fromisoformat(NOW)),
        service_tier=pl.lit(None, pl.String),
        is_batch=pl.lit(value=False),
        **{bucket: pl.lit(0, pl.Int64) for bucket in TOKEN_BUCKETS}
        | {"uncached_input": pl.col("input_tokens"), "output_text": pl.col("output_tokens")},
    )
    priced = price_tokens(rows, price_book(PriceOverrides()))
    outcomes: Counter[str] = Counter()
    for row in priced.iter_rows(named=True):
        paid = round(Decimal(repr(row["inference_cost"])), 12)
        same = "equal" if row["cost"] == paid else f"ours {row['cost']}, recorded {paid}"
        outcomes[f"{row['provider']}/{row['model']}: {same}"] += 1
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--litellm", action="append", default=[], metavar="RELEASE=DAY")
    parser.add_argument("--show", default="other", help="class whose prices are listed")
    asked = parser.parse_args()
    folder = asked.folder / "prices"
    known = releases(folder, dict(each.split("=", 1) for each in asked.litellm))
    vendors = [path.stem.split("_", 1)[1] for path in sorted(folder.glob("llm-prices_*.json"))]
    listed = [
        *(each for release, at in known.items() for each in litellm(folder, release, at)),
        *(each for name in vendors for each in llm_prices(folder, name)),
    ]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    shown = []
    for each, price, name in classes(listed):
        counts[name][each.table] += 1
        if name == asked.show:
            shown.append((each, price))
    tables = sorted({each.table for each in listed})
    print(f"{'prices per bucket':66}" + "".join(f"{table:>22}" for table in tables))
    for name, count in sorted(counts.items(), key=lambda each: -each[1].total()):
        print(f"{name:66}" + "".join(f"{count[table]:>22,}" for table in tables))
    print(f"\n{asked.show}:")
    for each, price in shown:
        print(
            f"  {each.table}: {each.provider}/{each.model} {each.bucket} {each.price}; ours {price}"
        )
    if not (asked.folder / "routerarena").exists():
        return
    print("\nrecorded bills of routerarena")
    for name, times in bills(asked.folder).most_common():
        print(f"  {times:>6,}  {name}")


if __name__ == "__main__":
    main()

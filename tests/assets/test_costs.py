"""The price book as an asset: rebuilt every night, changed only by what changed."""

from dataclasses import replace

import dagster as dg
import polars as pl

from assets.costs import price_book
from llmops_pipelines import pricing
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.tables import PRICE_BOOK
from tests.pricing.factories import at

EDITED = """
overrides:
  - {provider: openai, model: gpt-4.1, prices: {uncached_input: 3, output_text: 9}, why: w}
"""
FIRST_COLUMNS = (
    "provider", "model", "bucket", "price", "valid_from", "valid_to", "context_from", "source",
    "fetched_at",
)  # fmt: skip


def rebuild(folder, now):
    lake = LakeResource(root=str(folder / "lake"))
    resources = {
        "lake": lake,
        "io_manager": LakeIOManager(lake=lake),
        "reference": ReferenceFolder(path=str(folder)),
        "clock": Clock(fixed=now),
    }
    result = dg.materialize([price_book], resources=resources)
    (event,) = result.asset_materializations_for_node("price_book")
    (file,) = (folder / "lake" / "price_book").iterdir()
    return event.metadata["content_digest"].value, file.read_bytes()


def test_a_rebuilt_book_keeps_its_bytes_until_something_changes(tmp_path):
    first = rebuild(tmp_path, "2026-11-09T02:00:00Z")
    assert rebuild(tmp_path, "2026-11-10T02:00:00Z") == first
    (tmp_path / "prices.yaml").write_text(EDITED)
    assert rebuild(tmp_path, "2026-11-11T02:00:00Z")[0] != first[0]

    book = LakeResource(root=str(tmp_path / "lake")).open().read(PRICE_BOOK)
    at_noon = ("openai", "gpt-4.1", at("2026-11-01 12:00"), {"uncached_input": 1_000_000})
    before = pricing.as_believed(book, at("2026-11-10 12:00"))
    assert [pricing.price_usage(*at_noon, each) for each in (before, book)] == [2, 3]
    closed = book.filter(pl.col("known_to").is_not_null())
    assert set(closed["known_to"]) == {at("2026-11-11 02:00")}


def test_a_lake_of_the_first_release_goes_on(tmp_path):
    lake = LakeResource(root=str(tmp_path / "lake")).open()
    columns = {column.name: column for column in PRICE_BOOK.columns}
    first = replace(
        PRICE_BOOK,
        version=1,
        key=("provider", "model", "bucket", "valid_from", "context_from"),
        columns=tuple(columns[name] for name in FIRST_COLUMNS),
        volatile=("fetched_at",),
    )
    now = pricing.price_book(pricing.PriceOverrides(), at("2026-11-09 02:00"))
    told = now.filter(provider="openai", hours="*").with_columns(
        model=pl.when(tier="standard").then("model").otherwise(pl.format("{}:{}", "model", "tier"))
    )
    lake.write(first, told)
    asked = ("openai", "gpt-4.1", at("2026-11-01"), {"uncached_input": 1_000_000})
    prices = [
        pricing.price_usage(*asked, lake.read(PRICE_BOOK), service=service)
        for service in ("standard", "batch", "flex")
    ]
    assert prices == [2, 1, None]
    rebuild(tmp_path, "2026-11-10T02:00:00Z")
    book = lake.read(PRICE_BOOK)
    assert book["known_to"].null_count() == book.height
    assert set(book.filter(provider="openai")["known_from"]) == {at("2026-11-09 02:00")}
    assert set(book.filter(provider="groq")["known_from"]) == {at("2026-11-10 02:00")}

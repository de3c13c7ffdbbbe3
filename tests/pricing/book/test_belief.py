from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.pricing import (
    PriceOverrides,
    as_believed,
    find_tariff,
    price_book,
    price_calls,
)
from llmops_pipelines.pricing.book.rows import Name
from llmops_pipelines.tables import PRICE_BOOK
from tests.pricing.factories import at, call, calls, parquet_bytes

MONDAY, TUESDAY, WEDNESDAY = (at(f"2026-11-{day} 02:00") for day in ("09", "10", "11"))
NOON = at("2026-11-01 12:00")


def saying(price):
    """A prices.yaml with one price for gpt-4.1, or none."""
    if price is None:
        return PriceOverrides()
    override = {"provider": "openai", "model": "gpt-4.1", "prices": {"uncached_input": price}}
    return PriceOverrides.model_validate({"overrides": [override | {"why": "agreed"}]})


@pytest.fixture(scope="module")
def told():
    """2 USD on Monday, 3 on Tuesday, 2 again on Wednesday."""
    book = price_book(saying(None), MONDAY)
    book = price_book(saying(3), TUESDAY, before=book)
    return price_book(saying(None), WEDNESDAY, before=book)


def million(book):
    tariff = find_tariff("openai", "gpt-4.1", NOON, book)
    return tariff and tariff.cost({"uncached_input": 1_000_000})


def test_nothing_new_changes_no_byte():
    book = price_book(saying(3), MONDAY)
    again = price_book(saying(3), TUESDAY, before=book)
    assert parquet_bytes(again) == parquet_bytes(book)
    assert parquet_bytes(price_book(saying(3), WEDNESDAY, before=again)) == parquet_bytes(book)


def test_a_book_charges_what_is_believed_now(told):
    assert million(told) == 2


@pytest.mark.parametrize(
    ("moment", "dollars"),
    [
        (MONDAY - timedelta(microseconds=1), None),
        (MONDAY, 2),
        (TUESDAY - timedelta(microseconds=1), 2),
        (TUESDAY, 3),
        (WEDNESDAY - timedelta(microseconds=1), 3),
        (WEDNESDAY, 2),
    ],
)
def test_a_book_charges_what_was_believed_at_a_moment(told, moment, dollars):
    then = as_believed(told, moment)
    assert million(then) == (None if dollars is None else Decimal(dollars))
    assert as_believed(then).equals(then)


def test_what_was_believed_is_never_lost(told):
    first, second = price_book(saying(None), MONDAY), price_book(saying(3), TUESDAY)
    for book, moment in ((first, MONDAY), (second, TUESDAY), (first, WEDNESDAY)):
        clocks = ["known_from", "fetched_at"]
        assert as_believed(told, moment).drop(clocks).equals(as_believed(book).drop(clocks))


def test_only_what_differs_is_told_anew(told):
    changed = told.filter((pl.col("known_from") > MONDAY) | pl.col("known_to").is_not_null())
    assert set(changed.select("provider", "model", "tier").rows()) == {
        ("openai", "gpt-4.1", "standard")
    }
    assert PRICE_BOOK.require(told).equals(told)


def test_a_clock_that_fell_behind_loses_no_belief():
    book = price_book(saying(3), WEDNESDAY)
    book = price_book(saying(4), MONDAY, before=book)
    just_after = WEDNESDAY + timedelta(microseconds=1)
    assert million(as_believed(book, WEDNESDAY)) == 3
    assert million(as_believed(book, just_after)) == million(book) == 4


def test_a_release_of_the_catalogue_that_says_the_same_changes_nothing():
    book = price_book(saying(3), MONDAY)
    older = book.with_columns(
        pl.col("source").str.replace("^genai-prices [^, ]+", "genai-prices 0.1.9")
    )
    assert older["source"].str.contains("0.1.9").any()
    assert price_book(saying(3), TUESDAY, before=older).equals(older)


def test_another_reason_for_the_same_price_is_told():
    book = price_book(saying(3), MONDAY)
    other = saying(3).overrides[0].model_copy(update={"why": "renewed"})
    told = price_book(PriceOverrides(overrides=(other,)), TUESDAY, before=book)
    assert "renewed" in find_tariff("openai", "gpt-4.1", NOON, told).source
    assert "agreed" in find_tariff("openai", "gpt-4.1", NOON, as_believed(told, MONDAY)).source


def as_first_written(book):
    """The rows as the first version of the table had them, read by this release."""
    shown = pl.concat_str(
        pl.col("model"),
        pl.when(pl.col("tier") != "standard").then(":" + pl.col("tier")).otherwise(pl.lit("")),
        pl.when(pl.col("hours") != "*").then("@" + pl.col("hours")).otherwise(pl.lit("")),
    )
    new = ("tier", "region", "hours", "team", "list_price", "currency", "usd_rate", "discount")
    defaults = {column.name: column for column in PRICE_BOOK.columns}
    return book.with_columns(model=shown).with_columns(
        pl.lit(defaults[name].default, defaults[name].dtype).alias(name)
        for name in (*new, "known_from", "known_to")
    )


def test_the_book_of_an_older_lake_is_read_and_goes_on():
    book = price_book(saying(3), MONDAY)
    older = as_first_written(book)
    assert set(book.select("hours").unique().to_series()) > {"*"}
    assert PRICE_BOOK.require(as_believed(older)).equals(book)
    assert price_book(saying(3), TUESDAY, before=older).equals(book)
    batch = find_tariff("openai", "gpt-4.1", NOON, older, service="batch")
    assert batch.cost({"uncached_input": 1_000_000}) == 1


def test_a_host_that_ends_its_own_names_so_keeps_them():
    book = price_book(saying(None), MONDAY)
    own = book.filter(pl.col("model").str.ends_with(":batch"))
    assert own.height
    assert set(own["tier"]) == {"standard"}
    provider, model = own.select("provider", "model").row(0)
    tokens = {"uncached_input": 1_000_000}
    found = [
        find_tariff(provider, name, NOON, old_or_new, service=service).cost(tokens)
        for old_or_new in (book, as_first_written(book))
        for name, service in ((model, "standard"), (model, "batch"))
    ]
    assert len(set(found)) == 1


def test_calls_of_a_past_belief_cost_what_they_did_then(told):
    logged = calls(call(uncached_input=1_000_000))
    costs = [
        price_calls(logged, as_believed(told, moment))["cost"][0]
        for moment in (MONDAY, TUESDAY, WEDNESDAY)
    ]
    assert costs == [2, 3, 2]


def test_every_price_is_its_list_price_converted_and_discounted(told):
    wrong = told.filter(
        pl.col("price") != (pl.col("list_price") * pl.col("usd_rate") * (1 - pl.col("discount")))
    )
    assert wrong.is_empty()
    assert set(Name._fields) < set(PRICE_BOOK.key)

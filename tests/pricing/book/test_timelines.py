from datetime import date, time, timedelta, timezone
from decimal import Decimal

import pytest
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
    TimeOfDateConstraint,
)

from llmops_pipelines.pricing.book.timelines import BEGINNING, spans
from tests.pricing.factories import at

NOTHING = frozenset()


def price(amount):
    return ModelPrice(input_mtok=Decimal(amount))


def model(prices, variants=None):
    return ModelInfo(id="m", match=ClauseEquals("m"), prices=prices, price_variants=variants)


def since(day, amount):
    return ConditionalPrice(StartDateConstraint(day), prices=price(amount))


def between(start, end, amount):
    return ConditionalPrice(TimeOfDateConstraint(start, end), prices=price(amount))


def told(model, halves=NOTHING):
    return [
        (span.service, span.window, span.valid_from, span.valid_to, int(span.prices.input_mtok))
        for span in spans(model, halves)
    ]


def test_a_single_price_always_holds():
    assert told(model(price(3))) == [("standard", None, BEGINNING, None, 3)]


def test_dated_prices_follow_one_another():
    dated = model([ConditionalPrice(prices=price(3)), since(date(2026, 5, 1), 2)])
    assert told(dated) == [
        ("standard", None, BEGINNING, at("2026-05-01"), 3),
        ("standard", None, at("2026-05-01"), None, 2),
    ]


def test_a_date_that_changes_nothing_is_no_interval():
    dated = model([ConditionalPrice(prices=price(3)), since(date(2026, 5, 1), 3)])
    assert told(dated) == [("standard", None, BEGINNING, None, 3)]


def test_hours_with_another_price_are_windows():
    peak = model([ConditionalPrice(prices=price(1)), between(time(6), time(10), 2)])
    assert told(peak) == [
        ("standard", None, BEGINNING, None, 1),
        ("standard", ("06:00", "10:00"), BEGINNING, None, 2),
    ]


def test_a_window_over_midnight_is_the_usual_price_and_its_gap_the_window():
    night = model([ConditionalPrice(prices=price(2)), between(time(20), time(4), 1)])
    assert told(night) == [
        ("standard", None, BEGINNING, None, 1),
        ("standard", ("04:00", "20:00"), BEGINNING, None, 2),
    ]


def test_a_window_until_midnight_ends_at_24_hours():
    late = model([ConditionalPrice(prices=price(2)), between(time(20), time(0), 1)])
    assert told(late)[1] == ("standard", ("20:00", "24:00"), BEGINNING, None, 1)


def test_a_window_in_another_zone_is_told_in_utc():
    beijing = timezone(timedelta(hours=8))
    day = between(time(9, tzinfo=beijing), time(12, tzinfo=beijing), 2)
    assert told(model([ConditionalPrice(prices=price(1)), day]))[1][1] == ("01:00", "04:00")


@pytest.mark.parametrize(
    ("when", "service"),
    [
        ({"processing": "batch"}, "batch"),
        ({"service_tier": "flex"}, "flex"),
        ({"service_tier": "priority"}, "priority"),
        ({"speed": "fast"}, "fast"),
    ],
)
def test_variants_of_a_price_are_service_tiers(when, service):
    variant = PriceVariant(when, price(1))
    assert told(model(price(2), [variant]))[1] == (service, None, BEGINNING, None, 1)


@pytest.mark.parametrize("when", [{"route": "eu"}, {"service_tier": "default"}])
def test_variants_that_no_call_can_tell_are_left_out(when):
    assert len(told(model(price(2), [PriceVariant(when, price(1))]))) == 1


def test_a_tier_has_no_price_before_the_catalogue_knows_one():
    variant = PriceVariant(
        {"service_tier": "flex"}, price(1), StartDateConstraint(date(2026, 10, 12))
    )
    assert told(model(price(2), [variant]))[1:] == [("flex", None, at("2026-10-12"), None, 1)]


def test_a_batch_is_halved_until_the_catalogue_knows_its_price():
    variant = PriceVariant(
        {"processing": "batch"}, price(1), StartDateConstraint(date(2026, 10, 14))
    )
    before, after = list(spans(model(price(4), [variant]), frozenset({"input_mtok"})))[1:]
    assert (before.valid_to, before.halved) == (at("2026-10-14"), {"input_mtok"})
    assert (after.valid_from, after.halved, after.prices.input_mtok) == (
        at("2026-10-14"),
        NOTHING,
        Decimal(1),
    )

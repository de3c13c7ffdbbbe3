"""FOCUS 1.2's rules: a good row breaks none, and each bad one is named."""

import polars as pl
import pytest

from llmops_pipelines.focus import COLUMNS, violations

GOOD = {
    "BilledCost": "42.00",
    "BillingAccountId": "acct-1001",
    "BillingAccountName": "Acme Corp",
    "BillingCurrency": "USD",
    "BillingPeriodEnd": "2025-06-01T00:00:00Z",
    "BillingPeriodStart": "2025-05-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeClass": None,
    "ChargeDescription": "Input tokens",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodEnd": "2025-06-01T00:00:00Z",
    "ChargePeriodStart": "2025-05-01T00:00:00Z",
    "ConsumedQuantity": "8400000",
    "ConsumedUnit": "Tokens",
    "ContractedCost": "42.00",
    "ContractedUnitPrice": "5.0000",
    "EffectiveCost": "42.00",
    "InvoiceIssuerName": "Solora AI",
    "ListCost": "42.00",
    "ListUnitPrice": "5.0000",
    "PricingCategory": "Standard",
    "PricingQuantity": "8.40",
    "PricingUnit": "1000000 Tokens",
    "ProviderName": "Solora AI",
    "PublisherName": "Solora AI",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Solora Generative AI API",
    "ServiceSubcategory": "Generative AI",
    "SkuId": "solora-saturn-4.8-input",
    "SkuMeter": "Input Tokens",
    "SkuPriceDetails": '{"x_Model": "solora-saturn-4.8"}',
    "SkuPriceId": "solora-saturn-4.8-input-ondemand",
    "Tags": '{"team": "a", "valueless": true}',
    "x_Feature": "chat",
}
"""The specification's own example of a model billed by token, in the columns of 1.2."""


def broken(without=(), **changes):
    row = {name: value for name, value in (GOOD | changes).items() if name not in without}
    cells = pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))
    return [(violation.column, violation.rule) for violation in violations(cells)]


def test_the_specifications_own_example_breaks_no_rule():
    assert broken() == []


@pytest.mark.parametrize(
    "name", [column.name for column in COLUMNS.values() if column.level == "mandatory"]
)
def test_every_mandatory_column_is_missed(name):
    assert (name, "must be present") in broken(without=[name])


def test_there_are_as_many_mandatory_columns_as_the_specification_has():
    assert sum(column.level == "mandatory" for column in COLUMNS.values()) == 21


@pytest.mark.parametrize(
    ("changes", "column", "rule"),
    [
        ({"BilledCost": "$42"}, "BilledCost", "plain decimal number"),
        ({"BilledCost": "4.2e1"}, "BilledCost", "plain decimal number"),
        ({"BilledCost": "1,000.00"}, "BilledCost", "plain decimal number"),
        ({"BilledCost": None}, "BilledCost", "must not be null"),
        ({"BillingCurrency": "usd"}, "BillingCurrency", "three capitals"),
        ({"ChargePeriodStart": "2025-05-01"}, "ChargePeriodStart", "YYYY-MM-DDTHH:mm:ssZ"),
        ({"ChargePeriodEnd": "2025-04-01T00:00:00Z"}, "ChargePeriodEnd", "after ChargePeriodStart"),
        ({"ChargeCategory": "usage"}, "ChargeCategory", "must be one of Usage"),
        ({"ChargeClass": "Credit"}, "ChargeClass", "must be one of Correction"),
        ({"PricingQuantity": None}, "PricingQuantity", "for usage and purchases"),
        ({"SkuId": None}, "SkuMeter", "must be null without SkuId"),
        ({"ListUnitPrice": None}, "ListUnitPrice", "for usage and purchases"),
        ({"ListUnitPrice": "-5"}, "ListUnitPrice", "must not be negative"),
        ({"ContractedUnitPrice": "4"}, "ContractedCost", "PricingQuantity times"),
        ({"ChargeCategory": "Tax"}, "ConsumedQuantity", "must be null but for usage"),
        ({"ChargeCategory": "Tax"}, "SkuId", "must be null for taxes"),
        ({"ConsumedUnit": None}, "ConsumedUnit", "must come with ConsumedQuantity"),
        ({"ConsumedUnit": "tokens"}, "ConsumedUnit", "must be a unit"),
        ({"PricingUnit": "1M Tokens"}, "PricingUnit", "must be a unit"),
        ({"ServiceCategory": "AI"}, "ServiceCategory", "must be one of AI and Machine"),
        ({"ServiceSubcategory": "Chat"}, "ServiceSubcategory", "must be a subcategory"),
        ({"ServiceName": ""}, "ServiceName", "must not be empty text"),
        ({"Tags": "team=a"}, "Tags", "must be a JSON object"),
        ({"Tags": '{"a": {"b": 1}}'}, "Tags", "must be a JSON object"),
        ({"Tags": "[" * 100_000}, "Tags", "must be a JSON object"),
        ({"Team": "a"}, "Team", "must begin with x_"),
        ({"x_a-b": "a"}, "x_a-b", "without special characters"),
    ],
)
def test_what_breaks_a_rule_is_named(changes, column, rule):
    assert any(name == column and rule in told for name, told in broken(**changes))


def test_corrections_may_differ_from_quantity_times_price():
    assert broken(ChargeClass="Correction", ContractedUnitPrice="4", SkuPriceId=None) == []


def test_rows_are_counted_and_the_first_is_shown():
    cells = pl.DataFrame([GOOD, GOOD | {"BilledCost": "x"}, GOOD | {"BilledCost": "y"}])
    (found,) = violations(cells.with_columns(pl.all().cast(pl.String)))
    assert (found.rows, found.first) == (2, "x")


def test_custom_columns_come_last():
    cells = pl.DataFrame(
        [{"x_Feature": "chat"} | GOOD], schema=dict.fromkeys(["x_Feature", *GOOD], pl.String)
    )
    assert {told.rule for told in violations(cells)} == {"should stand before the custom columns"}


def test_an_empty_table_lacks_every_mandatory_column():
    assert len(violations(pl.DataFrame())) == 21

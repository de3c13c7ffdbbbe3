"""The rules of FOCUS 1.2 that a data set of usage charges has to meet.

Source: FinOps Open Cost and Usage Specification (FOCUS) 1.2, announced May 2025,
https://focus.finops.org/focus-specification/v1-2/, its columns and attributes ("Numeric Format",
"Date/Time Format", "Unit Format", "Key-Value Format", "Column Handling"), checked against the
machine-readable model of it (``model-1.2.json`` of the FinOps Foundation's focus_validator).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

VERSION: Final = "1.2"

Kind = Literal["decimal", "datetime", "string", "json"]
Level = Literal["mandatory", "conditional", "recommended"]


@dataclass(frozen=True)
class FocusColumn:
    """One column of the specification."""

    name: str
    level: Level
    kind: Kind
    nullable: bool = True
    allowed: tuple[str, ...] = ()
    """Values that it may have; empty: any."""
    of_usage: bool = False
    """Never null where ``ChargeCategory`` is Usage or Purchase and the row is no correction."""
    not_negative: bool = False


SERVICES: Final = {
    "AI and Machine Learning": (
        "AI Platforms",
        "Bots",
        "Generative AI",
        "Machine Learning",
        "Natural Language Processing",
        "Other (AI and Machine Learning)",
    ),
}
"""Subcategories by category; of other categories than ours any is taken."""

_CATEGORIES: Final = (
    "AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases",
    "Developer Tools", "Multicloud", "Identity", "Integration", "Internet of Things",
    "Management and Governance", "Media", "Migration", "Mobile", "Networking", "Security",
    "Storage", "Web", "Other",
)  # fmt: skip


def _cost(name: str) -> FocusColumn:
    return FocusColumn(name, "mandatory", "decimal", nullable=False)


def _text(
    name: str, level: Level = "conditional", *, nullable: bool = True, of_usage: bool = False
) -> FocusColumn:
    return FocusColumn(name, level, "string", nullable=nullable, of_usage=of_usage)


def _moment(name: str) -> FocusColumn:
    return FocusColumn(name, "mandatory", "datetime", nullable=False)


def _allowed(
    name: str, level: Level, values: tuple[str, ...], *, nullable: bool, of_usage: bool = False
) -> FocusColumn:
    return FocusColumn(name, level, "string", nullable, values, of_usage)


_COLUMNS: Final = (
    _text("AvailabilityZone", "recommended"),
    _cost("BilledCost"),
    _text("BillingAccountId", "mandatory", nullable=False),
    _text("BillingAccountName", "mandatory"),
    _text("BillingAccountType"),
    _text("BillingCurrency", "mandatory", nullable=False),
    _moment("BillingPeriodEnd"),
    _moment("BillingPeriodStart"),
    _text("CapacityReservationId"),
    _allowed("CapacityReservationStatus", "conditional", ("Used", "Unused"), nullable=True),
    _allowed(
        "ChargeCategory",
        "mandatory",
        ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
        nullable=False,
    ),
    _allowed("ChargeClass", "mandatory", ("Correction",), nullable=True),
    _text("ChargeDescription", "mandatory"),
    _allowed(
        "ChargeFrequency", "recommended", ("One-Time", "Recurring", "Usage-Based"), nullable=False
    ),
    _moment("ChargePeriodEnd"),
    _moment("ChargePeriodStart"),
    _allowed("CommitmentDiscountCategory", "conditional", ("Spend", "Usage"), nullable=True),
    _text("CommitmentDiscountId"),
    _text("CommitmentDiscountName"),
    FocusColumn("CommitmentDiscountQuantity", "conditional", "decimal"),
    _allowed("CommitmentDiscountStatus", "conditional", ("Used", "Unused"), nullable=True),
    _text("CommitmentDiscountType"),
    _text("CommitmentDiscountUnit"),
    FocusColumn("ConsumedQuantity", "conditional", "decimal", not_negative=True),
    _text("ConsumedUnit"),
    _cost("ContractedCost"),
    FocusColumn("ContractedUnitPrice", "conditional", "decimal", of_usage=True, not_negative=True),
    _cost("EffectiveCost"),
    _text("InvoiceId", "recommended"),
    _text("InvoiceIssuerName", "mandatory", nullable=False),
    _cost("ListCost"),
    FocusColumn("ListUnitPrice", "conditional", "decimal", of_usage=True, not_negative=True),
    _allowed(
        "PricingCategory",
        "conditional",
        ("Standard", "Dynamic", "Committed", "Other"),
        nullable=True,
        of_usage=True,
    ),
    _text("PricingCurrency"),
    FocusColumn("PricingCurrencyContractedUnitPrice", "conditional", "decimal", not_negative=True),
    FocusColumn("PricingCurrencyEffectiveCost", "conditional", "decimal"),
    FocusColumn("PricingCurrencyListUnitPrice", "conditional", "decimal", not_negative=True),
    FocusColumn("PricingQuantity", "mandatory", "decimal", of_usage=True),
    _text("PricingUnit", "mandatory", of_usage=True),
    _text("ProviderName", "mandatory", nullable=False),
    _text("PublisherName", "mandatory", nullable=False),
    _text("RegionId"),
    _text("RegionName"),
    _text("ResourceId"),
    _text("ResourceName"),
    _text("ResourceType"),
    _allowed("ServiceCategory", "mandatory", _CATEGORIES, nullable=False),
    _text("ServiceName", "mandatory", nullable=False),
    _text("ServiceSubcategory", "recommended", nullable=False),
    _text("SkuId", of_usage=True),
    _text("SkuMeter"),
    FocusColumn("SkuPriceDetails", "conditional", "json"),
    _text("SkuPriceId", of_usage=True),
    _text("SubAccountId"),
    _text("SubAccountName"),
    _text("SubAccountType"),
    FocusColumn("Tags", "conditional", "json"),
)

COLUMNS: Final = {column.name: column for column in _COLUMNS}
"""Every column of FOCUS 1.2 by name, in the specification's order."""

CUSTOM: Final = "x_"
"""What names of columns outside the specification must begin with."""

PRODUCTS: Final = (
    ("PricingQuantity", "ContractedUnitPrice", "ContractedCost"),
    ("PricingQuantity", "ListUnitPrice", "ListCost"),
)
"""Quantity times price is cost, where the price is not null and the row is no correction."""

PERIODS: Final = (
    ("ChargePeriodStart", "ChargePeriodEnd"),
    ("BillingPeriodStart", "BillingPeriodEnd"),
)
"""Starts are before their ends."""

UNITS: Final = ("ConsumedUnit", "PricingUnit")
"""Columns of the Unit Format."""

CURRENCIES: Final = ("BillingCurrency", "PricingCurrency")
"""Columns of the Currency Format: three capital letters (ISO 4217)."""

"""The dated price book and exact pricing of calls."""

from llmops_pipelines.pricing.book.age import catalogue_date
from llmops_pipelines.pricing.book.belief import as_believed
from llmops_pipelines.pricing.book.book import price_book
from llmops_pipelines.pricing.book.buckets import PER_THOUSAND, REQUEST, WEB_SEARCHES
from llmops_pipelines.pricing.book.overrides import PriceOverrides
from llmops_pipelines.pricing.book.price_lists import PriceOverride
from llmops_pipelines.pricing.book.resolution import catalogue_providers, resolve_models
from llmops_pipelines.pricing.book.tiers import BATCH, STANDARD, Service, service_of_call
from llmops_pipelines.pricing.charging.arithmetic import price_rows
from llmops_pipelines.pricing.charging.calls import metered, price_calls, price_tokens
from llmops_pipelines.pricing.charging.groups import price_groups, sum_groups
from llmops_pipelines.pricing.charging.keys import Keys, number_rows
from llmops_pipelines.pricing.charging.requests import REQUESTED, Rates
from llmops_pipelines.pricing.charging.usage import Tariff, find_tariff, price_usage

__all__ = [
    "BATCH",
    "PER_THOUSAND",
    "REQUEST",
    "REQUESTED",
    "STANDARD",
    "WEB_SEARCHES",
    "Keys",
    "PriceOverride",
    "PriceOverrides",
    "Rates",
    "Service",
    "Tariff",
    "as_believed",
    "catalogue_date",
    "catalogue_providers",
    "find_tariff",
    "metered",
    "number_rows",
    "price_book",
    "price_calls",
    "price_groups",
    "price_rows",
    "price_tokens",
    "price_usage",
    "resolve_models",
    "service_of_call",
    "sum_groups",
]

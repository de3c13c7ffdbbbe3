import pytest

from llmops_pipelines.pricing import PriceOverrides, price_book
from llmops_pipelines.reference import parse_document


@pytest.fixture(scope="session")
def book():
    """The installed catalogue, nothing laid over it."""
    return price_book(PriceOverrides())


@pytest.fixture
def book_with():
    """A book with the overrides of this YAML."""

    def make(text):
        return price_book(parse_document(text, PriceOverrides, file="prices.yaml"))

    return make

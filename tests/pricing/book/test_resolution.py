import polars as pl
import pytest

from llmops_pipelines.pricing import catalogue_providers, resolve_models
from llmops_pipelines.pricing.book.catalogue import providers
from llmops_pipelines.pricing.book.names import _literals
from llmops_pipelines.pricing.book.resolution import provider_id, resolve
from llmops_pipelines.tables import PROVIDER_OF


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("gpt-4o-2024-08-06", ("openai", "gpt-4o")),
        ("gpt-4o-2024-05-13", ("openai", "gpt-4o-2024-05-13")),
        ("gpt-3.5-turbo-0301", ("openai", "gpt-3.5-0301")),
        ("gpt-4-0613", ("openai", "gpt-4")),
        ("GPT-4.1-Mini-2025-04-14", ("openai", "gpt-4.1-mini")),
        ("claude-sonnet-4-5-20250929", ("anthropic", "claude-sonnet-4-5")),
        ("claude-sonnet-4-20250514", ("anthropic", "claude-sonnet-4-0")),
        ("claude-3-5-sonnet-v2@20241022", ("anthropic", "claude-3-5-sonnet")),
        ("gemini-2.0-flash-001", ("google", "gemini-2.0-flash")),
        ("models/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("openai/gpt-4o", ("openai", "gpt-4o")),
        ("text-embedding-3-small", ("openai", "text-embedding-3-small")),
        ("text-embedding-ada-002", ("openai", "text-embedding-ada-002")),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", ("openai", "ft:gpt-4o-mini")),
        ("@cf/meta/llama-3.1-8b-instruct", ("cloudflare", "@cf/meta/llama-3.1-8b-instruct")),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ("aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        ("amazon.nova-pro-v1:0", ("aws", "amazon.nova-pro-v1:0")),
    ],
)
def test_a_name_alone_means_its_makers_model(name, meant):
    assert resolve(None, name) == meant


@pytest.mark.parametrize(
    "name",
    [
        "acme-finetune-7b",
        "cohere.command-r-plus-08-2024",
        "acme.summarizer-v1:0",
        "unknown-summarizer",
        "ctrl",
        "doha",
        "t5",
        "gpt2",
        "llama-2-70b-chat",
        "llama-2-70b-chat-orig",
        "mistral-7b-instruct",
        "mistral-7b-guard",
        "claude-sonnet-4-55",
        "my-claude-sonnet-4-5",
        "claude-sonnet-4-5-distilled",
        "gpt-5-nano-acme",
        "deepseek-r1-distill-llama-70b",
        "gemini-1.5-flash-8b",
        "openrouter/acme/secret",
        "acme/gpt-4o",
        "",
        "/",
        "é" * 5_000,
        "claude-sonnet-4-5" + "-2011" * 5_000 + "x",
        "openai/" * 5_000 + "gpt-4.1",
    ],
)
def test_a_name_that_only_resembles_a_model_means_none(name):
    assert resolve(None, name) is None


@pytest.mark.parametrize(
    ("provider", "name", "meant"),
    [
        ("openai", "text-embedding-3-small", ("openai", "text-embedding-3-small")),
        ("azure", "gpt-35-turbo", ("openai", "gpt-3.5-turbo")),
        ("azure.ai.openai", "gpt-4.1", ("openai", "gpt-4.1")),
        ("google", "claude-sonnet-4-5@20250929", ("google", "claude-sonnet-4-5")),
        ("gcp.vertex_ai", "gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        (
            "aws.bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ("aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        (
            "aws",
            "arn:aws:bedrock:us-east-1:123:inference-profile/"
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ("aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        ("openrouter", "openai/gpt-4.1-mini", ("openrouter", "openai/gpt-4.1-mini")),
        ("litellm", "anthropic/claude-sonnet-4-5", ("anthropic", "claude-sonnet-4-5")),
        ("groq", "llama-3.3-70b-versatile", ("groq", "llama-3.3-70b-versatile")),
        ("OpenAI ", "gpt-4.1", ("openai", "gpt-4.1")),
    ],
)
def test_a_named_provider_sets_the_price(provider, name, meant):
    assert resolve(provider, name) == meant


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("acme-gateway", "gpt-4.1"),
        ("anthropic", "gpt-4.1"),
        ("openai", "claude-sonnet-4-5"),
        ("azure", "my-o4-mini"),
        ("openai", "my-moderation-model"),
    ],
)
def test_a_provider_that_does_not_sell_the_model_prices_nothing(provider, name):
    assert resolve(provider, name) is None


def test_every_written_out_name_of_the_catalogue_means_what_the_catalogue_means():
    snapshot = list(providers())
    wrong = []
    for provider in snapshot:
        for model in provider.models:
            for spelling in [
                model.id,
                *(text for text, kind in _literals(model.match) if kind != "regex"),
            ]:
                theirs = provider.find_model(spelling, all_providers=snapshot)
                ours = resolve(provider.id, spelling)
                if (theirs and theirs.id) != (ours and ours.model):
                    wrong.append((provider.id, spelling, theirs and theirs.id, ours))
    assert wrong == []


def test_spellings_of_other_tools_mean_the_catalogues_providers():
    assert [provider_id(p) for p in ("Vertex_AI", "x_ai", "azure-openai", "Anthropic", "acme")] == [
        "google",
        "x-ai",
        "azure",
        "anthropic",
        None,
    ]
    # A hub that the catalogue lists by the hosts behind it.
    assert set(PROVIDER_OF.values()) - catalogue_providers() == {"huggingface"}


def test_distinct_pairs_resolve_to_one_row_each_with_a_reason_for_none(book):
    pairs = pl.DataFrame(
        {
            "provider": ["openai", "openai", None, None],
            "model": ["gpt-4.1", "gpt-4.1", "doha", None],
        },
        schema={"provider": pl.String, "model": pl.String},
    )
    assert sorted(resolve_models(pairs, book).rows(), key=str) == [
        ("openai", "gpt-4.1", "openai", "gpt-4.1", None),
        (None, "doha", None, None, "unknown_model"),
        (None, None, None, None, "no_model"),
    ]


def test_two_providers_own_prices_for_one_name_need_the_provider(book_with):
    book = book_with("""
overrides:
  - {provider: east, model: llama, prices: {uncached_input: 1}, why: w}
  - {provider: west, model: llama, prices: {uncached_input: 2}, why: w}
""")
    pairs = pl.DataFrame({"provider": ["east", "west", None], "model": ["llama", "LLAMA", "llama"]})
    assert resolve_models(pairs, book).select("book_provider", "unpriced_reason").rows() == [
        (None, "unknown_model"),
        ("east", None),
        ("west", None),
    ]

import pytest

from llmops_pipelines.pricing.book.regions import region_of


@pytest.mark.parametrize(
    ("model", "region"),
    [
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "eu"),
        ("US-GOV.anthropic.claude-3-haiku", "us-gov"),
        ("bedrock/converse/apac.amazon.nova-pro-v1:0", "apac"),
        ("arn:aws:bedrock:eu-central-1:123456789012:inference-profile/x.y", "eu-central-1"),
        ("projects/p/locations/europe-west1/publishers/google/models/gemini", "europe-west1"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "*"),
        ("gpt-4.1", "*"),
        ("us.", "*"),
        ("", "*"),
        (None, "*"),
    ],
)
def test_a_region_is_read_off_the_address(model, region):
    assert region_of(model) == region

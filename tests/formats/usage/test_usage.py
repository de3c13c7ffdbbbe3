"""Usage objects of every provider become the same disjoint buckets.

Each object is one that its provider documents or returned; what it costs is tested beside the
prices, see tests/pricing/test_exactness.py.
"""

import pytest

from llmops_pipelines.formats import LogFormat
from llmops_pipelines.formats.usage.usage import usage_of
from llmops_pipelines.tables import TOKEN_BUCKETS
from tests.formats.worlds import damaged, read


def landed(usage):
    """Buckets that are not 0, as landing has them."""
    (found,) = rows(usage).calls.to_dicts()
    return {bucket: found[bucket] for bucket in TOKEN_BUCKETS if found[bucket] != 0}


def rows(usage):
    reading = LogFormat("usage", "", bool, unpack=lambda record: [record]).reading()
    record = {"started_at": "2026-11-10T09:15:02Z", "status": "ok", **usage_of(usage).fields}
    return read(record, reading=reading)


READ = [
    pytest.param(
        "openai_chat",
        {
            "prompt_tokens": 1100,
            "completion_tokens": 300,
            "total_tokens": 1400,
            "prompt_tokens_details": {"cached_tokens": 512, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 200, "rejected_prediction_tokens": 9},
        },
        {"uncached_input": 588, "cache_read": 512, "output_text": 100, "reasoning": 200},
        id="OpenAI chat",
    ),
    pytest.param(
        "openai_chat",
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"audio_tokens": 60, "cached_tokens": 0},
            "completion_tokens_details": {"audio_tokens": 40},
        },
        {"uncached_input": 40, "audio_input": 60, "output_text": 10, "audio_output": 40},
        id="OpenAI audio",
    ),
    pytest.param(
        "openai_chat", {"prompt_tokens": 8, "total_tokens": 8}, {"uncached_input": 8}, id="embeds"
    ),
    pytest.param(
        "openai_chat",
        {
            "prompt_tokens": 41,
            "completion_tokens": 12,
            "total_tokens": 140,
            "prompt_tokens_details": {"cached_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 87},
        },
        {"uncached_input": 38, "cache_read": 3, "output_text": 12, "reasoning": 87},
        id="xAI counts reasoning beside the completion",
    ),
    pytest.param(
        "openai_chat",
        {
            "prompt_tokens": 300,
            "completion_tokens": 20,
            "total_tokens": 320,
            "prompt_cache_hit_tokens": 256,
            "prompt_cache_miss_tokens": 44,
        },
        {"uncached_input": 44, "cache_read": 256, "output_text": 20},
        id="DeepSeek",
    ),
    pytest.param(
        "openai_chat",
        {"prompt_tokens": 19, "completion_tokens": 29, "total_tokens": 48, "cached_tokens": 4},
        {"uncached_input": 15, "cache_read": 4, "output_text": 29},
        id="Moonshot and HuggingFace",
    ),
    pytest.param(
        "openai_chat",
        {"prompt_tokens": 152, "completion_tokens": 12, "total_tokens": 164, "prompt_time": 0.1},
        {"uncached_input": 152, "output_text": 12},
        id="Groq and Mistral",
    ),
    pytest.param(
        "openai_chat",
        {
            "prompt_tokens": 550,
            "completion_tokens": 12,
            "total_tokens": 562,
            "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 50},
            "cost": 0.00183,
            "is_byok": False,
        },
        {"uncached_input": 400, "cache_read": 100, "cache_write_5m": 50, "output_text": 12},
        id="OpenRouter",
    ),
    pytest.param(
        "openai_chat",
        {
            "prompt_tokens": 33,
            "completion_tokens": 700,
            "total_tokens": 733,
            "num_search_queries": 18,
            "reasoning_tokens": 900,
        },
        {"uncached_input": 33, "output_text": 700, "reasoning": 900},
        id="Perplexity",
    ),
    pytest.param(
        "openai_responses",
        {
            "input_tokens": 1200,
            "input_tokens_details": {"cached_tokens": 1024},
            "output_tokens": 300,
            "output_tokens_details": {"reasoning_tokens": 256},
            "total_tokens": 1500,
        },
        {"uncached_input": 176, "cache_read": 1024, "output_text": 44, "reasoning": 256},
        id="OpenAI responses",
    ),
    pytest.param(
        "openai_responses",
        {
            "input_tokens": 1340,
            "output_tokens": 120,
            "total_tokens": 1460,
            "input_token_details": {"cache_read": 1000, "cache_creation": 0,
                                    "ephemeral_1h_input_tokens": 100},
            "output_token_details": {"reasoning": 80},
        },
        {"uncached_input": 240, "cache_read": 1000, "cache_write_1h": 100, "output_text": 40,
         "reasoning": 80},
        id="LangChain",
    ),
    pytest.param(
        "anthropic",
        {
            "input_tokens": 40,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
            "output_tokens": 120,
            "output_tokens_details": {"thinking_tokens": 80},
        },
        {"uncached_input": 40, "cache_read": 1000, "cache_write_5m": 200, "cache_write_1h": 100,
         "output_text": 40, "reasoning": 80},
        id="Anthropic",
    ),
    pytest.param(
        "anthropic",
        {"input_tokens": 3, "cache_creation_input_tokens": 300, "output_tokens": 5},
        {"uncached_input": 3, "cache_write_5m": 300, "output_text": 5},
        id="Anthropic before cache lifetimes",
    ),
    pytest.param(
        "gemini",
        {
            "promptTokenCount": 209,
            "toolUsePromptTokenCount": 286,
            "cachedContentTokenCount": 100,
            "candidatesTokenCount": 206,
            "thoughtsTokenCount": 131,
            "totalTokenCount": 832,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 209}],
        },
        {"uncached_input": 395, "cache_read": 100, "output_text": 206, "reasoning": 131},
        id="Gemini",
    ),
    pytest.param(
        "gemini",
        {
            "prompt_token_count": 90,
            "candidates_token_count": 30,
            "total_token_count": 120,
            "prompt_tokens_details": [
                {"modality": "MediaModality.AUDIO", "token_count": 60},
                {"modality": "TEXT", "token_count": 30},
            ],
            "candidates_tokens_details": [{"modality": "AUDIO", "token_count": 20}],
        },
        {"uncached_input": 30, "audio_input": 60, "output_text": 10, "audio_output": 20},
        id="Gemini as Python dumps it",
    ),
    pytest.param(
        "bedrock",
        {
            "inputTokens": 3,
            "outputTokens": 288,
            "totalTokens": 2865,
            "cacheReadInputTokens": 500,
            "cacheWriteInputTokens": 2074,
            "cacheDetails": [{"inputTokens": 2000, "ttl": "1h"}, {"inputTokens": 74, "ttl": "5m"}],
        },
        {"uncached_input": 3, "cache_read": 500, "cache_write_1h": 2000, "cache_write_5m": 74,
         "output_text": 288},
        id="Bedrock",
    ),
    pytest.param(
        "bedrock",
        {"inputTokenCount": 3, "outputTokenCount": 5, "cacheReadInputTokenCount": 7},
        {"uncached_input": 3, "cache_read": 7, "output_text": 5},
        id="Bedrock invocation metrics",
    ),
    pytest.param(
        "cohere",
        {"billed_units": {"input_tokens": 13.0, "output_tokens": 61.0},
         "tokens": {"input_tokens": 542.0, "output_tokens": 63.0}},
        {"uncached_input": 13, "output_text": 61},
        id="Cohere bills fewer than it counts",
    ),
    pytest.param(
        "cohere",
        {"tokens": {"input_tokens": 542, "output_tokens": 63}, "cached_tokens": 144},
        {"uncached_input": 398, "cache_read": 144, "output_text": 63},
        id="Cohere without a bill",
    ),
    pytest.param(
        "cohere", {"billed_units": {"input_tokens": 4}}, {"uncached_input": 4}, id="Cohere embeds"
    ),
    pytest.param(
        "ai_sdk",
        {
            "inputTokens": 1000, "outputTokens": 100, "totalTokens": 1100,
            "cachedInputTokens": 400, "reasoningTokens": 20,
        },
        {"uncached_input": 600, "cache_read": 400, "output_text": 80, "reasoning": 20},
        id="AI SDK 5",
    ),
    pytest.param(
        "ai_sdk",
        {"inputTokens": 30, "outputTokens": 10, "totalTokens": 40, "cachedInputTokens": 400},
        {"uncached_input": 30, "cache_read": 400, "output_text": 10},
        id="AI SDK 5, of Anthropic",
    ),
    pytest.param(
        "ai_sdk",
        {
            "inputTokens": 1010, "outputTokens": 100, "totalTokens": 1110,
            "inputTokenDetails": {
                "noCacheTokens": 600, "cacheReadTokens": 400, "cacheWriteTokens": 10
            },
            "outputTokenDetails": {"textTokens": 80, "reasoningTokens": 20},
        },
        {
            "uncached_input": 600, "cache_read": 400, "cache_write_5m": 10,
            "output_text": 80, "reasoning": 20,
        },
        id="AI SDK 6",
    ),
    pytest.param(
        "ai_sdk", {"promptTokens": 9, "completionTokens": 5, "totalTokens": 14},
        {"uncached_input": 9, "output_text": 5}, id="AI SDK 4",
    ),
    pytest.param(
        "bedrock",
        {"inputTokens": 7, "cacheReadTokens": 4, "cacheWriteTokens": 2, "outputTokens": 5},
        {"uncached_input": 7, "cache_read": 4, "cache_write_5m": 2, "output_text": 5},
        id="Cursor",
    ),
    pytest.param(
        "openai_responses",
        {"input_tokens": 9, "cache_read_tokens": 4, "cache_write_tokens": 2, "output_tokens": 5},
        {"uncached_input": 3, "cache_read": 4, "cache_write_5m": 2, "output_text": 5},
        id="Pydantic AI",
    ),
    pytest.param(
        "openai_chat",
        {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "num_cached_tokens": 8},
        {"uncached_input": 9, "output_text": 5},
        id="Mistral",
    ),
    pytest.param(
        "anthropic", {"input_tokens": 7, "output_tokens": 5},
        {"uncached_input": 7, "output_text": 5}, id="the bare minimum",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("family", "usage", "buckets"), READ)
def test_a_usage_is_read_into_disjoint_buckets(family, usage, buckets):
    assert usage_of(usage)[::2] == (family, None)
    assert landed(usage) == buckets


def gemini(**details):
    counts = {"promptTokenCount": 90, "candidatesTokenCount": 30, "totalTokenCount": 120}
    kinds = {
        name: [{"modality": kind, "tokenCount": 20} for kind in given]
        for name, given in details.items()
    }
    return counts | kinds


REFUSED = [
    (gemini(candidatesTokensDetails=["IMAGE"]), "drawn images", "output_text"),
    (
        gemini(promptTokensDetails=["VIDEO"]) | {"responseTokenCount": 30},
        "shown in a Live session",
        "uncached_input",
    ),
    (
        gemini(promptTokensDetails=["AUDIO"]) | {"cachedContentTokenCount": 20},
        "which audio was cached",
        "uncached_input",
    ),
    (
        gemini(cacheTokensDetails=["AUDIO"]) | {"cachedContentTokenCount": 20},
        "cached audio",
        "uncached_input",
    ),
    (
        {"promptTokenCount": 9, "promptTokenDetails": [{"modality": "IMAGE", "tokenCount": 9}]},
        "only text of an embedding",
        "uncached_input",
    ),
    (
        {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "prompt_tokens_details": {"audio_tokens": 3, "cached_tokens": 2},
        },
        "which audio was cached",
        "uncached_input",
    ),
    (
        {"prompt_tokens": 9, "completion_tokens": 5, "citation_tokens": 7},
        "citation_tokens",
        "output_text",
    ),
    (
        {
            "input_tokens": 13,
            "output_tokens": 1056,
            "total_tokens": 1069,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 13},
        },
        "of a drawing",
        "output_text",
    ),
    (
        {
            "input_tokens": 20,
            "cache_creation_input_tokens": 0,
            "output_tokens": 8,
            "iterations": [
                {"type": "compaction", "input_tokens": 55196, "output_tokens": 125},
                {"type": "message", "input_tokens": 20, "output_tokens": 8},
            ],
        },
        "beside what the totals count (compaction)",
        "uncached_input",
    ),
    ({"billed_units": {"search_units": 1}}, "not billed by tokens (search_units)", "output_text"),
    (
        {"prompt_tokens": 9, "completion_tokens": 5, "cacheHitTokens": 4},
        "usage.cacheHitTokens: is a count of cached tokens that is not known",
        "uncached_input",
    ),
    ({"type": "duration", "seconds": 7}, "none of the token counts", "uncached_input"),
]


@pytest.mark.parametrize(("usage", "why", "unknown"), REFUSED)
def test_tokens_without_a_bucket_leave_their_side_unknown(usage, why, unknown):
    assert why in usage_of(usage).refused
    assert landed(usage)[unknown] is None


def test_audio_that_was_not_cached_is_told_apart():
    details = {"audio_tokens": 3, "cached_tokens": 2, "cached_tokens_details": {"audio_tokens": 0}}
    usage = {"input_tokens": 9, "output_tokens": 5, "input_token_details": details}
    assert landed(usage) == {
        "uncached_input": 4,
        "cache_read": 2,
        "audio_input": 3,
        "output_text": 5,
    }


@pytest.mark.parametrize("nothing", [None, {}, [], 3, "x"])
def test_no_usage_is_unknown(nothing):
    assert usage_of(nothing).fields == {}
    assert set(landed(nothing).values()) == {None}


def test_counts_that_contradict_the_total_are_rejected():
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 70}
    (why,) = rows(usage).rejected["reason"].to_list()
    assert why.startswith("total_tokens: 70 is not the sum of 9 input and 5 output tokens")


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": "many", "completion_tokens": 5},
        {"promptTokenCount": -4, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 5},
        {"inputTokens": {"a": 1}, "outputTokens": 5},
        {"input_tokens": 4, "cache_creation_input_tokens": "x", "output_tokens": 5},
        {"input_tokens": 4, "input_tokens_details": {"cached_tokens": True}, "output_tokens": 5},
    ],
)
def test_what_is_no_count_is_rejected_by_name(usage):
    (why,) = rows(usage).rejected["reason"].to_list()
    assert "is not a whole number" in why or "is negative" in why


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.00183}, 0.00183),
        ({"cost": 0.00183, "is_byok": False}, 0.00183),
        ({"cost": 0.00183, "is_byok": True}, None),
        ({"cost": {"total_cost": 0.5}}, 0.5),
        ({"cost": "dear"}, None),
    ],
)
def test_what_the_provider_charges_is_reported_unless_another_is_billed(usage, cost):
    counts = {"prompt_tokens": 5, "completion_tokens": 5}
    assert usage_of(counts | usage).fields.get("cost_reported") == cost


def test_nonsense_anywhere_in_a_usage_is_read_or_rejected():
    wrong = [nonsense for case in READ for nonsense in damaged(case.values[1])]
    reading = LogFormat("usage", "", bool, unpack=lambda record: [record]).reading()
    given = {"started_at": "2026-11-10T09:15:02Z", "status": "ok"}
    found = read(*(given | usage_of(usage).fields for usage in wrong), reading=reading)
    assert min(found.calls.height, found.rejected.height) > 100
    assert found.calls.height + found.rejected.height == len(wrong)


@pytest.mark.parametrize(
    ("prompt", "total", "uncached"), [(1300, 1400, 300), (300, 1400, 300), (300, 400, 300)]
)
def test_a_gateway_to_anthropic_may_count_the_prompt_either_way(prompt, total, uncached):
    usage = {"prompt_tokens": prompt, "completion_tokens": 100, "total_tokens": total}
    cached = {"cache_read_input_tokens": 900, "cache_creation_input_tokens": 100}
    assert landed(usage | cached) == {
        "uncached_input": uncached,
        "cache_read": 900,
        "cache_write_5m": 100,
        "output_text": 100,
    }

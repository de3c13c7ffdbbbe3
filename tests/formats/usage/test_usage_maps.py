"""Usage objects: counts that include their parts, and counts beside them, give the same tokens."""

import pytest

from llmops_pipelines.formats.usage.usage_maps import token_fields

LANGFUSE = {"input": 300, "input_cached_tokens": 200, "output": 40, "output_reasoning_tokens": 60}
OPENAI = {
    "prompt_tokens": 500,
    "completion_tokens": 100,
    "total_tokens": 600,
    "prompt_tokens_details": {"cached_tokens": 200, "text_tokens": 500, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 60, "rejected_prediction_tokens": 5},
}
TOKENS = {"input_tokens": 500, "cache_read": 200, "output_tokens": 100, "reasoning": 60}


def counted(usage):
    """Counts that are not 0; of an input without its caches, together with them."""
    found = token_fields(usage)
    found.pop("total_tokens", None)
    if (apart := found.pop("uncached_input", None)) is not None:
        cached = ("cache_read", "cache_write_5m", "cache_write_1h")
        found["input_tokens"] = apart + sum(found.get(name, 0) for name in cached)
    return {name: count for name, count in found.items() if count != 0}


@pytest.mark.parametrize(
    "usage",
    [
        OPENAI,
        LANGFUSE,
        LANGFUSE | {"total": 600},
        {"input": 500, "input_cached_tokens": 200, "output": 100, "output_reasoning_tokens": 60,
         "total": 600},
        {"input_tokens": 500, "output_tokens": 100, "total_tokens": 600,
         "input_token_details": {"cache_read": 200}, "output_token_details": {"reasoning": 60}},
        {"input_tokens": 500, "input_tokens_details": {"cached_tokens": 200},
         "output_tokens": 100, "output_tokens_details": {"reasoning_tokens": 60}},
        {"prompt_tokens": 500, "completion_tokens": 100, "cache_read_input_tokens": 200,
         "prompt_tokens_details": {"cached_tokens": 200}, "reasoning_tokens": 60},
        {"input_tokens": 300, "cache_read_input_tokens": 200, "output_tokens": 100,
         "output_tokens_details": {"thinking_tokens": 60}},
        {"promptTokenCount": 500, "cachedContentTokenCount": 200, "candidatesTokenCount": 40,
         "thoughtsTokenCount": 60, "totalTokenCount": 600},
        '{"input": "300", "input_cached_tokens": "200", "output": "40", "output_reasoning": 60.0}',
    ],
)  # fmt: skip
def test_every_convention_gives_the_same_tokens(usage):
    assert counted(usage) == TOKENS


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (
            {"promptTokenCount": 229, "candidatesTokenCount": 17, "totalTokenCount": 246,
             "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 85},
                                     {"modality": "AUDIO", "tokenCount": 144}]},
            {"input_tokens": 229, "audio_input": 144, "output_tokens": 17},
        ),
        (
            {"billed_units": {"input_tokens": 13, "output_tokens": 61},
             "tokens": {"input_tokens": 542, "output_tokens": 63}},
            {"input_tokens": 13, "output_tokens": 61},
        ),
        (
            {"input_tokens": 100, "output_tokens": 5, "total_tokens": 105,
             "input_token_details": {"priority": 60, "priority_cache_read": 40}},
            {"input_tokens": 100, "cache_read": 40, "output_tokens": 5,
             "service_tier": "priority"},
        ),
        (  # LangChain, when it left Anthropic's caches out of the prompt
            {"input_tokens": 20, "output_tokens": 30, "total_tokens": 50,
             "input_token_details": {"cache_read": 60}},
            {"input_tokens": 80, "cache_read": 60, "output_tokens": 30},
        ),
    ],
    ids=["Gemini's audio", "Cohere bills less than it counts", "a tier", "caches apart"],
)  # fmt: skip
def test_an_object_that_a_tool_passes_on_counts_as_its_provider_means_it(usage, tokens):
    assert counted(usage) == tokens


def test_without_a_total_names_decide():
    parts = {"input": 500, "input_cached_tokens": 200, "output": 100}
    assert token_fields(parts)["input_tokens"] == 700
    assert token_fields(parts | {"total": 600})["input_tokens"] == 500


def test_a_total_that_fits_neither_convention_is_handed_on_to_be_held_against_them():
    assert token_fields({"input": 500, "input_cached_tokens": 200, "output": 1, "total": 999}) == {
        "input_tokens": 700, "cache_read": 200, "output_tokens": 1, "total_tokens": 999,
    }  # fmt: skip


def test_a_total_that_langfuse_made_of_all_it_was_given_says_nothing():
    twice = {
        "input": 500,
        "output": 100,
        "cache_read_input_tokens": 200,
        "input_cached_tokens": 200,
    }
    assert "total_tokens" not in token_fields(twice | {"total": 1000})
    assert token_fields(twice | {"total": 1001})["total_tokens"] == 1001


def test_a_total_beside_sides_that_nobody_counted_tells_none_of_them():
    assert token_fields({"promptTokens": 0, "completionTokens": 0, "totalTokens": 55}) == {}


def test_parts_larger_than_the_count_lie_beside_it():
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "cache_read_input_tokens": 900}
    assert token_fields(usage)["input_tokens"] == 910


def test_cache_writes_are_split_by_life_and_their_sum_counts_once():
    usage = {
        "input": 10,
        "output": 5,
        "cache_creation_input_tokens": 300,
        "cache_creation_ephemeral_5m_input_tokens": 100,
        "cache_creation_ephemeral_1h_input_tokens": 200,
    }
    assert token_fields(usage) == {
        "input_tokens": 310, "output_tokens": 5, "cache_write_5m": 100, "cache_write_1h": 200,
    }  # fmt: skip
    raw = {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 300,
           "cache_creation": {"ephemeral_5m_input_tokens": 100,
                              "ephemeral_1h_input_tokens": 200}}  # fmt: skip
    assert counted(raw) == counted(usage)


def test_cache_writes_without_a_life_are_short_ones():
    assert token_fields({"input": 1, "input_cache_creation": 30, "output": 2})[
        "cache_write_5m"
    ] == 30  # fmt: skip


def test_audio_lies_on_its_side():
    found = token_fields({"input": 7, "input_audio_tokens": 3, "output": 2, "output_audio": 4})
    assert found == {"input_tokens": 10, "audio_input": 3, "output_tokens": 6, "audio_output": 4}


def test_parts_of_the_priority_tier_lie_inside_and_name_the_tier():
    usage = {"input": 100, "input_priority": 60, "input_priority_cache_read": 40, "output": 5}
    assert token_fields(usage) == {
        "service_tier": "priority", "input_tokens": 100, "cache_read": 40, "output_tokens": 5,
    }  # fmt: skip


def test_other_parts_beside_the_count_are_billed_with_it():
    assert token_fields({"input_text": 90, "input_image": 10, "output": 5}) == {
        "input_tokens": 100, "output_tokens": 5,
    }  # fmt: skip


def test_zeros_all_over_are_no_usage():
    assert token_fields({"input": 0, "output": 0, "total": 0}) == {}
    assert token_fields({}) == {}


def test_an_embedding_has_no_output_and_its_total_says_so():
    assert token_fields({"input": 10, "total": 10}) == {"input_tokens": 10, "total_tokens": 10}


@pytest.mark.parametrize("wrong", ["many", -5, 12.5])
def test_a_count_that_is_no_count_is_handed_on(wrong):
    assert token_fields({"input": wrong, "output": 3}) == {"input_tokens": wrong}


@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, [1], True])
def test_odd_shapes_count_nothing(odd):
    assert token_fields(odd) == {}
    assert token_fields({"input": odd if odd not in (3, "x") else None}) == {}


def test_other_numbers_of_the_map_are_no_tokens():
    assert token_fields({"input": 5, "output": 1, "requests": 1, "input_cost": 9, "unit": 4}) == {
        "input_tokens": 5, "output_tokens": 1,
    }  # fmt: skip


def test_entries_of_a_parquet_map_are_a_map():
    assert token_fields([["input", 5], ["output", 1]]) == {"input_tokens": 5, "output_tokens": 1}


def test_a_sum_of_cache_writes_below_its_parts_takes_nothing_from_them():
    usage = {"input": 10, "cache_creation_input_tokens": 50, "cache_creation_ephemeral_1h": 200}
    assert token_fields(usage | {"output": 5}) == {
        "input_tokens": 210, "output_tokens": 5, "cache_write_1h": 200,
    }  # fmt: skip


def test_the_hour_of_a_cache_in_the_spelling_of_langsmiths_wrapper():
    parts = {"ephemeral_5m_input_tokens": 30, "ephemeral_1hr_input_tokens": 10, "cache_read": 60}
    found = token_fields(
        {
            "input_tokens": 120,
            "output_tokens": 30,
            "total_tokens": 150,
            "input_token_details": parts,
        }
    )
    assert (found["cache_write_5m"], found["cache_write_1h"], found["cache_read"]) == (30, 10, 60)
    flat = token_fields({"input": 20, "output": 30, "ephemeral_1hr_input_tokens": 10})
    assert flat["cache_write_1h"] == 10

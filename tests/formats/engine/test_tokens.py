"""Token counts become disjoint buckets that add up to the source's own total."""

import pytest

from llmops_pipelines.formats import FORMATS, Place
from llmops_pipelines.tables import TOKEN_BUCKETS
from tests.formats.worlds import call, one, reason, response, usage


def buckets(**counts):
    """The buckets that are not 0 of a call with this usage."""
    found = one(call(response=response(usage=usage(**counts))))
    return {name: found[name] for name in TOKEN_BUCKETS if found[name] != 0}


def test_openai_counts_are_inclusive():
    counts = {
        "prompt_tokens_details": {"cached_tokens": 128, "audio_tokens": 12},
        "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 6},
        "total_tokens": 608,
    }
    assert buckets(**counts) == {
        "uncached_input": 372,
        "cache_read": 128,
        "audio_input": 12,
        "output_text": 50,
        "reasoning": 40,
        "audio_output": 6,
    }


def test_the_buckets_add_up_to_the_total():
    found = buckets(prompt=900, completion=80, prompt_tokens_details={"cached_tokens": 512})
    assert sum(found.values()) == 980


def test_rejected_predictions_stay_in_the_output_they_are_billed_as():
    counts = {
        "completion_tokens_details": {"rejected_prediction_tokens": 30, "reasoning_tokens": 0}
    }
    assert buckets(**counts) == {"uncached_input": 512, "output_text": 96}


def test_cache_writes_are_part_of_the_prompt():
    found = buckets(prompt_tokens_details={"cache_write_tokens": 100})
    assert found == {"uncached_input": 412, "cache_write_5m": 100, "output_text": 96}


def test_a_wrong_total_names_all_numbers():
    assert reason(call(response=response(usage=usage(total_tokens=600)))) == (
        "response.usage.total_tokens: 600 is not the sum of 512 input and 96 output tokens;"
        " check which counts include which"
    )


def test_more_cached_than_prompt_tokens_is_rejected():
    record = call(response=response(usage=usage(prompt_tokens_details={"cached_tokens": 600})))
    assert reason(record) == (
        "response.usage.prompt_tokens_details.cached_tokens: 600 cached and audio tokens exceed the"
        " 512 of response.usage.prompt_tokens, which must include them"
    )


def test_more_reasoning_than_completion_tokens_is_rejected():
    record = call(
        response=response(usage=usage(completion_tokens_details={"reasoning_tokens": 97}))
    )
    assert "97 reasoning and audio tokens exceed the 96 of" in reason(record)


def test_a_missing_side_follows_from_the_total():
    assert buckets(completion=None, total_tokens=512) == {"uncached_input": 512}
    assert buckets(prompt=None, total_tokens=100) == {"uncached_input": 4, "output_text": 96}


def test_a_side_that_cannot_be_known_is_null():
    found = buckets(completion=None)
    assert found == {
        "uncached_input": 512, "output_text": None, "reasoning": None, "audio_output": None,
    }  # fmt: skip


def test_a_failure_that_claims_zero_tokens_has_recorded_no_usage():
    error = {"type": "timeout"}
    found = one(call(error=error, response=response(usage=usage(0, 0))))
    assert {found[name] for name in TOKEN_BUCKETS} == {None}


def test_a_success_with_zero_output_keeps_its_zero():
    assert one(call(response=response(usage=usage(10, 0))))["output_text"] == 0


DISJOINT = FORMATS["mapped"].reading(
    {
        "started_at": Place((("at",),)),
        "input_tokens": Place((("in",),)),
        "uncached_input": Place((("fresh",),)),
        "cache_read": Place((("cached",),)),
        "output_tokens": Place((("out",),)),
    }
)


def test_a_source_that_counts_apart_gives_uncached_input():
    record = {"at": "2026-11-10T09:00:00Z", "fresh": 100, "cached": 400, "out": 7}
    found = one(record, DISJOINT)
    assert (found["uncached_input"], found["cache_read"], found["output_text"]) == (100, 400, 7)


@pytest.mark.parametrize(("inclusive", "fits"), [(500, True), (400, False)])
def test_both_ways_of_counting_must_agree(inclusive, fits):
    record = {
        "at": "2026-11-10T09:00:00Z", "in": inclusive, "fresh": 100, "cached": 400, "out": 7,
    }  # fmt: skip
    if fits:
        assert one(record, DISJOINT)["uncached_input"] == 100
    else:
        assert "in: 400 is not the 100 uncached and 400 other" in reason(record, DISJOINT)


def test_reasoning_beside_the_completion_is_told_by_the_total():
    counts = {"completion_tokens_details": {"reasoning_tokens": 87}, "total_tokens": 140}
    found = buckets(prompt=41, completion=12, **counts)
    assert found == {"uncached_input": 41, "output_text": 12, "reasoning": 87}


@pytest.mark.parametrize("name", ["prompt_cache_hit_tokens", "cached_tokens"])
def test_cached_tokens_have_other_names_beside_the_prompt(name):
    assert buckets(prompt=300, completion=20, **{name: 256}) == {
        "uncached_input": 44,
        "cache_read": 256,
        "output_text": 20,
    }

"""What OpenInference's attributes leave out and ``output.value`` holds; shapes as recorded of
openinference-instrumentation-langchain 0.1.80, -mistralai and -google-genai."""

import json

from tests.formats.spans import batch, call_of, span

COUNTED = {
    "openinference.span.kind": "LLM",
    "llm.token_count.prompt": 100,
    "llm.token_count.completion": 50,
}


def llm(output, **more):
    told = COUNTED | {"output.value": json.dumps(output)} | more
    return call_of("openinference", batch(span(told)))


def langchain(usage, reported, **more):
    message = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "AIMessage"],
        "kwargs": {
            "content": "Bern.",
            "response_metadata": reported,
            "type": "ai",
            "id": "lc_run--01a2202b-9979-774e-9f1a-9318c6e0ab8c-0",
            "usage_metadata": usage,
        },
    }
    generation = {"text": "Bern.", "generation_info": None, "message": message}
    return llm({"generations": [[generation]], "llm_output": None, "type": "LLMResult"}, **more)


CLAUDE = {
    "id": "msg_1",
    "model": "claude-sonnet-4-5-20250929",
    "stop_reason": "end_turn",
}
USAGE = {
    "input_tokens": 100, "output_tokens": 50, "total_tokens": 150,
    "input_token_details": {
        "cache_read": 60, "cache_creation": 0, "ephemeral_5m_input_tokens": 7,
        "ephemeral_1h_input_tokens": 3,
    },
    "output_token_details": {"reasoning": 20},
}  # fmt: skip


def test_a_result_of_langchain_names_response_and_model_and_breaks_its_tokens_down():
    found = langchain(USAGE, CLAUDE, **{"llm.model_name": "claude-sonnet-4-5"})
    expected = {
        "response_id": "msg_1",
        "model": "claude-sonnet-4-5-20250929",
        "finish_reason": "end_turn",
        "uncached_input": 30,
        "cache_read": 60,
        "cache_write_5m": 7,
        "cache_write_1h": 3,
        "output_text": 30,
        "reasoning": 20,
    }
    assert {name: found[name] for name in expected} == expected


def test_an_id_that_langchain_made_up_is_none_of_the_provider():
    assert langchain(USAGE, {"model_name": "m-1"})["response_id"] is None


def test_counts_of_the_output_that_come_to_something_else_are_left_alone():
    found = langchain(USAGE | {"input_tokens": 90, "total_tokens": 140}, CLAUDE)
    assert (found["uncached_input"], found["output_text"], found["reasoning"]) == (100, 50, 0)


def test_a_response_tells_which_tokens_were_cached():
    usage = {
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 40},
    }  # fmt: skip
    found = llm({"id": "r-1", "model": "mistral-small-2506", "choices": [], "usage": usage})
    assert (found["response_id"], found["uncached_input"], found["cache_read"]) == ("r-1", 60, 40)


def test_gemini_names_its_response_otherwise():
    counts = {"prompt_token_count": 100, "candidates_token_count": 30, "thoughts_token_count": 20}
    found = llm({"response_id": "g-1", "candidates": [], "usage_metadata": counts})
    assert (found["response_id"], found["output_text"], found["reasoning"]) == ("g-1", 30, 20)


def test_an_output_that_is_no_object_changes_nothing():
    for output in ("Bern.", [{"content": "Bern."}], None, 7, {"usage": "many"}, {"generations": 1}):
        found = llm(output)
        assert (found["uncached_input"], found["output_text"]) == (100, 50)

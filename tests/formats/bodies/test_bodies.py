"""Request and response bodies of every provider that gateways pass on."""

import pytest

from llmops_pipelines.formats.bodies.bodies import error_of, request_of, response_of
from llmops_pipelines.formats.bodies.outcomes import outcome_of, usage_in
from llmops_pipelines.formats.usage.usage import tokens_of
from llmops_pipelines.formats.usage.usage_maps import token_fields


def test_a_chat_request_tells_model_messages_and_answer_format():
    schema = {"type": "object"}
    found = request_of(
        {
            "model": "gpt-4.1-mini",
            "stream": True,
            "user": "u-42",
            "messages": [{"role": "user", "content": "Where is my order?"}],
            "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
        }
    )
    assert found == {
        "model_requested": "gpt-4.1-mini",
        "messages": [{"role": "user", "content": "Where is my order?"}],
        "is_stream": True,
        "format_requested": "json_schema",
        "response_schema": {"type": "object"},
        "user_id": "u-42",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]},
        {
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        },
        {"instructions": "Be brief.", "input": "Hi"},
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        },
    ],
    ids=["anthropic", "anthropic parts", "responses", "gemini"],
)
def test_the_system_text_comes_first_whoever_the_provider_is(body):
    assert request_of(body)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


def test_a_chat_completion_tells_answer_tools_and_usage():
    call = {"function": {"name": "track", "arguments": '{"order":7}'}}
    found = response_of(
        {
            "id": "chatcmpl-1",
            "model": "gpt-4.1-mini-2025-04-14",
            "service_tier": "flex",
            "choices": [
                {
                    "finish_reason": "tool_calls",
                    "message": {"content": "Wait.", "tool_calls": [call]},
                }
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
        }
    )
    assert found == {
        "response_id": "chatcmpl-1",
        "model": "gpt-4.1-mini-2025-04-14",
        "answer": "Wait.",
        "tool_calls": [{"name": "track", "arguments": '{"order":7}'}],
        "finish_reason": "tool_calls",
        "service_tier": "flex",
        "input_tokens": 10,
        "output_tokens": 4,
        "total_tokens": 14,
    }


def test_an_anthropic_message_tells_its_text_and_its_tools():
    found = response_of(
        {
            "id": "msg_1",
            "model": "claude-sonnet-4-5-20250929",
            "content": [
                {"type": "thinking", "thinking": "Hm."},
                {"type": "text", "text": "On its way."},
                {"type": "tool_use", "name": "track", "input": {"order": 7}},
            ],
            "stop_reason": "tool_use",
        }
    )
    assert (found["answer"], found["finish_reason"]) == ("On its way.", "tool_use")
    assert found["tool_calls"] == [{"name": "track", "arguments": '{"order":7}'}]


def test_a_text_that_citations_cut_in_pieces_is_one_text():
    found = response_of(
        {
            "content": [
                {"type": "text", "text": "It arrives "},
                {"type": "text", "text": "on Monday", "citations": [{"cited_text": "Monday"}]},
                {"type": "text", "text": "."},
            ]
        }
    )
    assert found == {"answer": "It arrives on Monday."}


def test_a_response_of_openai_tells_its_output():
    found = response_of(
        {
            "id": "resp_1",
            "output": [
                {"type": "reasoning", "summary": [], "content": [{"text": "Hm."}]},
                {"type": "message", "content": [{"type": "output_text", "text": "On its way."}]},
                {"type": "function_call", "name": "track", "arguments": "{}"},
            ],
            "incomplete_details": {"reason": "max_output_tokens"},
        }
    )
    assert found == {
        "response_id": "resp_1",
        "answer": "On its way.",
        "tool_calls": [{"name": "track", "arguments": "{}"}],
        "finish_reason": "max_output_tokens",
    }


def test_a_gemini_answer_leaves_its_thoughts_out():
    found = response_of(
        {
            "responseId": "g-1",
            "modelVersion": "gemini-2.5-flash",
            "candidates": [
                {
                    "finishReason": "STOP",
                    "content": {
                        "parts": [
                            {"text": "Hm.", "thought": True},
                            {"text": "On its way."},
                            {"functionCall": {"name": "track", "args": {"order": 7}}},
                        ]
                    },
                }
            ],
        }
    )
    assert found == {
        "response_id": "g-1",
        "model": "gemini-2.5-flash",
        "answer": "On its way.",
        "tool_calls": [{"name": "track", "arguments": '{"order":7}'}],
        "finish_reason": "STOP",
    }


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            {"error": {"type": "rate_limit_exceeded", "code": "429", "message": "Slow down."}},
            {
                "error_class": "rate_limit_exceeded",
                "error_code": "429",
                "error_message": "Slow down.",
            },
        ),
        (
            {"error": {"status": "RESOURCE_EXHAUSTED", "code": 429}},
            {"error_class": "RESOURCE_EXHAUSTED", "error_code": "429"},
        ),
        ({"error": "no route"}, {"error_message": "no route"}),
        ({}, {}),
        (None, {}),
    ],
)
def test_the_error_of_a_body(body, error):
    assert error_of(body) == error


def test_openai_counts_cached_tokens_in_the_prompt():
    assert tokens_of(
        {
            "prompt_tokens": 2048,
            "completion_tokens": 96,
            "total_tokens": 2144,
            "prompt_tokens_details": {
                "cached_tokens": 1024,
                "audio_tokens": 8,
                "cached_tokens_details": {"audio_tokens": 0},
            },
            "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 2},
        }
    ) == {
        "input_tokens": 2048,
        "cache_read": 1024,
        "audio_input": 8,
        "output_tokens": 96,
        "reasoning": 64,
        "audio_output": 2,
        "total_tokens": 2144,
    }


def test_anthropic_counts_cached_tokens_apart():
    assert tokens_of(
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 300,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 200,
                "ephemeral_1h_input_tokens": 100,
            },
        }
    ) == {
        "uncached_input": 100,
        "cache_read": 600,
        "cache_write_5m": 200,
        "cache_write_1h": 100,
        "output_tokens": 50,
    }


def test_a_sum_that_leaves_the_cache_out_is_no_total():
    found = tokens_of(
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "total_tokens": 150,
            "cache_read_input_tokens": 600,
        }
    )
    assert found == {"uncached_input": 100, "cache_read": 600, "output_tokens": 50}


@pytest.mark.parametrize(
    ("prompt", "total", "side"),
    [(1000, 1050, "input_tokens"), (100, 1050, "uncached_input"), (100, None, "uncached_input")],
)
def test_a_prompt_beside_anthropics_cache_counts_is_told_by_its_total(prompt, total, side):
    found = tokens_of(
        {
            "prompt_tokens": prompt,
            "completion_tokens": 50,
            "total_tokens": total,
            "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 300,
        }
    )
    assert found[side] == prompt
    assert {"input_tokens", "uncached_input"} & set(found) == {side}
    assert (found["cache_read"], found["cache_write_5m"]) == (600, 300)


def test_gemini_counts_thoughts_beside_the_answer():
    assert tokens_of(
        {
            "promptTokenCount": 100,
            "toolUsePromptTokenCount": 5,
            "cachedContentTokenCount": 40,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 30,
            "totalTokenCount": 155,
        }
    ) == {
        "input_tokens": 105,
        "cache_read": 40,
        "output_tokens": 50,
        "reasoning": 30,
        "total_tokens": 155,
    }


@pytest.mark.parametrize("nothing", [None, 3, "x", [], {}, "{}"])
def test_what_is_no_body_tells_nothing(nothing):
    assert (request_of(nothing), response_of(nothing), tokens_of(nothing)) == ({}, {}, {})


OLLAMA = {
    "model": "llama3.2", "created_at": "2026-11-10T09:15:04Z", "done": True, "done_reason": "stop",
    "message": {"role": "assistant", "content": "On Monday."},
    "prompt_eval_count": 26, "eval_count": 298, "eval_duration": 4_709_213_000,
}  # fmt: skip


def test_an_answer_of_ollama_tells_its_text_and_both_counts():
    assert response_of(OLLAMA) == {
        "model": "llama3.2", "finish_reason": "stop", "answer": "On Monday.",
        "input_tokens": 26, "output_tokens": 298,
    }  # fmt: skip
    plain = {name: OLLAMA[name] for name in OLLAMA if name != "message"} | {"response": "Hi."}
    assert response_of(plain)["answer"] == "Hi."


def test_a_prompt_that_ollama_remembered_is_not_counted_as_none():
    told = {name: OLLAMA[name] for name in OLLAMA if name != "prompt_eval_count"}
    assert "input_tokens" not in response_of(told)


def test_what_hosted_tools_keep_of_ollama_is_read_the_same():
    assert outcome_of(OLLAMA) == {
        "model": "llama3.2", "finish_reason": "stop", "answer": "On Monday.",
    }  # fmt: skip
    assert token_fields(usage_in(OLLAMA)) == {"input_tokens": 26, "output_tokens": 298}
    message = {"content": "On Monday.", "response_metadata": OLLAMA}
    assert token_fields(usage_in(message)) == {"input_tokens": 26, "output_tokens": 298}


def test_a_prompt_that_gemini_refused_was_counted_for_a_model():
    refused = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r-1",
    }
    found = response_of(refused)
    assert (found["model"], found["response_id"]) == ("gemini-2.5-flash", "r-1")
    assert found["input_tokens"] == 9


def test_caches_of_a_stream_that_langchain_counted_twice_are_those_that_anthropic_told():
    usage = {
        "input_tokens": 20, "output_tokens": 30, "total_tokens": 50,
        "input_token_details": {"cache_read": 120, "cache_creation": 80},
    }  # fmt: skip
    told = {"cache_read_input_tokens": 60, "cache_creation_input_tokens": 40}
    said = {"content": "Hi.", "usage_metadata": usage, "response_metadata": {"usage": told}}
    found = token_fields(usage_in({"messages": [{"kwargs": said}]}))
    assert (found["uncached_input"], found["cache_read"], found["cache_write_5m"]) == (20, 60, 40)

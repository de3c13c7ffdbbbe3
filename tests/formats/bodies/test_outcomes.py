"""Responses of every provider, and exceptions in every spelling, say the same things."""

import json

import pytest

from llmops_pipelines.formats.bodies.outcomes import exception_of, is_response, outcome_of, usage_in

CALLS = [{"name": "find", "arguments": '{"q":"x"}'}]


@pytest.mark.parametrize(
    "output",
    [
        "Hi.",
        '"Hi."',
        {"role": "assistant", "content": "Hi."},
        [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."}],
        {"choices": [{"message": {"content": "Hi."}}]},
        {"choices": [{"text": "Hi."}]},
        {"type": "message", "role": "assistant",
         "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi."}]},
        [{"type": "text", "text": "Hi."}],
        [{"role": "assistant", "content": "Hi."}, {"role": "assistant", "content": "Hello!"}],
        {"messages": [{"role": "assistant", "content": "Let me see."},
                      {"role": "assistant", "content": "Hi."}]},
        {"output": [{"type": "reasoning", "summary": []},
                    {"type": "message", "content": [{"type": "output_text", "text": "Hi."}]}]},
        {"candidates": [{"content": {"parts": [{"text": "Hi."}], "role": "model"}}]},
        {"generations": [[{"text": "Hi."}]]},
        {"generations": [[{"text": "", "message": {"kwargs": {"content": "Hi."}}}]]},
        {"messages": [{"role": "assistant", "content": "Hi."}]},
        {"output": "Hi."},
        {"answer": "Hi."},
        {"output": {"content": "Hi."}},
        {"choices": [{"message": {"content": None, "refusal": "Hi."}}]},
    ],
)  # fmt: skip
def test_the_answer_is_found_in_every_shape(output):
    assert outcome_of(output)["answer"] == "Hi."
    text = output if isinstance(output, str) else json.dumps(output)
    assert outcome_of(text)["answer"] == "Hi."


@pytest.mark.parametrize(
    "output",
    [
        {"choices": [{"message": {"tool_calls": [
            {"id": "call_1", "function": {"name": "find", "arguments": '{"q":"x"}'}}]}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "name": "find",
                                           "input": {"q": "x"}}]},
        {"role": "assistant", "content": [{"toolUse": {"name": "find", "input": {"q": "x"}}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "find", "args": {"q": "x"}}}]},
        {"output": [{"type": "function_call", "name": "find", "arguments": '{"q":"x"}'}]},
        {"kwargs": {"content": [{"type": "tool_use", "name": "find", "input": {"q": "x"}}],
                    "tool_calls": [{"name": "find", "args": {"q": "x"}}]}},
    ],
)  # fmt: skip
def test_tool_calls_are_listed_once_and_are_no_answer(output):
    found = outcome_of(output)
    assert (found["tool_calls"], found.get("answer")) == (CALLS, None)


def test_a_response_names_its_id_its_model_and_why_it_stopped():
    anthropic = {"type": "message", "id": "msg_1", "model": "claude-sonnet-4-5",
                 "role": "assistant", "content": [], "stop_reason": "refusal"}  # fmt: skip
    assert outcome_of(anthropic) == {
        "response_id": "msg_1", "model": "claude-sonnet-4-5", "finish_reason": "refusal",
    }  # fmt: skip
    openai = {"id": "resp_1", "model": "gpt-5", "service_tier": "flex", "status": "incomplete",
              "incomplete_details": {"reason": "max_output_tokens"},
              "output": [{"type": "message", "content": []}]}  # fmt: skip
    assert outcome_of(openai) == {
        "response_id": "resp_1", "model": "gpt-5", "service_tier": "flex",
        "finish_reason": "max_output_tokens",
    }  # fmt: skip


def test_a_message_alone_has_no_id_of_a_response():
    assert outcome_of({"role": "assistant", "id": "m-7", "content": "Hi."}) == {"answer": "Hi."}


def test_an_object_in_no_known_shape_is_the_answer():
    assert outcome_of({"city": "Bern"}) == {"answer": '{"city":"Bern"}'}


@pytest.mark.parametrize("nothing", [None, "", [], {}, {"output": None}, [[]]])
def test_no_output_says_nothing(nothing):
    assert outcome_of(nothing) == {}


@pytest.mark.parametrize(
    "output",
    [
        {"usage": {"input": 7}},
        {"usage_metadata": {"input": 7}},
        {"llm_output": {"token_usage": {"input": 7}}},
        {
            "generations": [
                [{"message": {"kwargs": {"content": "", "usage_metadata": {"input": 7}}}}]
            ]
        },
        {"generations": [[{"generation_info": {"usage_metadata": {"input": 7}}}]]},
        {"messages": [{"content": "Hi.", "type": "ai", "usage_metadata": {"input": 7}}]},
        {"kwargs": {"content": "", "response_metadata": {"token_usage": {"input": 7}}}},
    ],
)
def test_usage_is_found_where_providers_and_langchain_put_it(output):
    assert usage_in(output) == {"input": 7}


def test_a_response_has_a_model_usage_and_something_said():
    assert is_response({"model": "m", "usage": {}, "choices": []})
    assert not is_response({"model": "m", "usage": {}})
    assert not is_response({"model": "m", "content": "Hi."})
    assert not is_response("Hi.")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Slow down.", {"error_message": "Slow down."}),
        ("openai.RateLimitError: Error code: 429 - x",
         {"error_class": "RateLimitError", "error_status": "429",
          "error_message": "openai.RateLimitError: Error code: 429 - x"}),
        ("ValueError('no')\n\nTraceback (most recent call last):\n\n  File \"a.py\", line 1\n"
         "    secret()\n\nhttpx.ReadTimeout: slow\n\nDuring task with name 'x'",
         {"error_class": "ReadTimeout", "error_message": "httpx.ReadTimeout: slow"}),
        ("TimeoutError()", {"error_class": "TimeoutError", "error_message": "TimeoutError()"}),
        ('{"type": "RateLimitError", "message": "Error code: 429", "traceback": "secret"}',
         {"error_class": "RateLimitError", "error_status": "429",
          "error_message": "Error code: 429"}),
        ({"error": {"type": "overloaded_error", "message": "Busy", "code": 529}, "status": 529},
         {"error_class": "overloaded_error", "error_code": "529", "error_status": "529",
          "error_message": "Busy"}),
    ],
)  # fmt: skip
def test_an_exception_gives_class_status_and_its_last_line(said, expected):
    assert exception_of(said) == expected


@pytest.mark.parametrize("nothing", [None, "", " \n ", {}, []])
def test_no_error_says_nothing(nothing):
    assert exception_of(nothing) == {}


def test_a_message_of_an_error_is_cut():
    assert len(exception_of("x" * 9_000)["error_message"]) == 500


ITEMS = [
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "track", "arguments": "{}"},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "On its way."}],
    },
]


def test_items_of_a_response_are_its_answer_and_its_tools_without_an_id():
    called = [{"name": "track", "arguments": "{}"}]
    assert outcome_of(ITEMS) == {"answer": "On its way.", "tool_calls": called}
    assert outcome_of(json.dumps(ITEMS[:2])) == {"tool_calls": called}
    sent = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "?"}]}]
    assert "tool_calls" not in outcome_of([*ITEMS[1:], *sent])


def test_a_lone_item_of_a_response_is_read_as_its_output():
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    spoken = item | {"content": [{"type": "output_text", "text": "On its way."}]}
    refused = item | {"content": [{"type": "refusal", "refusal": "I cannot."}]}
    assert outcome_of(spoken) == {"answer": "On its way."}
    assert outcome_of(json.dumps(refused)) == {"answer": "I cannot."}
    called = [{"name": "track", "arguments": "{}"}]
    assert outcome_of(ITEMS[1]) == {"tool_calls": called}


def test_a_stream_that_nobody_read_has_no_answer():
    assert outcome_of("<anthropic.Stream object at 0x7fcc575933d0>") == {}
    assert outcome_of("<b>Hello</b>") == {"answer": "<b>Hello</b>"}


def test_an_error_of_javascript_begins_its_own_details_with_the_status():
    said = 'Error: 500 The server had an error.\n\nError details:\n{\n  "code": null\n}'
    found = exception_of(said)
    assert (found["error_status"], found["error_class"]) == ("500", "Error")
    assert found["error_message"] == "Error: 500 The server had an error."

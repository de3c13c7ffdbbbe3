"""Messages in the shapes that hosted tools keep, as role and content."""

import json

import pytest

from llmops_pipelines.formats.bodies.messages import messages_of, text_of, tool_calls_of

BOTH = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
HUMAN = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"],
         "kwargs": {"content": "Hello"}}  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        BOTH,
        {"messages": BOTH},
        [BOTH],
        {"messages": [["system", "Be kind."], ["human", "Hello"]]},
        {"system": "Be kind.", "messages": [{"role": "user", "content": "Hello"}]},
        {"system": [{"type": "text", "text": "Be kind."}], "messages": "Hello"},
        {"instructions": "Be kind.", "input": "Hello"},
        {"instructions": "Be kind.", "contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
        [[{"type": "system", "data": {"content": "Be kind."}}, HUMAN]],
    ],
)
def test_every_shape_gives_the_same_messages(value):
    assert messages_of(value) == BOTH
    assert messages_of(json.dumps(value)) == BOTH


@pytest.mark.parametrize("value", ["Hello", ["Hello"], {"prompts": ["Hello"]}, {"prompt": "Hello"}])
def test_a_prompt_of_plain_text_is_the_user_s(value):
    assert messages_of(value) == [{"role": "user", "content": "Hello"}]


def test_two_words_that_are_no_role_and_text_stay_prompts():
    assert messages_of([["Hello", "world"]]) == [
        {"role": "user", "content": "Hello"},
        {"role": "user", "content": "world"},
    ]


@pytest.mark.parametrize("value", [None, 3, "", [], {}, [None], {"question": "Hello"}])
def test_what_holds_no_messages_gives_none(value):
    assert messages_of(value) == []


def test_what_a_tool_responded_is_the_text_of_its_message():
    said = {"type": "tool_call_response", "id": "call_1", "response": {"text": "rainy, 57F"}}
    assert messages_of([{"role": "tool", "parts": [said]}]) == [
        {"role": "tool", "content": "rainy, 57F"}
    ]


def test_a_part_that_says_nothing_beside_a_tool_leaves_no_mark():
    parts = [{"type": "text", "text": ""}, {"type": "tool_use", "name": "weather"}]
    assert text_of(parts) == "[tool_call weather]"
    assert text_of([{"type": "text", "content": ""}]) == ""
    assert text_of([{"type": "image"}]) == "[image]"


def test_tools_in_messages_of_bedrock_and_gemini_are_told_by_name():
    called = [{"toolUse": {"name": "weather", "input": {"city": "Bern"}}}]
    assert text_of(called) == "[tool_call weather]"
    assert tool_calls_of({"content": called}) == [
        {"name": "weather", "arguments": '{"city":"Bern"}'},
    ]
    result = [{"toolResult": {"toolUseId": "t", "content": [{"text": "Sunny."}]}}]
    assert text_of(result) == "Sunny."
    assert text_of([{"functionCall": {"name": "weather", "args": {}}}]) == "[tool_call weather]"
    assert text_of([{"functionResponse": {"name": "w", "response": "Sunny."}}]) == "Sunny."

"""Format cohere: answers as the SDK's ``json()`` writes them, v2, and as documented for v1."""

import pytest

from llmops_pipelines.formats import sniff_records
from llmops_pipelines.formats.bodies.bodies import response_of
from tests.formats.spans import call_of
from tests.formats.worlds import call, read_as

ANSWER = {
    "id": "co-1",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Bern."}]},
    "usage": {
        "billed_units": {"input_tokens": 120.0, "output_tokens": 30.0},
        "tokens": {"input_tokens": 180.0, "output_tokens": 32.0},
    },
}
TOOL = {
    "id": "t",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Bern"}'},
}
CALLED = {"name": "weather", "arguments": '{"city":"Bern"}'}
PLANNED = {"role": "assistant", "tool_plan": "I look it up.", "tool_calls": [TOOL]}
OLD = {
    "text": "Bern.", "generation_id": "co-1", "finish_reason": "COMPLETE",
    "meta": {"billed_units": {"input_tokens": 120, "output_tokens": 30}},
}  # fmt: skip
EMBEDDED = {
    "id": "co-1",
    "embeddings": {"float": [[0.1]]},
    "texts": ["Bern"],
    "meta": {"billed_units": {"input_tokens": 120}},
}


def asked(response, **changes):
    request = {"model": "command-r-08-2024", "messages": [{"role": "user", "content": "Where?"}]}
    return call_of("cohere", call(request=request, response=response, **changes))


@pytest.mark.parametrize("answer", [ANSWER, OLD])
def test_an_answer_is_read_whole_and_costs_what_was_billed(answer):
    found = asked(answer)
    expected = {
        "response_id": "co-1",
        "provider": "cohere",
        "model_requested": "command-r-08-2024",
        "status": "ok",
        "finish_reason": "COMPLETE",
        "uncached_input": 120,
        "output_text": 30,
        "answer": "Bern.",
    }
    assert {name: found[name] for name in expected} == expected
    assert sniff_records([call(response=answer)]) == "cohere"


def test_tools_are_called_and_their_plan_is_no_answer():
    found = asked(ANSWER | {"message": PLANNED, "finish_reason": "TOOL_CALL"})
    assert found["answer"] is None
    assert found["tool_calls"] == [CALLED]
    old = asked(
        OLD | {"text": "", "tool_calls": [{"name": "weather", "parameters": {"city": "Bern"}}]}
    )
    assert old["tool_calls"] == [CALLED]


def test_an_embedding_has_no_output():
    found = asked(EMBEDDED)
    assert (found["uncached_input"], found["output_text"], found["answer"]) == (120, 0, None)


def test_a_bare_answer_has_the_date_of_its_file():
    assert sniff_records([ANSWER]) == "cohere"
    (found,) = read_as("cohere", ANSWER, date="2026-11-09T00:00:00").calls.to_dicts()
    assert (str(found["started_at"].date()), found["answer"]) == ("2026-11-09", "Bern.")


def test_failures_and_odd_shapes_are_no_calls_that_went_well():
    failed = asked({"id": "co-1", "message": "too many tokens: the limit is 128000"})
    assert (failed["status"], failed["error_class"]) == ("error", "context_length")
    assert asked(None, error={"type": "timeout"})["error_class"] == "timeout"
    for odd in ({"message": 7, "usage": {"tokens": {}}}, {"text": 7, "meta": {"tokens": {}}}):
        assert asked(odd)["answer"] is None


def test_gateways_that_pass_it_on_know_its_answer():
    assert response_of(ANSWER)["answer"] == "Bern."
    assert response_of(EMBEDDED)["input_tokens"] == 120

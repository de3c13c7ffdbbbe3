"""Format openai: the envelope and bare completions become canonical calls."""

import json
from decimal import Decimal

import pytest

from llmops_pipelines.formats import FORMATS, Place
from tests.formats.worlds import call, one, read, response, usage, utc


def test_an_envelope_becomes_a_call():
    found = one(
        call(
            trace_id="t-1",
            parent_id="st-1",
            team="customer-care",
            environment="production",
            user_id="u-42",
            session_id="s-7",
            attempt=2,
            latency_ms=812.4,
            ttft_ms=240.1,
            provider="OpenAI",
            is_batch=True,
            prompt_name="support_answer",
            prompt_version="3",
        )
    )
    expected = {
        "call_id": "c-1",
        "trace_id": "t-1",
        "parent_id": "st-1",
        "started_at": utc("2026-11-10T09:15:02.123000"),
        "feature": "support_assistant",
        "team": "customer-care",
        "environment": "production",
        "user_id": "u-42",
        "session_id": "s-7",
        "attempt": 2,
        "latency_ms": 812.4,
        "ttft_ms": 240.1,
        "provider": "openai",
        "is_batch": True,
        "prompt_name": "support_answer",
        "prompt_version": "3",
        "model": "gpt-4.1-mini-2025-04-14",
        "model_requested": "gpt-4.1-mini",
        "status": "ok",
        "error_class": None,
        "finish_reason": "stop",
        "uncached_input": 512,
        "output_text": 96,
        "answer": "An answer.",
        "messages": [{"role": "user", "content": "Where is my order?"}],
        "contexts": [],
    }
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("key", ["timestamp", "time", "ts", "started_at"])
def test_the_time_has_several_spellings(key):
    record = call(timestamp=None) | {key: "2026-11-10T09:15:02Z"}
    assert one(record)["started_at"] == utc("2026-11-10T09:15:02")


def test_user_prompt_and_body_are_accepted_spellings():
    record = call(user="u-1", prompt={"name": "greet", "version": 4})
    record["body"] = record.pop("request")
    found = one(record)
    assert (found["user_id"], found["prompt_name"], found["prompt_version"]) == (
        "u-1",
        "greet",
        "4",
    )
    assert found["model_requested"] == "gpt-4.1-mini"
    assert found["messages"] == [{"role": "user", "content": "Where is my order?"}]


def test_a_bare_completion_is_a_call_timed_by_created():
    found = one(response(object="chat.completion", created=1794301502) | {"id": "chatcmpl-9"})
    assert found["call_id"] == "chatcmpl-9"
    assert found["started_at"] == utc("2026-11-10T09:05:02")
    assert found["model"] == "gpt-4.1-mini-2025-04-14"
    assert (found["answer"], found["uncached_input"]) == ("An answer.", 512)
    assert found["feature"] is None


def test_an_embedding_is_a_call_whose_usage_has_one_side():
    made = {"object": "list", "data": [{"embedding": [0.1]}], "model": "text-embedding-3-small"}
    made["usage"] = {"prompt_tokens": 8, "total_tokens": 8}
    found = one(call(response=made, request={"model": "text-embedding-3-small", "input": "x"}))
    assert (found["uncached_input"], found["output_text"]) == (8, 0)
    assert (found["model"], found["status"]) == ("text-embedding-3-small", "ok")


def test_the_served_model_wins_and_the_requested_one_stands_in():
    assert one(call(response=response(model=None)))["model"] == "gpt-4.1-mini"


def test_an_absent_id_leaves_the_call_without_a_name():
    assert one(call(id=None))["call_id"] is None


def test_an_empty_id_counts_as_absent():
    assert one(call(id=""))["call_id"] is None


def test_a_failed_call_is_an_error_with_its_class_and_without_usage():
    error = {"type": "rate_limit_exceeded", "message": "Slow down.", "status": 429}
    found = one(call(response=None, error=error))
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")
    assert found["uncached_input"] is None
    assert found["output_text"] is None
    assert found["model"] == "gpt-4.1-mini"


def test_a_call_without_response_and_error_has_failed():
    found = one(call(response=None))
    assert (found["status"], found["error_class"]) == ("error", "other")


@pytest.mark.parametrize("empty", [{}, [], "", False])
def test_an_empty_error_is_no_error(empty):
    assert one(call(error=empty))["status"] == "ok"


def test_an_error_may_be_a_plain_text():
    found = one(call(response=None, error="Request timed out."))
    assert (found["status"], found["error_class"]) == ("error", "timeout")


def test_a_filtered_answer_keeps_its_finish_reason():
    filtered = response(choices=[{"finish_reason": "content_filter", "message": {"content": None}}])
    found = one(call(response=filtered))
    assert (found["finish_reason"], found["status"], found["answer"]) == (
        "content_filter",
        "ok",
        None,
    )


def test_a_refusal_field_is_the_answer():
    refused = response(choices=[{"message": {"content": None, "refusal": "I cannot."}}])
    assert one(call(response=refused))["answer"] == "I cannot."


def test_the_answer_schema_and_streaming_are_kept():
    request = call()["request"] | {
        "stream": True,
        "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
    }
    found = one(call(request=request))
    assert (found["is_stream"], found["format_requested"]) == (True, "json_schema")
    assert found["response_schema"] == '{"type":"object"}'


def test_a_schema_without_an_inner_one_is_kept_whole():
    request = call()["request"] | {"response_format": {"json_schema": {"type": "object"}}}
    assert one(call(request=request))["response_schema"] == '{"type":"object"}'


def test_a_step_becomes_a_step():
    rows = read(
        {
            "kind": "step",
            "id": "st-1",
            "trace_id": "t-1",
            "parent_id": "c-1",
            "step": "Retriever",
            "name": "kb_search",
            "timestamp": "2026-11-10T09:15:02Z",
            "latency_ms": 31.0,
            "status": "ok",
            "feature": "support_assistant",
            "document_count": 4,
        }
    )
    (step,) = rows.steps.to_dicts()
    assert (step["kind"], step["name"], step["document_count"]) == ("retriever", "kb_search", 4)
    assert (step["status"], step["latency_ms"], step["trace_id"]) == ("ok", 31.0, "t-1")


def test_a_step_with_an_error_has_failed():
    step = {"kind": "step", "id": "s", "trace_id": "t", "step": "tool"}
    rows = read(step | {"timestamp": "2026-11-10T09:15:02Z", "error": {"message": "no route"}})
    assert rows.steps["status"].to_list() == ["error"]


@pytest.mark.parametrize(
    ("said", "rating"), [({"rating": 4}, 4.0), ({"thumb": "up"}, 5.0), ({"thumb": "down"}, 1.0)]
)
def test_feedback_becomes_stars(said, rating):
    record = {
        "kind": "feedback",
        "id": "f-1",
        "call_id": "c-1",
        "timestamp": "2026-11-10T10:00:00Z",
    }
    rows = read(record | said | {"comment": "fine"})
    (found,) = rows.feedback.to_dicts()
    assert (found["rating"], found["about_call"], found["comment"]) == (rating, "c-1", "fine")


def test_feedback_says_what_was_judged():
    row = {"kind": "feedback", "call_id": "c", "timestamp": "2026-11-10T10:00:00Z", "thumb": "up"}
    rows = read(row | {"name": "helpful"}, row)
    assert rows.feedback["name"].to_list() == ["helpful", None]


def test_a_remark_alone_is_feedback_without_a_rating():
    rows = read(
        {"kind": "feedback", "trace_id": "t", "timestamp": "2026-11-10T10:00:00Z", "comment": "hm"}
    )
    assert rows.feedback["rating"].to_list() == [None]


def test_good_lines_are_read_beside_bad_ones():
    rows = read(call(id="a"), "{broken", call(id="b"), "[1]", '"text"', "17", call(id="c"))
    assert rows.calls["call_id"].to_list() == ["a", "b", "c"]
    assert rows.rejected["n"].to_list() == [1, 3, 4, 5]


def test_a_cut_off_line_says_so_without_quoting_it():
    cut = '{"id":"c-1","request":{"messages":[{"content":"my secret'
    rows = read(cut)
    (why,) = rows.rejected["reason"].to_list()
    assert why == (
        "line: not JSON, it ends before its closing brace; write one JSON object per line"
    )


def test_a_line_of_another_json_type_says_which():
    assert read("[1]").rejected["reason"].to_list() == [
        "line: is a list, expected an object; write one JSON object per line"
    ]


def test_an_escaped_name_is_unescaped():
    found = one(call(id='c-"1"\\é', feature="caf\u00e9"))
    assert (found["call_id"], found["feature"]) == ('c-"1"\\é', "café")


def test_end_and_first_token_times_give_latency_where_it_is_not_logged():
    reading = FORMATS["openai"].reading(
        {"ended_at": Place((("ended",),)), "first_token_at": Place((("first",),))}
    )
    found = one(
        call(ended="2026-11-10T09:15:03.123Z", first="2026-11-10T09:15:02.373Z"), reading=reading
    )
    assert (found["latency_ms"], found["ttft_ms"]) == (1000.0, 250.0)


def test_usage_of_null_is_unknown_not_zero():
    found = one(call(response=response(usage=None)))
    assert {
        found[name] for name in ("uncached_input", "cache_read", "output_text", "reasoning")
    } == {None}


def test_counts_logged_as_whole_floats_are_counts():
    assert one(call(response=response(usage=usage(prompt=512.0))))["uncached_input"] == 512


def test_half_of_a_character_costs_one_character():
    question = {"model": "m", "messages": [{"role": "user", "content": "HERE \\ud83d"}]}
    line = json.dumps(call(request=question)).replace("HERE", r"\ud83d\ude00 \ud83d")
    rows = read(call(), line, line + "}")
    assert rows.rejected["n"].to_list() == [2]
    (message,) = rows.calls["messages"].to_list()[1]
    assert message["content"] == "\U0001f600 \ufffd \\ud83d"


@pytest.mark.parametrize(
    ("said", "cost"),
    [
        ({"cost": 0.0000144}, "0.0000144"),
        ({"cost": 1.44e-05, "is_byok": False}, "0.0000144"),
        ({"cost": 0.01, "is_byok": True}, None),  # a fee alone
        ({"cost": {"total_cost": 0.02, "input_tokens_cost": 0.01}}, "0.02"),  # Perplexity
        ({"cost": {"input": 1}}, None),
        ({"cost": None}, None),
        ({"cost": -1}, None),
        ({"cost": "much"}, None),
    ],
)
def test_what_openrouter_charged_is_the_reported_cost(said, cost):
    found = one(call(response=response(usage=usage(**said))))
    assert found["cost_reported"] == (cost and Decimal(cost))


def test_a_cost_of_the_envelope_comes_before_the_providers():
    found = one(call(cost_usd=0.5, response=response(usage=usage(cost=0.25))))
    assert found["cost_reported"] == Decimal("0.5")


@pytest.mark.parametrize(
    ("logged", "provider"),
    [
        ("Google-Vertex", "google"), ("google-gla", "google"), ("bedrock_converse", "aws"),
        ("azure_ai", "azure"), ("AzureOpenAI", "azure"), ("acme", "acme"),
        ("Amazon Bedrock", "aws"), ("google-ai-studio", "google"), ("Google Vertex", "google"),
        ("workers-ai", "cloudflare"), ("grok", "x-ai"), ("unknown", None), ("N/A", None),
        ("openai-chat", "openai"), ("amazon_bedrock_converse_chat", "aws"),
    ],
)  # fmt: skip
def test_a_provider_has_the_name_that_the_catalogue_gives_it(logged, provider):
    assert one(call(provider=logged))["provider"] == provider


def test_an_answer_of_ollama_is_read_out_of_the_envelope():
    tool = {"function": {"name": "find_order", "arguments": {"order": 7}}}
    reply = {
        "model": "llama3.2", "created_at": "2026-11-10T09:15:04.5Z", "done": True,
        "message": {"role": "assistant", "content": "On Monday.", "tool_calls": [tool]},
        "done_reason": "length", "total_duration": 5_000_000_000,
        "prompt_eval_count": 26, "eval_count": 298,
    }  # fmt: skip
    found = one(call(response=reply))
    names = ("model", "answer", "finish_reason", "uncached_input", "output_text", "status")
    assert [found[name] for name in names] == [
        "llama3.2", "On Monday.", "length", 26, 298, "ok",
    ]  # fmt: skip
    assert found["tool_calls"] == [{"name": "find_order", "arguments": '{"order":7}'}]
    generated = {"model": "llama3.2", "done": True, "response": "Hi.", "eval_count": 3}
    found = one(call(response=generated))
    assert (found["answer"], found["uncached_input"], found["output_text"]) == ("Hi.", None, 3)


def test_what_is_billed_beside_an_answer_leaves_its_tokens_unknown():
    said = usage(10, 100, total_tokens=110, citation_tokens=5000, reasoning_tokens=7000)
    found = one(call(response=response(usage=said | {"cost": {"total_cost": 0.4}})))
    assert (found["uncached_input"], found["output_text"], found["reasoning"]) == (10, None, None)
    assert found["cost_reported"] == Decimal("0.4")


def test_reasoning_may_stand_beside_the_details():
    found = one(call(response=response(usage=usage(10, 100, reasoning_tokens=60))))
    assert (found["output_text"], found["reasoning"]) == (40, 60)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"object": "error", "message": "Rate limit exceeded", "code": "1300"}, "rate_limit"),
        ({"message": "You are limited to 10 calls / minute", "id": "8c"}, "rate_limit"),
        ({"message": "maximum context length is 8192 tokens", "code": 400}, "context_length"),
        ({"detail": "Not authenticated"}, "auth"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "other"),
    ],
)
def test_a_body_of_a_message_and_no_answer_is_an_error(body, error):
    found = one(call(response=body))
    assert (found["status"], found["error_class"]) == ("error", error)


def test_a_message_beside_an_answer_is_no_error():
    assert one(call(response=response(message="Served by a spare.")))["status"] == "ok"


def test_an_error_in_place_of_the_response_is_a_failed_call():
    error = {"type": "invalid_request_error", "code": "context_length_exceeded", "message": "long"}
    found = one(call(response={"error": error}))
    assert (found["status"], found["error_class"]) == ("error", "context_length")


def test_a_spoken_answer_is_read_as_its_transcript():
    spoken = {"role": "assistant", "content": None, "audio": {"data": "UklG", "transcript": "Hi."}}
    body = response() | {"choices": [{"finish_reason": "stop", "message": spoken}]}
    assert one(call(response=body))["answer"] == "Hi."
    assert one(body | {"object": "chat.completion", "created": 1794301502})["answer"] == "Hi."


def test_legacy_completions_and_embeddings_are_calls():
    told = {"id": "cmpl-1", "created": 1794301502, "model": "gpt-3.5-turbo-instruct"}
    completed = told | {"choices": [{"text": "Hi.", "finish_reason": "stop"}], "usage": usage()}
    assert one(completed | {"object": "text_completion"})["answer"] == "Hi."
    vectors = [{"object": "embedding", "index": 0, "embedding": [0.1]}]
    embedded = {"object": "list", "data": vectors, "model": "m", "usage": {"prompt_tokens": 8}}
    assert FORMATS["openai"].recognises(embedded)
    counted = {"prompt_tokens": 8, "total_tokens": 8}
    found = one(embedded | {"timestamp": "2026-11-10T09:00:00Z", "usage": counted})
    assert (found["uncached_input"], found["output_text"], found["model"]) == (8, 0, "m")
    assert found["status"] == "ok"


@pytest.mark.parametrize(
    "place",
    [
        lambda said: {"metadata": said},
        lambda said: {"request": call()["request"] | {"metadata": said}},
        lambda said: {"response": response() | {"metadata": said}},
    ],
    ids=["beside the bodies", "of the request", "of the stored response"],
)
def test_metadata_tell_what_no_key_of_the_envelope_does(place):
    said = {"feature": "search", "user_id": "u-42", "session.id": "s-7", "prompt_version": 3}
    found = one(call(feature=None, **place(said)))
    expected = {"feature": "search", "user_id": "u-42", "session_id": "s-7", "prompt_version": "3"}
    assert {name: found[name] for name in expected} == expected


def test_keys_of_the_envelope_come_before_metadata():
    found = one(call(feature="own", metadata={"feature": "other"}, user_id="u-1"))
    assert (found["feature"], found["user_id"]) == ("own", "u-1")


@pytest.mark.parametrize("said", [{"feature": {"a": 1}, "env": ["x"], "user": ""}, [1], "x", None])
def test_metadata_may_hold_anything(said):
    found = one(call(feature=None, metadata=said))
    assert (found["feature"], found["environment"], found["user_id"]) == (None, None, None)


def test_a_number_in_metadata_is_taken_as_it_is_spelled():
    assert one(call(feature=None, metadata={"feature": 5}))["feature"] == "5"


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
def test_the_user_of_a_request_is_that_of_the_call(name):
    assert one(call(request=call()["request"] | {name: "u-42"}))["user_id"] == "u-42"
    assert one(call(request=call()["request"] | {name: {"id": 1}}))["user_id"] is None


def test_an_exception_as_pino_writes_it_is_the_error():
    thrown = {"type": "RateLimitError", "message": "429 Slow down.", "stack": "...", "status": 429}
    found = one(call(response=None, err=thrown))
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")


def test_names_of_the_envelope_may_be_in_camel_case():
    record = call(userId="u-42", sessionId="s-7", traceId="t-1", latencyMs=12)
    found = one({name: said for name, said in record.items() if "_" not in name})
    names = ("user_id", "session_id", "trace_id", "latency_ms")
    assert [found[name] for name in names] == ["u-42", "s-7", "t-1", 12.0]

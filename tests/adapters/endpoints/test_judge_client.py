"""Any OpenAI-compatible endpoint, well-behaved or not."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import log

import pytest

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint, client_versions, open_judge
from llmops_pipelines.judging import Message, Reply, Request, RubricJudge
from tests.judge_stub import DROP, HANG, REFUSED, TRUNCATED, Fault, JudgeStub
from tests.judging.worlds import default_rubrics, item, rubric_spec

KEY = "sk-very-secret-0123456789"
REQUEST = RubricJudge(
    rubric_spec("groundedness", default_rubrics().rubrics["groundedness"], model="judge-1")
).request(item("Refunds take five days.", contexts=("Refunds take five days.",)))


def ask(base_url: str, request: Request = REQUEST, *, seconds: float = 5, n: int = 1):
    """The replies of an endpoint to ``n`` equal requests, one after the other."""

    return ask_at(Endpoint(base_url, request.model, KEY), request, seconds=seconds, n=n)


def ask_at(endpoint: Endpoint, request: Request = REQUEST, *, seconds: float = 5, n: int = 1):
    async def all_of_them() -> list[Reply]:
        async with open_judge(endpoint, concurrency=4) as asked:
            return [await asked(request, seconds) for _ in range(n)]

    return asyncio.run(all_of_them())


def reply(fault: Fault | None = None, **options) -> Reply:
    with JudgeStub(faults={0: fault} if fault else {}, **options) as stub:
        return ask(stub.base_url)[0]


def test_a_reply_brings_text_snapshot_usage_and_latency():
    answered = reply()
    assert (answered.outcome, json.loads(answered.text)["grounded"]) == ("ok", True)
    assert answered.model_served == "stub-judge-2026-01-01"
    assert answered.tokens["uncached_input"] > 500
    assert answered.request_id.startswith("chatcmpl-")
    assert answered.latency_ms > 0


def test_the_request_asks_for_the_schema_and_carries_the_key():
    with JudgeStub() as stub:
        ask(stub.base_url)
        body, headers = stub.requests[0], stub.headers[0]
    assert body["model"] == "judge-1"
    assert (body["temperature"], body["max_tokens"]) == (0, 1500)
    assert body["response_format"]["type"] == "json_schema"
    schema = body["response_format"]["json_schema"]
    assert (schema["name"], schema["strict"]) == ("groundedness", True)
    assert schema["schema"]["required"] == ["claims", "grounded", "reason"]
    assert headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("model", ["o3", "o4-mini-2025-04-16", "gpt-5-mini", "openai/gpt-5"])
def test_reasoning_models_get_the_parameters_they_know(model):
    request = Request(model, (Message("user", "<answer>\nx\n</answer>"),), "s", {}, 99,
                      {"temperature": 0.0})  # fmt: skip
    with JudgeStub() as stub:
        ask(stub.base_url, request)
        body = stub.requests[0]
    assert body["max_completion_tokens"] == 99
    assert not {"max_tokens", "temperature"} & set(body)


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (408, True), (422, False), (429, True), (500, True),
     (503, True)],
)  # fmt: skip
def test_each_status_is_its_own_outcome_and_one_request(status, retryable):
    with JudgeStub(faults={0: Fault(status=status)}) as stub:
        [answered] = ask(stub.base_url)
        assert stub.calls == 1
    assert answered.outcome == f"http_{status}"
    assert (answered.retryable, answered.billable) == (retryable, False)
    assert answered.detail == "injected"


def test_a_used_up_quota_is_not_worth_repeating():
    assert not reply(Fault(status=429, message="insufficient_quota: buy more")).retryable


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("0.5", 0.5), ("soon", None), ("-1", None)]
)
def test_retry_after_is_read(header, seconds):
    assert reply(Fault(status=429, retry_after=header)).retry_after_s == seconds


def test_retry_after_may_be_a_date():
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < reply(Fault(status=429, retry_after=at)).retry_after_s <= 60


def test_refused_and_truncated_replies_are_told_apart():
    assert (reply(REFUSED).outcome, reply(REFUSED).detail) == ("refused", "I will not judge this.")
    assert reply(TRUNCATED).outcome == "truncated"


def test_a_hanging_endpoint_is_a_timeout_that_may_be_billed():
    with JudgeStub(faults={0: HANG}) as stub:
        [answered] = ask(stub.base_url, seconds=0.2)
    assert (answered.outcome, answered.retryable, answered.billable) == ("timeout", True, True)


def test_a_dropped_connection_is_a_network_fault_that_may_be_billed():
    answered = reply(DROP)
    assert (answered.outcome, answered.retryable, answered.billable) == ("network", True, True)


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/v1", "nonsense"])
def test_a_url_that_leads_nowhere_is_a_network_fault_that_costs_nothing(url):
    [answered] = ask(url, seconds=2)
    assert (answered.outcome, answered.retryable, answered.billable) == ("network", True, False)


def test_nobody_there_is_a_network_fault_that_costs_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    [answered] = ask(f"http://127.0.0.1:{port}/v1", seconds=2)
    assert (answered.outcome, answered.retryable, answered.billable) == ("network", True, False)


@pytest.mark.parametrize(("spared", "outcome"), [("", "ok"), ("no-such-host.invalid", "network")])
def test_the_proxy_of_the_environment_is_used_where_it_is_to_be(spared, outcome, monkeypatch):
    with JudgeStub() as stub:
        monkeypatch.setenv("http_proxy", stub.base_url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", spared)
        [answered] = ask("http://no-such-host.invalid/v1", seconds=2)
    assert answered.outcome == outcome


def test_usage_may_be_missing():
    assert reply(usage=False).tokens is None


@pytest.mark.parametrize("status", [401, 500])
def test_the_key_shows_in_no_reply_and_no_log(status, caplog):
    caplog.set_level(logging.DEBUG)
    fault = Fault(
        status=status, message=f"Incorrect API key provided: {KEY}. Also sk-proj-abcdef123."
    )
    with JudgeStub(faults={0: fault}) as stub:
        [answered] = ask(stub.base_url)
    assert KEY not in answered.detail
    assert "sk-proj" not in answered.detail
    assert "Incorrect API key provided: ***" in answered.detail
    assert KEY not in caplog.text


def test_the_key_does_not_show_in_the_endpoint_itself():
    assert KEY not in repr(Endpoint("http://x/v1", "judge-1", KEY))


@pytest.mark.parametrize(
    ("endpoint", "configured"),
    [
        (Endpoint("http://x/v1", "judge-1"), True),
        (Endpoint("", "judge-1", KEY), False),
        (Endpoint("http://x/v1", "", KEY), False),
    ],
)
def test_a_key_alone_is_no_endpoint(endpoint, configured):
    assert endpoint.configured is configured


def test_connections_are_reused():
    with JudgeStub() as stub:
        assert [r.outcome for r in ask(stub.base_url, n=5)] == ["ok"] * 5


def test_the_version_of_the_client_is_known():
    assert client_versions()["openai"].startswith("3.")


@pytest.mark.parametrize("way", ["json_object", "text"])
def test_without_a_schema_the_instructions_end_with_it(way):
    with JudgeStub() as stub:
        asked = replace(Endpoint(stub.base_url, "judge-1", KEY), response_format=way)
        ask_at(asked)
        body = stub.requests[0]
    assert body.get("response_format") == ({"type": way} if way == "json_object" else None)
    system, user = body["messages"]
    assert system["content"].startswith(REQUEST.messages[0].content)
    assert json.loads(system["content"].rsplit("\n", 1)[1]) == REQUEST.schema
    assert user["content"] == REQUEST.messages[1].content


def test_what_was_written_is_weighed_though_the_model_liked_other_words_better():
    with JudgeStub(doubt=0.25, forced=True) as stub:
        [reply] = ask(stub.base_url, replace(REQUEST, weighs=True))
    for token in reply.tokens_weighed:
        assert token.text in dict(token.alternatives)
    verdicts = [t for t in reply.tokens_weighed if t.text == " true"][-1]
    assert dict(verdicts.alternatives) == pytest.approx({" false": log(0.25), " true": log(0.75)})


def test_log_probabilities_come_token_by_token_where_they_are_asked_for():
    weighing = replace(REQUEST, weighs=True)
    with JudgeStub(doubt=0.25) as stub:
        [plain], [weighed] = ask(stub.base_url), ask(stub.base_url, weighing)
        assert (stub.requests[1]["logprobs"], stub.requests[1]["top_logprobs"]) == (True, 5)
        assert "logprobs" not in stub.requests[0]
    assert plain.tokens_weighed is None
    assert "".join(token.text for token in weighed.tokens_weighed) == weighed.text
    with JudgeStub() as stub:
        assert ask(stub.base_url, weighing)[0].tokens_weighed is None

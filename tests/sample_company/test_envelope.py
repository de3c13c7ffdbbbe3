"""Every record keeps to the envelope, and its numbers agree with its texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price

from llmops_pipelines.reference import Features, parse_document
from llmops_pipelines.sample_company.catalogue import FEATURES, MODELS
from llmops_pipelines.sample_company.invoices import SCHEMA
from tests.sample_company.sample import answer_of, question_of

REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "features.yaml"
CALL_KEYS = {
    "kind", "id", "timestamp", "trace_id", "parent_id", "feature", "team", "environment", "user_id",
    "session_id", "attempt", "latency_ms", "ttft_ms", "provider", "is_batch", "prompt_name",
    "prompt_version", "contexts", "request", "response", "error",
}  # fmt: skip


def test_a_call_has_every_field_of_the_envelope(fortnight):
    assert {frozenset(call) for call in fortnight.of_kind("call")} == {frozenset(CALL_KEYS)}


def test_a_call_either_answers_or_fails(fortnight):
    for call in fortnight.of_kind("call"):
        assert (call["response"] is None) != (call["error"] is None)
        if call["error"]:
            assert set(call["error"]) == {"type", "message", "status"}


def test_tokens_add_up_and_follow_the_length_of_the_texts(fortnight):
    for call in fortnight.of_kind("call"):
        if call["error"]:
            continue
        usage = call["response"]["usage"]
        reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
        prompt = sum(len(message["content"]) for message in call["request"]["messages"]) / 4
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert 0 <= usage["prompt_tokens_details"]["cached_tokens"] <= usage["prompt_tokens"]
        assert usage["prompt_tokens"] == pytest.approx(prompt, rel=0.25, abs=10)
        assert usage["completion_tokens"] - reasoning == pytest.approx(
            len(answer_of(call)) / 4, abs=1
        )


def test_some_calls_read_from_the_cache_and_some_reason(fortnight):
    usages = [call["response"]["usage"] for call in fortnight.answers()]
    assert sum(u["prompt_tokens_details"]["cached_tokens"] > 0 for u in usages) > 500
    assert sum(u["completion_tokens_details"]["reasoning_tokens"] > 0 for u in usages) > 500


def test_first_tokens_come_before_last_ones_and_only_from_streams(fortnight):
    for call in fortnight.of_kind("call"):
        assert call["latency_ms"] > 0
        if call["ttft_ms"] is not None:
            assert call["request"]["stream"]
            assert call["ttft_ms"] < call["latency_ms"]


def test_a_response_is_created_in_the_second_its_call_began(fortnight):
    for call in fortnight.answers():
        began = datetime.fromisoformat(call["timestamp"]).replace(tzinfo=UTC)
        assert 0 <= began.timestamp() - call["response"]["created"] < 1.001


def test_each_trace_has_one_root_and_the_others_point_to_it(fortnight):
    traces = defaultdict(list)
    for record in [*fortnight.of_kind("call"), *fortnight.of_kind("step")]:
        traces[record["trace_id"]].append(record)
    for records in traces.values():
        roots = [record for record in records if record["parent_id"] is None]
        assert all(root["kind"] == "call" for root in roots)
        assert sorted(root["attempt"] for root in roots) == list(range(1, len(roots) + 1))
        last = max(roots, key=lambda root: root["attempt"])["id"]
        assert {r["parent_id"] for r in records if r["parent_id"]} <= {last}


def test_a_retry_follows_a_failed_attempt(fortnight):
    attempts = {
        (call["trace_id"], call["attempt"]): call
        for call in fortnight.of_kind("call")
        if call["parent_id"] is None
    }
    retries = [key for key in attempts if key[1] > 1]
    assert retries
    for trace, attempt in retries:
        earlier, retry = attempts[trace, attempt - 1], attempts[trace, attempt]
        assert earlier["error"] is not None
        assert earlier["timestamp"] < retry["timestamp"]
        assert question_of(earlier) == question_of(retry)


def test_support_retrieves_and_rewrites_follow_ups(fortnight):
    steps, rewrites = defaultdict(set), set()
    for step in fortnight.of_kind("step"):
        steps[step["trace_id"]].add(step["step"])
    for call in fortnight.calls(feature="support_assistant"):
        if call["parent_id"]:
            assert call["prompt_name"] == "support_rewrite"
            assert call["response"]["model"] == "gpt-4.1-mini-2025-04-14"
            rewrites.add(call["trace_id"])
    for call in fortnight.answers(feature="support_assistant"):
        assert "retriever" in steps[call["trace_id"]]
        follows_up = len(call["request"]["messages"]) > 2
        assert not follows_up or call["trace_id"] in rewrites
    assert sum("reranker" in kinds for kinds in steps.values()) > 1000


def test_developers_questions_use_tools(fortnight):
    kinds = Counter(
        (step["feature"], step["step"], step["name"]) for step in fortnight.of_kind("step")
    )
    assert kinds["code_helper", "tool", "repo_search"] > 1000
    assert kinds["code_helper", "tool", "run_tests"] > 300


def test_feedback_speaks_of_an_answer_of_the_same_day(fortnight):
    for judgement in fortnight.of_kind("feedback"):
        answer = fortnight.records[judgement["call_id"]]
        assert answer["error"] is None
        assert answer["trace_id"] == judgement["trace_id"]
        assert answer["timestamp"][:10] == judgement["timestamp"][:10]
        assert judgement.get("rating") in (None, 1, 2, 3, 4, 5)
        assert ("rating" in judgement) != (judgement.get("thumb") in ("up", "down"))


def test_sessions_have_one_user_and_at_most_six_turns(fortnight):
    users, turns = defaultdict(set), defaultdict(set)
    for call in fortnight.of_kind("call"):
        users[call["session_id"]].add(call["user_id"])
        turns[call["session_id"]].add(call["trace_id"])
    assert {len(names) for names in users.values()} == {1}
    assert {len(traces) for traces in turns.values()} == {1, 2, 3, 4, 5, 6}
    assert 200 < len(set.union(*users.values())) <= 420


def test_teams_and_schema_are_those_of_the_reference_file():
    reference = parse_document(REFERENCE.read_text(), Features, file="features.yaml")
    assert {f.name: f.team for f in FEATURES} == {
        name: feature.team for name, feature in reference.features.items()
    }
    assert reference.of("invoice_extraction").output_schema == SCHEMA


@pytest.mark.parametrize("model", [m for m in MODELS if m.prices], ids=lambda m: m.served)
def test_list_prices_are_those_of_genai_prices(model):
    def usd(**usage: int) -> float:
        priced = calc_price(
            Usage(**usage),
            model_ref=model.served,
            provider_id=model.provider,
            genai_request_timestamp=datetime(2026, 11, 15, tzinfo=UTC),
        )
        return float(priced.total_price)

    assert model.cost(1000, 400, 300) == pytest.approx(
        usd(input_tokens=1000, cache_read_tokens=400, output_tokens=300), rel=1e-9
    )


def test_nobody_publishes_a_price_of_the_self_hosted_model(fortnight):
    (unpriced,) = [model for model in MODELS if model.prices is None]
    with pytest.raises(LookupError):
        calc_price(Usage(input_tokens=1), model_ref=unpriced.served, provider_id=unpriced.provider)
    assert {call["provider"] for call in fortnight.calls()} == {m.provider for m in MODELS}

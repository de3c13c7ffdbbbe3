"""Spans of OpenLIT and counts that its libraries, and OpenLLMetry's of Bedrock, hand on as the
provider returned them; shapes as recorded of openlit 1.45 and OpenLLMetry 0.62."""

import pytest

from tests.formats.spans import CHAT, batch, call_of, span, step_of

BUCKETS = ("uncached_input", "cache_read", "cache_write_5m", "output_text", "reasoning")
CACHED = {
    "gen_ai.usage.cache_read.input_tokens": 20,
    "gen_ai.usage.cache_creation.input_tokens": 10,
}


def written_by(library, more, **changes):
    return call_of("otel_genai", batch(span(more, **changes), scope=library))


def counts(found):
    return tuple(found[name] for name in BUCKETS)


@pytest.mark.parametrize(
    "library",
    [
        "opentelemetry.instrumentation.bedrock",
        "opentelemetry.instrumentation.botocore.bedrock-runtime",
        "openlit.instrumentation.anthropic",
        "openlit.instrumentation.bedrock",
    ],
)
def test_input_beside_cached_tokens_stays_whole(library):
    told = CHAT | CACHED | {"gen_ai.usage.total_tokens": 150}
    assert counts(written_by(library, told)) == (120, 20, 10, 30, 0)
    assert written_by(library, told)["tokens_doubted"] is None


def test_input_of_others_includes_cached_tokens():
    assert counts(written_by("openlit.instrumentation.openai", CHAT | CACHED)) == (
        90,
        20,
        10,
        30,
        0,
    )


def test_thoughts_of_gemini_are_beside_the_answer():
    told = CHAT | {"gen_ai.usage.reasoning_tokens": 50}
    found = written_by("openlit.instrumentation.google_ai_studio", told)
    assert counts(found) == (120, 0, 0, 30, 50)
    known = CHAT | {"gen_ai.usage.details.thoughts_tokens": 10}
    assert counts(written_by("pydantic-ai", known)) == (120, 0, 0, 20, 10)


def test_a_failure_without_attributes_is_a_call_by_its_name():
    failed = {"status": {"code": 2, "message": "Error code: 429 - overloaded"}}
    named = {"name": "chat claude-sonnet-4-5"}
    found = written_by("openlit.instrumentation.anthropic", {}, **named, **failed)
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")
    assert found["model_requested"] == "claude-sonnet-4-5"
    other = batch(span({}, name="agent run", **failed), scope="openlit.instrumentation.agno")
    assert step_of("otel_genai", other)["kind"] == "chain"


def test_a_cost_of_nothing_is_unknown_and_the_first_token_is_that_of_a_stream():
    told = CHAT | {
        "gen_ai.usage.cost": 0,
        "gen_ai.server.time_to_first_token": 0.25,
        "gen_ai.response.finish_reasons": ["FinishReason.STOP"],
    }
    whole = written_by("openlit.instrumentation.openai", told)
    assert (whole["cost_reported"], whole["ttft_ms"]) == (None, None)
    assert whole["finish_reason"] == "STOP"
    streamed = told | {"gen_ai.request.stream": True, "gen_ai.usage.cost": 0.5}
    found = written_by("openlit.instrumentation.openai", streamed)
    assert (float(found["cost_reported"]), found["ttft_ms"]) == (0.5, 250.0)

"""A tool's own total is held against both sides: it explains them, or puts them in doubt."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.spans import CHAT, batch, span
from tests.formats.test_helicone import request
from tests.formats.test_langfuse import OLD, STORED
from tests.formats.test_langsmith import RUN
from tests.formats.worlds import read_as

_PAYLOADS = Path(__file__).parent / "payloads"


def openinference(total: int) -> Any:
    counts = {"prompt": 120, "completion": 30, "total": total}
    says = {f"llm.token_count.{side}": count for side, count in counts.items()}
    return batch(span({"openinference.span.kind": "LLM", "llm.model_name": "m"} | says))


def mlflow(total: int) -> Any:
    usage = json.dumps({"input_tokens": 120, "output_tokens": 30, "total_tokens": total})
    says = {"mlflow.spanType": '"CHAT_MODEL"', "mlflow.chat.tokenUsage": usage}
    return batch(span(says))


def vercel(total: int) -> Any:
    says = {"ai.operationId": "ai.generateText.doGenerate", "ai.usage.promptTokens": 120}
    return batch(span(says | {"ai.usage.completionTokens": 30, "ai.usage.totalTokens": total}))


def litellm(total: int) -> Any:
    line = (_PAYLOADS / "litellm_spend_logs.jsonl").read_text().splitlines()[0]
    counts = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": total}
    return json.loads(line) | counts | {"response": "{}", "metadata": "{}"}


def helicone(total: int) -> Any:
    return request(
        response_body=None, prompt_tokens=120, completion_tokens=30, total_tokens=total
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("openinference", openinference),
        ("otel_genai", lambda total: batch(span(CHAT | {"gen_ai.usage.total_tokens": total}))),
        ("otel_genai", lambda total: batch(span(CHAT | {"llm.usage.total_tokens": total}))),
        ("otel_genai", mlflow),
        ("otel_genai", vercel),
        (
            "langfuse",
            lambda total: STORED | {"usage_details": {"input": 120, "output": 30, "total": total}},
        ),
        ("langfuse", lambda total: OLD | {"totalTokens": total}),
        (
            "langsmith",
            lambda total: (
                {name: said for name, said in RUN.items() if "details" not in name}
                | {"total_tokens": total}
            ),
        ),
        ("litellm", litellm),
        ("helicone", helicone),
    ],
)
def test_a_total_that_does_not_add_up_puts_the_call_in_doubt_and_loses_nothing(
    name: str, of: Any
) -> None:
    wanted = ("uncached_input", "output_text", "tokens_doubted")
    assert read_as(name, of(150)).calls.select(wanted).rows() == [(120, 30, None)]
    assert read_as(name, of(151)).calls.select(wanted).rows() == [(120, 30, 1)]
    assert read_as(name, of(149)).calls.select(wanted).rows() == [(120, 30, -1)]


def told(model: str, prompt: int, completion: int, total: int, reasoning: int | None = None) -> Any:
    """A span that OpenInference logged of ``model``."""
    counts = {"prompt": prompt, "completion": completion, "total": total}
    if reasoning is not None:
        counts["completion_details.reasoning"] = reasoning
    says = {f"llm.token_count.{side}": count for side, count in counts.items()}
    return batch(span({"openinference.span.kind": "LLM", "llm.model_name": model} | says))


@pytest.mark.parametrize(
    ("case", "text", "reasoning", "doubted"),
    [
        # Instrumentations of Gemini that copy candidates and total, and not the thoughts.
        (("gemini-2.5-flash", 20, 198, 623), 198, 405, None),
        (("models/gemini-2.5-pro", 20, 198, 623), 198, 405, None),
        (("google/gemini-3-flash-preview", 20, 198, 623), 198, 405, None),
        (("grok-4-0709", 279, 6, 374), 6, 89, None),
        # Reasoning told beside the answer, as the total shows.
        (("gemini-2.5-flash", 20, 198, 623, 405), 198, 405, None),
        (("some-model", 20, 198, 623, 405), 198, 405, None),
        # More reasoning than answer cannot be part of it, whatever the total was added up from.
        (("grok-3-mini", 12, 2, 14, 317), 2, 317, -317),
        # Thoughts added to candidates that hold them already.
        (("gemini-2.5-flash", 341, 6709, 3703, 3347), 15, 3347, None),
        # Prompts of tools, which are input: more than any answer, or beside told reasoning.
        (("gemini-2.5-pro", 1041, 902, 381_679), 902, 0, 379_736),
        (("gemini-2.5-pro", 1041, 3093, 381_679, 2191), 902, 2191, 377_545),
        # Nobody else leaves reasoning out.
        (("gemini-2.0-flash", 20, 198, 623), 198, 0, 405),
        (("gpt-5", 20, 198, 623), 198, 0, 405),
        (("claude-sonnet-4-5", 20, 198, 200), 198, 0, -18),
    ],
)
def test_what_a_total_has_beyond_its_sides_is_reasoning_only_where_that_is_known(
    case: Any, text: int, reasoning: int, doubted: int | None
) -> None:
    calls = read_as("openinference", told(*case)).calls
    (found,) = calls.select("uncached_input", "output_text", "reasoning", "tokens_doubted").rows()
    assert found == (case[1], text, reasoning, doubted)


def test_a_providers_own_total_that_does_not_add_up_still_rejects_the_record() -> None:
    usage = {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}
    made = {"object": "chat.completion", "created": 1_794_300_000, "model": "m", "usage": usage}
    (reason,) = read_as("openai", made).rejected["reason"].to_list()
    assert "109 is not the sum of 35 input and 12 output tokens" in reason


def test_thoughts_of_gemini_behind_the_endpoint_for_openais_clients_are_only_in_its_total() -> None:
    usage = {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}
    made = {"object": "chat.completion", "created": 1_794_300_000, "model": "gemini-2.5-pro"}
    calls = read_as("openai", made | {"usage": usage}).calls
    (found,) = calls.select("uncached_input", "output_text", "reasoning", "tokens_doubted").rows()
    assert found == (35, 12, 62, None)


def test_a_total_tells_the_side_that_a_span_leaves_out() -> None:
    says = {"openinference.span.kind": "EMBEDDING", "llm.token_count.prompt": 7}
    rows = read_as("openinference", batch(span(says | {"llm.token_count.total": 7})))
    assert rows.calls.select("uncached_input", "output_text").rows() == [(7, 0)]
    fewer = read_as("openinference", batch(span(says | {"llm.token_count.total": 3})))
    assert fewer.calls.select("uncached_input", "output_text").rows() == [(7, None)]


def test_a_total_that_is_less_than_the_one_side_told_is_doubted() -> None:
    usage = {"usage_metadata": {"output_tokens": 9, "total_tokens": 4, "input_token_details": {}}}
    run = {name: said for name, said in RUN.items() if "tokens" not in name} | {"outputs": usage}
    calls = read_as("langsmith", run).calls
    assert calls.select("uncached_input", "output_text", "tokens_doubted").rows() == [(None, 9, -5)]


def test_a_total_that_leaves_the_caches_out_like_its_input_is_no_contradiction() -> None:
    counts = {"prompt": 10, "completion": 5, "total": 15, "prompt_details.cache_read": 900}
    says = {f"llm.token_count.{side}": count for side, count in counts.items()}
    rows = read_as("openinference", batch(span({"openinference.span.kind": "LLM"} | says)))
    assert rows.calls.select("uncached_input", "cache_read", "output_text").rows() == [(10, 900, 5)]


def test_thoughts_that_only_mlflows_total_counts_are_read_from_the_answer() -> None:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 30, "thoughtsTokenCount": 20}
    told = {"input_tokens": 100, "output_tokens": 30, "total_tokens": 150}
    says = {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.chat.tokenUsage": json.dumps(told),
        "mlflow.spanOutputs": json.dumps({"usageMetadata": usage | {"totalTokenCount": 150}}),
    }
    rows = read_as("otel_genai", batch(span(says)))
    assert rows.calls.select("uncached_input", "output_text", "reasoning").rows() == [(100, 30, 20)]

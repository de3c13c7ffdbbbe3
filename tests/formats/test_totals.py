"""A source's own total is held against both sides, whichever tool counted them."""

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
def test_a_total_that_does_not_add_up_rejects_the_call_by_name(name: str, of: Any) -> None:
    assert read_as(name, of(150)).calls.select("uncached_input", "output_text").rows() == [
        (120, 30)
    ]
    (reason,) = read_as(name, of(151)).rejected["reason"].to_list()
    assert "151 is not the sum of 120 input and 30 output tokens" in reason


def test_a_total_tells_the_side_that_a_span_leaves_out() -> None:
    says = {"openinference.span.kind": "EMBEDDING", "llm.token_count.prompt": 7}
    rows = read_as("openinference", batch(span(says | {"llm.token_count.total": 7})))
    assert rows.calls.select("uncached_input", "output_text").rows() == [(7, 0)]
    fewer = read_as("openinference", batch(span(says | {"llm.token_count.total": 3})))
    assert fewer.calls.select("uncached_input", "output_text").rows() == [(7, None)]


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

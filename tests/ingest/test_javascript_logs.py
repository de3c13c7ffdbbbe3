"""What libraries for JavaScript record of known answers (payloads/make_*.mjs), as it lands."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.ingest.previewing.read_alone import read_alone
from tests.ingest.worlds import log, options, utc_moment

PAYLOADS = Path(__file__).parents[1] / "formats" / "payloads"
COUNTS = (
    "uncached_input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output_text",
    "reasoning",
)

GPT = (56, 64, 0, 0, 18, 12)
CLAUDE, GEMINI = (20, 60, 30, 10, 30, 0), (56, 64, 0, 0, 30, 12)
KEPT_TOGETHER = (20, 60, 40, 0, 30, 0)
"""Version 4 does not hand on for how long Anthropic's cache keeps what was written."""

ALL = [GPT, GPT, CLAUDE, CLAUDE, GEMINI]
TOLD = {
    "vercel4": [GPT, GPT, KEPT_TOGETHER, KEPT_TOGETHER, (120, 0, 0, 0, 30, 0)],
    "vercel5": [(120, 0, 0, 0, 30, 0), GPT, CLAUDE, CLAUDE, GEMINI],
    "vercel5_console": [(120, 0, 0, 0, 30, 0), GPT, CLAUDE, CLAUDE, GEMINI],
    "vercel6": ALL,
    "vercel7": ALL,
}
"""Tokens by version; it does not record what is missing of OpenAI's and Gemini's."""


def calls_of(name: str) -> pl.DataFrame:
    file = PAYLOADS / f"{name}.jsonl"
    told = options(now=utc_moment("2026-11-29T00:00:00"))
    return read_alone(log(file.name, file.read_bytes()), told).calls.sort("started_at")


def counts_of(calls: pl.DataFrame) -> list[tuple[Any, ...]]:
    return calls.select(COUNTS).rows()


@pytest.mark.parametrize("version", TOLD)
def test_calls_of_vercels_sdk_count_once_with_all_tokens_that_it_records(version: str) -> None:
    calls = calls_of(f"otel_genai_{version}")
    assert counts_of(calls) == [*TOLD[version], (None,) * 6]
    assert calls["is_stream"].fill_null(value=False).to_list() == [
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    assert calls["ttft_ms"].is_not_null().to_list() == [False, True, False, True, False, False]
    assert calls.select("feature", "session_id").unique().rows() == [("returns", "s-7")]
    assert calls["error_class"].drop_nulls().to_list() == ["rate_limit"]
    assert calls["user_hash"].n_unique() == 1


@pytest.mark.parametrize("version", TOLD)
def test_an_id_that_vercels_sdk_made_up_is_not_the_providers(version: str) -> None:
    of_gemini = "gemini-5" if version in ("vercel6", "vercel7") else None  # others make one up
    ids = calls_of(f"otel_genai_{version}")["response_id"].to_list()
    assert ids == ["chatcmpl-1", "chatcmpl-2", "msg_3", "msg_4", of_gemini, None]


def test_what_the_console_exporter_prints_tells_what_the_collector_gets() -> None:
    sent, printed = (calls_of(f"otel_genai_vercel5{kind}") for kind in ("", "_console"))
    same = ("call_id", "trace_id", "parent_id", "model", "response_id", "name", "project",
            "instrumentation", "environment", "status", "request_digest")  # fmt: skip
    assert printed.select(same).rows() == sent.select(same).rows()
    assert printed["latency_ms"].is_between(0, 10_000).all()


@pytest.mark.parametrize("name", ["langsmith_js", "openinference_langchain_js"])
def test_calls_of_langchain_js_have_their_model_provider_parts_and_tools(name: str) -> None:
    calls = calls_of(name)
    wrapped = [CLAUDE] if name == "langsmith_js" else []
    assert counts_of(calls) == [GPT, CLAUDE, CLAUDE, CLAUDE, *wrapped]
    assert calls["model"].to_list()[0] == "gpt-4.1-mini-2025-04-14"
    assert set(calls["model"].to_list()[1:]) == {"claude-haiku-4-5-20251001"}
    assert calls["provider"].to_list() == ["openai", *["anthropic"] * (calls.height - 1)]
    assert calls["tool_call_count"].to_list()[:4] == [0, 0, 0, 1]
    assert calls["answer_chars"].to_list()[:4] == [15, 15, 15, None]
    assert calls["finish_reason"].to_list()[1:4] == ["end_turn", "end_turn", "tool_use"]


def test_a_stream_of_langchain_js_is_one_whatever_its_parameters_say() -> None:
    assert calls_of("langsmith_js")["is_stream"].to_list()[:4] == [True, False, True, False]
    assert calls_of("openinference_langchain_js")["is_stream"].null_count() == 4


def test_streams_that_two_instrumentations_record_count_once_and_are_charged_once() -> None:
    calls = calls_of("openinference_langchain_twice")
    assert counts_of(calls) == [GPT] * 5
    assert calls["copies"].list.len().to_list() == [2] * 5
    assert calls["is_stream"].to_list() == [False, True, True, True, True]

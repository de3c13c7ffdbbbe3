"""What Opik's SDK sent, landed: records that come twice are one call, with its trace's session."""

import json
from pathlib import Path

from llmops_pipelines.ingest import llm_calls, trace_steps
from llmops_pipelines.tables import CALL_TEXTS, LANDED_FEEDBACK, LANDED_STEPS
from tests.ingest.worlds import Lake, landed, line, lines, log

PAYLOADS = Path(__file__).parents[1] / "formats" / "payloads"
SENT = [json.loads(text) for text in (PAYLOADS / "opik.jsonl").read_text().splitlines()]


def calls_of(lake: Lake) -> list[tuple[object, ...]]:
    found = llm_calls(lake.rows(), trace_steps(lake.rows(LANDED_STEPS)))
    told = ("model", "session_id", "feature", "uncached_input", "status")
    return sorted(found.select(told).rows(), key=str)


EXPECTED = [
    ("claude-sonnet-4-5-20250929", None, "unattributed", 56, "ok"),
    ("gpt-4.1-mini-2025-04-14", "th-7", "support", 56, "ok"),
    ("gpt-4.1-mini-2025-04-14", None, "unattributed", 56, "ok"),
    ("limited", None, "unattributed", None, "error"),
]


def test_sent_twice_a_call_is_one_and_takes_the_session_from_its_trace() -> None:
    lake = landed(log("opik.jsonl", lines(*SENT, *SENT)))
    assert lake.file("opik.jsonl")["source_format"] == "opik"
    assert calls_of(lake) == sorted(EXPECTED, key=str)


def test_a_page_of_the_api_is_read_like_its_records() -> None:
    spans = [record for record in SENT if "trace_id" in record]
    traces = [record for record in SENT if "trace_id" not in record]
    pages = [{"page": 1, "size": 9, "total": 9, "content": part} for part in (spans, traces)]
    lake = landed(log("spans.json", line(pages[0])), log("traces.json", line(pages[1])))
    assert calls_of(lake) == sorted(EXPECTED, key=str)


def test_rows_of_its_own_csv_are_calls_with_the_session_and_scores_of_their_trace() -> None:
    data = (PAYLOADS / "opik_export.csv").read_bytes()
    path = "trace_0198-trace.csv"
    lake = landed(log(path, data))
    assert lake.file(path)["source_format"] == "opik"
    steps = trace_steps(lake.rows(LANDED_STEPS))
    found = llm_calls(lake.rows(), steps).sort("call_id")
    told = ("call_id", "session_id", "feature", "uncached_input", "cache_read", "output_text")
    assert found.select(told).rows() == [
        ("0198-first", "th-7", "support", 56, 64, 30),
        ("0198-second", "th-7", "support", 120, 0, 30),
    ]
    assert found.select("ttft_ms", "finish_reason", "model").row(0) == (
        300.0,
        "stop",
        "gpt-4.1-mini-2025-04-14",
    )
    assert steps["step_id"].to_list() == ["0198-trace"]
    texts = lake.rows(CALL_TEXTS).sort("call_id").select("question", "answer").rows()
    assert texts == [('Isn\'t it "late"?', "On its way."), ('Isn\'t it "late"?', "Tomorrow.")]
    rated = lake.rows(LANDED_FEEDBACK).select("trace_id", "name", "rating").unique().rows()
    assert rated == [("0198-trace", "helpful", 5.0)]


def test_a_row_of_a_trace_without_spans_is_a_step() -> None:
    row = {"trace_id": "t", "trace_start_time": "2026-11-10 09:15:02+00:00", "trace_name": "ask"}
    nothing = {"span_id": "", "span_start_time": "", "span_name": ""}
    lake = landed(log("log.jsonl", lines(row | nothing)))
    assert lake.counts() == (1, 0, 1, 0, 0, 0)


def test_odd_cells_are_text() -> None:
    row = {
        "trace_id": "t", "trace_start_time": "2026-11-10 09:15:02+00:00", "trace_tags": "[" * 5000,
        "span_id": "s", "span_trace_id": "t", "span_type": "llm", "span_usage": "3",
        "span_start_time": "2026-11-10 09:15:02+00:00", "span_usage_prompt_tokens": "7",
        "span_input": "[__import__('os')]",
    }  # fmt: skip
    lake = landed(log("log.jsonl", lines(row)))
    assert lake.counts()[1:3] == (1, 1)
    assert lake.rows(CALL_TEXTS)["question"].to_list() == ["[__import__('os')]"]

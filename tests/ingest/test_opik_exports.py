"""What Opik's SDK sent, landed: records that come twice are one call, with its trace's session."""

import json
from pathlib import Path

from llmops_pipelines.ingest import llm_calls, trace_steps
from llmops_pipelines.tables import LANDED_STEPS
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

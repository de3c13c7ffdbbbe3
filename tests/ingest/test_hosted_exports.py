"""Exports of hosted tools land the same calls from JSON, JSON lines, CSV and Parquet."""

import csv
import io
import json
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.worlds import Lake, lines, log

BEGAN = "2026-11-10 09:15:02.123000"
ROW = {
    "id": "obs-1",
    "trace_id": "trace-1",
    "type": "GENERATION",
    "start_time": BEGAN,
    "end_time": "2026-11-10 09:15:03.123000",
    "level": "DEFAULT",
    "provided_model_name": "gpt-4.1-mini",
    "usage_details": {"input": 56, "input_cached_tokens": 64, "output": 30, "total": 150},
    "metadata": {"feature": "search"},
    "input": '[{"role": "user", "content": "Hello"}]',
    "output": '{"role": "assistant", "content": "Hi."}',
    "tags": ["beta"],
}
RUN = {
    "id": "run-1",
    "trace_id": "run-1",
    "run_type": "llm",
    "start_time": BEGAN,
    "end_time": "2026-11-10 09:15:03.123000",
    "extra": '{"metadata": {"feature": "search", "ls_model_name": "gpt-4.1-mini"}}',
    "tags": ["beta"],
    "prompt_tokens": 120,
    "completion_tokens": 30,
    "prompt_token_details": '{"cache_read": 64}',
}
SPAN = {
    "id": "span-1",
    "trace_id": "trace-1",
    "project_name": "shop",
    "type": "llm",
    "start_time": BEGAN,
    "end_time": "2026-11-10 09:15:03.123000",
    "model": "gpt-4.1-mini",
    "usage": '{"prompt_tokens": 120, "original_usage.prompt_tokens": 120,'
    ' "original_usage.prompt_tokens_details.cached_tokens": 64,'
    ' "original_usage.completion_tokens": 30, "total_tokens": 150}',
    "metadata": {"feature": "search"},
    "tags": ["beta"],
}
MAPS = {
    "usage_details": pa.map_(pa.string(), pa.uint64()),
    "metadata": pa.map_(pa.string(), pa.string()),
}


def _csv(row):
    held = io.StringIO()
    writer = csv.DictWriter(held, list(row))
    writer.writeheader()
    writer.writerow(
        {
            key: json.dumps(cell) if isinstance(cell, (dict, list)) else cell
            for key, cell in row.items()
        }
    )
    return held.getvalue().encode()


def _parquet(row):
    columns = {}
    for key, cell in row.items():
        if key in MAPS:
            columns[key] = pa.array([list(cell.items())], MAPS[key])
        elif key.endswith("_time"):
            columns[key] = pa.array([datetime.fromisoformat(cell)], pa.timestamp("us", "UTC"))
        else:
            columns[key] = pa.array([cell])
    held = io.BytesIO()
    pq.write_table(pa.table(columns), held)
    return held.getvalue()


@pytest.mark.parametrize("row", [ROW, RUN, SPAN], ids=["langfuse", "langsmith", "opik"])
def test_every_kind_of_file_lands_the_same_call(row):
    lake = Lake()
    lake.land(
        log("a.jsonl", lines(row)),
        log("b.json", json.dumps([row], indent=1).encode()),
        log("c.csv", _csv(row)),
        log("d.parquet", _parquet(row)),
    )
    calls = lake.rows()
    assert calls["source_file"].to_list() == ["a.jsonl", "b.json", "c.csv", "d.parquet"]
    same = (
        "call_id", "trace_id", "started_at", "latency_ms", "feature", "model", "tags",
        "uncached_input", "cache_read", "output_text", "source_format",
    )  # fmt: skip
    assert calls.select(same).unique().height == 1
    assert calls["uncached_input"][0] == 56

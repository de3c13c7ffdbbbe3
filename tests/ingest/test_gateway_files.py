"""Files as gateways leave them: one indented payload a file, a table as CSV or Parquet."""

import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.ingest.worlds import landed, lines, log

PAYLOADS = Path(__file__).parents[1] / "formats" / "payloads"


def record(name, case="chat"):
    """The record of one case in a file of payloads."""
    rows = map(json.loads, (PAYLOADS / f"{name}.jsonl").read_text().splitlines())
    return next(row["record"] for row in rows if row["case"] == case)


def spend_logs_table():
    times = ("startTime", "endTime", "completionStartTime")
    row = record("litellm_spend_logs")
    return pl.DataFrame([row | {name: datetime.fromisoformat(row[name]) for name in times}])


def as_parquet(table):
    file = io.BytesIO()
    table.write_parquet(file)
    return file.getvalue()


FILES = {
    "spend/2026-11-10/chatcmpl-real-1.json": json.dumps(record("litellm"), indent=2).encode(),
    "spend/payloads.jsonl": lines(record("litellm")),
    "spend/rows.jsonl": lines(record("litellm_spend_logs")),
    "spend/rows.csv": spend_logs_table().write_csv().encode(),
    "spend/rows.parquet": as_parquet(spend_logs_table()),
}


@pytest.mark.parametrize("path", FILES)
def test_litellm_is_read_out_of_every_file_it_or_its_database_writes(path):
    lake = landed(log(path, FILES[path]))
    assert lake.counts(path) == (lake.file(path)["lines"], 1, 0, 0, 0, 0)
    names = ("source_format", "call_id", "started_at", "uncached_input", "cache_read",
             "output_text", "reasoning", "cost_reported", "feature", "ttft_ms")  # fmt: skip
    assert lake.rows().select(names).rows() == [
        (
            "litellm", "chatcmpl-real-1", datetime.fromisoformat("2026-11-10T09:15:02"),
            1024, 1024, 32, 64, Decimal("0.0006656"), "support_assistant", None,
        )
    ]  # fmt: skip

"""MLflow's ``search_traces`` frame saved as CSV: the calls of its JSON lines, or a clear word."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.worlds import Lake, landed, lines, log, reasons

PAYLOAD = Path(__file__).parents[1] / "formats" / "payloads" / "mlflow_frame.jsonl"
ROW: dict[str, Any] = json.loads(PAYLOAD.read_text().splitlines()[0])


def csv_of(row: dict[str, Any], *, index: bool = True) -> bytes:
    """A row as pandas writes it: lists and objects as Python prints them, an index without name."""
    held = io.StringIO()
    row = ({"": 0} if index else {}) | row
    csv.writer(held).writerows([row, ["" if cell is None else cell for cell in row.values()]])
    return held.getvalue().encode()


def calls_of(lake: Lake) -> list[tuple[Any, ...]]:
    told = ("call_id", "trace_id", "started_at", "model", "uncached_input", "cache_read",
            "output_text", "session_id", "feature")  # fmt: skip
    return lake.rows().select(told).rows()


@pytest.mark.parametrize("index", [True, False])
def test_a_frame_saved_as_csv_holds_the_calls_of_its_json_lines(index: bool) -> None:
    whole = landed(log("log.jsonl", lines(ROW)))
    saved = landed(log("frame.csv", csv_of(ROW, index=index)))
    assert saved.file("frame.csv")["source_format"] == "mlflow"
    assert saved.counts("frame.csv") == whole.counts()
    assert calls_of(saved) == calls_of(whole) != []


@pytest.mark.parametrize("trace", ["Trace(trace_id=tr-e3d7)", None])
def test_a_frame_whose_traces_python_printed_is_rejected_with_what_to_do(trace: str | None) -> None:
    saved = landed(log("frame.csv", csv_of(ROW | {"trace": trace})))
    assert saved.counts("frame.csv") == (1, 0, 0, 0, 1, 0)
    ((_, why),) = reasons(saved)
    assert "to_json(orient='records', lines=True)" in why

"""Result files of batches land as calls of the day that their path names."""

from pathlib import Path

from tests.ingest.worlds import landed, log

PAYLOADS = Path(__file__).parents[1] / "formats" / "payloads"


def test_results_without_a_time_land_on_the_day_of_their_file():
    results = (PAYLOADS / "anthropic_batch.jsonl").read_bytes()
    lake = landed(log("batches/2026-11-09/results.jsonl", results))
    rows = lake.rows().sort("call_id")
    assert rows.select("call_id", "status", "is_batch").rows() == [
        ("row-0:msg_1", "ok", True),
        ("row-1:req_6", "error", True),
        ("row-2", "error", True),
        ("row-3", "error", True),
    ]
    assert {str(moment) for moment in rows["started_at"]} == {"2026-11-09 00:00:00"}


def test_every_line_of_an_output_file_is_a_call_or_counted_as_ignored():
    output = (PAYLOADS / "openai_batch.jsonl").read_bytes()
    lake = landed(log("batches/2026-11-09/output.jsonl", output))
    assert lake.counts("batches/2026-11-09/output.jsonl") == (6, 5, 0, 0, 0, 1)

"""Records per CPU-second of each log format: ``python benchmarks/formats.py``.

From lines to typed rows. Every sample below ``tests/formats/payloads`` is repeated to 20,000 lines
of its format. ``openai``,
which DuckDB reads without Python looking at a line, is the yardstick.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from time import process_time

import polars as pl

from llmops_pipelines.formats import FORMATS, Limits, connect, read_lines, sniff, unpack_lines

PAYLOADS = Path(__file__).parents[1] / "tests" / "formats" / "payloads"
LINES = 20_000
LIMITS = Limits(datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2030-01-01"))
CALL = {
    "id": "c-1",
    "timestamp": "2026-11-10T09:15:02.123Z",
    "request": {"model": "m", "messages": [{"role": "user", "content": "Where is it? " * 40}]},
    "response": {
        "model": "m-1",
        "choices": [{"finish_reason": "stop", "message": {"content": "There. " * 60}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    },
}


def samples() -> dict[str, list[str]]:
    """Lines of each format, by its name."""
    found = {"openai": [json.dumps(CALL)]}
    for path in sorted(PAYLOADS.glob("*.jsonl")):
        lines = [line for line in path.read_text().splitlines() if line.startswith("{")]
        if name := sniff(lines[:100]):
            found.setdefault(name, []).extend(lines)
    return found


def measure(name: str, lines: list[str]) -> tuple[int, int, float]:
    """Records and bytes read, and the CPU seconds they took."""
    reading, connection = FORMATS[name].reading(), connect()
    many = (lines * (LINES // len(lines) + 1))[:LINES]
    frame = pl.DataFrame({"n": range(LINES), "raw": many}, schema={"n": pl.Int64, "raw": pl.String})
    frame = frame.with_columns(date=pl.lit("2026-11-10"), digest=pl.lit(None, pl.String))
    started = process_time()
    if reading.unpack is not None:
        frame = unpack_lines(frame, reading.unpack).records
    rows = read_lines(connection, frame.select("n", "raw"), reading, LIMITS)
    took = process_time() - started
    return sum(part.height for part in rows), sum(map(len, many)), took


def main() -> None:
    """One line per format."""
    for name, lines in samples().items():
        records, size, took = measure(name, lines)
        print(
            f"{name:18} {records:7,} records  {records / took:8,.0f} a CPU-s"
            f"  {size / took / 1e6:6.1f} MB a CPU-s"
        )


if __name__ == "__main__":
    main()

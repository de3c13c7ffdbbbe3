"""Parquet and CSV files, row by row."""

import gzip
import io
import json
import tracemalloc

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmops_pipelines.ingest import Sources, files
from llmops_pipelines.ingest.tabular import parquet_blocks
from tests.ingest.worlds import Lake, call, landed, log, reasons

FIELDS = {
    "call_id": "id", "started_at": "when", "model": "model", "input_tokens": "sent",
    "output_tokens": "got", "answer": "reply",
}  # fmt: skip


def sources(match: str):
    entry = {"name": "flat", "match": match, "format": "mapped", "fields": FIELDS}
    return Sources.model_validate({"sources": [entry]})


NAMES = ("id", "when", "model", "sent", "got", "reply")
ROWS = [
    dict(zip(NAMES, ("c-1", "2026-11-10T09:00:00Z", "m", 5, 2, "Yes"), strict=True)),
    dict(zip(NAMES, ("c-2", "2026-11-10T10:00:00Z", "m", 7, 3, "a,\nb"), strict=True)),
]


def csv_of(rows) -> bytes:
    return pl.DataFrame(rows).write_csv().encode()


def read(path: str, data: bytes) -> Lake:
    return landed(log(path, data), sources=sources(path))


def rows_of(lake: Lake):
    rows = lake.rows().select("call_id", "source_line", "uncached_input", "output_text")
    return rows.rows()


def test_a_csv_file_is_read_row_by_row_with_quotes_and_line_breaks():
    lake = read("logs.csv", csv_of(ROWS))
    assert rows_of(lake) == [("c-1", 1, 5, 2), ("c-2", 2, 7, 3)]
    assert lake.counts("logs.csv") == (2, 2, 0, 0, 0, 0)


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_cells_may_be_parted_by_other_marks(mark):
    data = pl.DataFrame(ROWS).write_csv(separator=mark).encode()
    assert rows_of(read("logs.csv", data)) == [("c-1", 1, 5, 2), ("c-2", 2, 7, 3)]


def test_a_packed_csv_file_is_read_too():
    assert len(rows_of(read("logs.csv.gz", gzip.compress(csv_of(ROWS))))) == 2


def test_a_row_with_too_many_cells_is_rejected_alone():
    lake = read("logs.csv", csv_of(ROWS[:1]) + b"c-3,2026-11-10T11:00:00Z,m,1,1,x,y,z\n")
    assert rows_of(lake) == [("c-1", 1, 5, 2)]
    assert reasons(lake) == [(2, "row: has 8 cells, the header 6; quote cells with commas")]


def test_a_csv_file_that_ends_too_early_keeps_its_rows():
    packed = gzip.compress(csv_of(ROWS * 500))
    lake = read("logs.csv.gz", packed[: len(packed) - 10])
    calls = lake.counts("logs.csv.gz")[1]
    assert calls > 0
    assert "gzip data" in reasons(lake)[0][1]


def test_a_parquet_file_is_read_row_by_row():
    file = io.BytesIO()
    pl.DataFrame(ROWS).with_columns(pl.col("when").str.to_datetime(time_zone="UTC")).write_parquet(
        file
    )
    lake = read("logs.parquet", file.getvalue())
    assert rows_of(lake) == [("c-1", 1, 5, 2), ("c-2", 2, 7, 3)]


def test_nested_columns_of_parquet_are_objects():
    file = io.BytesIO()
    pl.DataFrame([json.loads(json.dumps(call(1)))]).write_parquet(file)
    lake = landed(log("any-name", file.getvalue()))
    assert lake.rows()["call_id"].to_list() == ["c-1"]
    assert lake.file("any-name")["source_format"] == "openai"


def test_a_damaged_parquet_file_is_one_rejection_with_a_remedy():
    file = io.BytesIO()
    pl.DataFrame(ROWS).write_parquet(file)
    lake = read("logs.parquet", file.getvalue()[:-20])
    assert reasons(lake) == [
        (0, "file: is no whole Parquet file; export it again (1 line rejected)")
    ]


def as_parquet(columns, **how) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **how)
    return file.getvalue()


def why_refused(data: bytes, **limits) -> str:
    ((_, why),) = reasons(landed(log("x.parquet", data), **limits))
    return why


def test_a_parquet_file_of_very_many_columns_is_refused():
    why = why_refused(as_parquet({f"c{n}": [1] for n in range(10_001)}))
    assert why.startswith("file: declares 10,001 columns, more than the 10,000 that are read;")


def test_a_parquet_column_that_swells_beyond_measure_is_refused():
    bomb = as_parquet(
        {"text": ["x" * 2**20] * 65}, compression="zstd", use_dictionary=False, row_group_size=65
    )
    assert len(bomb) < 60_000
    why = why_refused(bomb)
    assert "bytes of column text unpack to 68,1" in why
    assert why.endswith("more than 1,000 times as many; export it again (1 line rejected)")


def test_a_text_that_is_stored_once_for_many_rows_is_never_held_for_all_of_them():
    rows = 400
    ids = [f"c-{n}" for n in range(rows)]
    text = {"id": ids, "when": ["2026-11-10T09:00:00Z"] * rows, "reply": ["y" * 2**20] * rows}
    data = as_parquet(text, dictionary_pagesize_limit=2**24)
    assert len(data) < 200_000
    tracemalloc.start()
    lines = sum(block.lines for block in parquet_blocks(iter([data]), 2**21))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == rows
    assert peak < 300 * 2**20


def test_rows_that_repeat_a_long_text_are_read_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(files, "_SWOLLEN", 2**24)
    monkeypatch.setattr(files, "_SWELLING", 1)
    rows = 10_000
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["y" * 2_000])
    data = as_parquet({"id": list(range(rows)), "reply": texts})
    *read, last = parquet_blocks(iter([data]), 2**20)
    assert sum(block.lines for block in read) == last.line - 1 == 8_000
    assert last.lines == 2_000
    assert last.reason.startswith("file: its texts unpack to more than 16,777,216 bytes;")


def test_a_table_of_no_known_format_says_how_to_describe_it():
    lake = landed(log("strange.csv", b"a,b\n1,2\n3,4\n"))
    ((line, why),) = reasons(lake)
    assert line == 0
    assert why.startswith("file: no known format (")
    assert why.endswith("(2 lines rejected)")


def test_a_table_without_rows_is_empty():
    lake = landed(log("empty.csv", b"a,b\n"))
    assert lake.counts("empty.csv") == (0, 0, 0, 0, 0, 0)

"""Parquet and CSV files, row by row."""

import gzip
import io
import json
import tracemalloc
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmops_pipelines.ingest import Sources
from llmops_pipelines.ingest.log_files import files, parquet_bounds, tabular
from llmops_pipelines.ingest.log_files.parquet_pages import pages_of
from llmops_pipelines.ingest.log_files.tabular import parquet_blocks
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


def test_a_table_may_be_called_by_its_tabs():
    data = pl.DataFrame(ROWS).write_csv(separator="\t").encode()
    assert len(rows_of(read("logs.TSV", data))) == 2


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


def test_columns_of_every_kind_become_json():
    columns = {
        "text": ["a", "a"],
        "map": pa.array([[("k", "v")], []], pa.map_(pa.string(), pa.string())),
        "large": pa.array([["q"], None], pa.large_list(pa.large_string())),
        "pair": pa.array([["a", "b"], None], pa.list_(pa.string(), 2)),
        "object": [{"x": {"y": ["z"]}}, None],
        "bytes": pa.array([b"ab", None], pa.binary()),
        "money": pa.array([Decimal("1.50"), None]),
    }
    (block,) = parquet_blocks(iter([as_parquet(columns)]), 2**20)
    assert [json.loads(row) for row in block.data.splitlines()] == [
        {"text": "a", "map": [["k", "v"]], "large": ["q"], "pair": ["a", "b"],
         "object": {"x": {"y": ["z"]}}, "bytes": "6162", "money": "1.50"},
        {"text": "a", "map": [], "large": None, "pair": None, "object": None, "bytes": None,
         "money": None},
    ]  # fmt: skip


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


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "in lists"])
def test_a_text_that_is_stored_once_for_many_rows_is_never_held_for_all_of_them(
    nested, monkeypatch
):
    monkeypatch.setattr(tabular, "_BATCH_BYTES", 2**24)
    rows, text = 200, "y" * 2**20
    replies = [[text]] * rows if nested else [text] * rows
    data = as_parquet({"id": list(range(rows)), "reply": replies}, dictionary_pagesize_limit=2**24)
    assert len(data) < 200_000
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    lines = arrow = 0
    for block in parquet_blocks(iter([data]), 2**21):
        lines += block.lines
        arrow = max(arrow, pa.total_allocated_bytes() - before)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == rows
    assert peak < 100 * 2**20
    assert arrow < 100 * 2**20


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


def test_a_file_of_more_rows_than_bytes_is_refused():
    """A constant column is a run, whatever its length: a billion rows would be no longer."""
    out = io.BytesIO()
    group = pa.table({"id": pa.DictionaryArray.from_arrays(pa.nulls(2**20, pa.int8()), ["x"])})
    with pq.ParquetWriter(out, group.schema) as writer:
        for _ in range(4):
            writer.write_table(group)
    assert len(out.getvalue()) < 20_000
    why = why_refused(out.getvalue())
    assert why.startswith("file: declares 4,194,304 rows in ")
    assert "bytes, more than one a byte; export it again" in why


def test_a_page_that_asks_for_more_memory_than_the_footer_says_is_refused(monkeypatch):
    monkeypatch.setattr(parquet_bounds, "_PAGES", 2**19)
    honest = as_parquet({"id": [1] * 20_000}, use_dictionary=False, compression="zstd")
    column = pq.read_metadata(io.BytesIO(honest)).row_group(0).column(0)
    size = pages_of(io.BytesIO(honest), column).largest
    assert why_refused(honest).startswith("file: no known format")
    assert zigzag(size) in honest[: column.data_page_offset + 20]
    lying = honest.replace(zigzag(size), zigzag(1_000_000), 1)
    assert pq.read_metadata(io.BytesIO(lying)).row_group(0).column(0) == column
    assert why_refused(lying) == (
        "file: has pages that take 1,000,000 bytes at once in row group 0, more than the 524,288"
        " that are read; export it with smaller pages (1 line rejected)"
    )


def zigzag(number: int) -> bytes:
    """A whole number as Thrift's compact protocol writes it."""
    folded, written = number << 1, bytearray()
    while folded > 0x7F:
        written.append(folded & 0x7F | 0x80)
        folded >>= 7
    return bytes([*written, folded])


def test_pages_that_are_none_make_no_parquet_file():
    data = as_parquet({"id": [1] * 50})
    begin = pq.read_metadata(io.BytesIO(data)).row_group(0).column(0).dictionary_page_offset
    for junk in (b"\xff" * 30, b"\x1c" * 30, b"\0" * 30):
        broken = data[:begin] + junk + data[begin + 30 :]
        assert why_refused(broken) == (
            "file: is no whole Parquet file; export it again (1 line rejected)"
        )


def test_a_list_of_more_values_than_its_bytes_is_refused(monkeypatch):
    monkeypatch.setattr(parquet_bounds, "_VALUES", 100_000)
    items = pa.ListArray.from_arrays([0, 200_000], pa.nulls(200_000, pa.int8()))
    why = why_refused(as_parquet({"items": items}))
    assert why.startswith("file: declares 200,000 values in the lists of row group 0, which take ")


def test_a_long_list_in_one_row_is_a_line_that_is_too_long(monkeypatch):
    monkeypatch.setattr(tabular, "_BATCH_VALUES", 1_000)
    items = pa.ListArray.from_arrays([0, 600_000, 600_001], pa.nulls(600_001, pa.int8()))
    long, short = parquet_blocks(iter([as_parquet({"items": items})]), 2**20)
    assert (long.line, long.size) == (1, 1_200_002)
    assert short.data == b'{"items":[null]}\n'


def test_texts_written_by_what_they_share_come_few_rows_at_a_time(monkeypatch):
    """Of DELTA_BYTE_ARRAY each text may be as long as the page, and take two bytes of it."""
    monkeypatch.setattr(parquet_bounds, "_HELD", 2**20)
    data = as_parquet(
        {"reply": ["z" * 2**16 + str(number) for number in range(100)]}, use_dictionary=False,
        column_encoding={"reply": "DELTA_BYTE_ARRAY"},
    )  # fmt: skip
    assert len(data) < 100_000
    plan = parquet_bounds.reading_plan(io.BytesIO(data), len(data), 2**21)
    assert (plan.batch_rows, plan.stored_once) == (15, [])
    assert sum(block.lines for block in parquet_blocks(iter([data]), 2**21)) == 100


def test_lists_written_by_what_they_share_are_refused():
    data = as_parquet(
        {"items": [["ab", "abc"]]}, use_dictionary=False,
        column_encoding={"items.list.element": "DELTA_BYTE_ARRAY"},
    )  # fmt: skip
    assert "writes the lists of column items.list.element as DELTA_BYTE_ARRAY" in why_refused(data)


def test_a_table_of_no_known_format_says_how_to_describe_it():
    lake = landed(log("strange.csv", b"a,b\n1,2\n3,4\n"))
    ((line, why),) = reasons(lake)
    assert line == 0
    assert why.startswith("file: no known format (")
    assert why.endswith("(2 lines rejected)")


def test_a_table_without_rows_is_empty():
    lake = landed(log("empty.csv", b"a,b\n"))
    assert lake.counts("empty.csv") == (0, 0, 0, 0, 0, 0)

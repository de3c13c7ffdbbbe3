"""Records of a file of any kind, as lines of JSON."""

import gzip
import io
import json

import polars as pl
import pytest

from llmops_pipelines.ingest.log_files.files import LogFile, read_content
from llmops_pipelines.ingest.log_files.lines import Block, Refused
from llmops_pipelines.ingest.log_files.record_files import record_blocks, record_lines

RECORDS = [{"id": "a", "n": 1}, {"id": "b", "n": 12345678901234567890}]


def content(data, name="x.json"):
    return read_content(LogFile(name, len(data), 0, lambda _: io.BytesIO(data)))


def read(data, name="x.json", most=1_000):
    return [
        item if isinstance(item, Refused) else (item[0], json.loads(item[1]))
        for item in record_lines(content(data, name), most)
    ]


@pytest.mark.parametrize(
    "data",
    [
        "\n".join(map(json.dumps, RECORDS)).encode(),
        json.dumps(RECORDS).encode(),
        json.dumps(RECORDS, indent=2).encode(),
        b"\xef\xbb\xbf" + json.dumps(RECORDS, indent=2).encode(),
        gzip.compress(json.dumps(RECORDS).encode(), mtime=0),
    ],
)
def test_lines_and_arrays_hold_the_same_records_with_every_digit(data):
    name = "x.json.gz" if data[:2] == b"\x1f\x8b" else "x.json"
    assert read(data, name) == [(1, RECORDS[0]), (2, RECORDS[1])]


def test_one_object_over_several_lines_is_one_record():
    assert read(json.dumps(RECORDS[0], indent=2).encode()) == [(1, RECORDS[0])]


def test_cells_of_csv_are_texts_and_those_of_parquet_keep_their_kind():
    frame = pl.DataFrame({"id": ["a", "b"], "n": [1, 2]})
    file = io.BytesIO()
    frame.write_parquet(file)
    assert read(frame.write_csv().encode(), "x.csv") == [
        (1, {"id": "a", "n": "1"}),
        (2, {"id": "b", "n": "2"}),
    ]
    assert read(file.getvalue(), "x.parquet") == [
        (1, {"id": "a", "n": 1}),
        (2, {"id": "b", "n": 2}),
    ]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", b"[\n]"])
def test_nothing_holds_no_record(data):
    assert read(data) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (json.dumps(RECORDS).encode()[:-5], "begins like a JSON array and is none"),
        (b"PK\x03\x04", "is a zip archive"),
        (b"PAR1 and no more", "is no whole Parquet file"),
    ],
)
def test_what_is_no_records_is_one_refusal(data, reason):
    (refused,) = read(data)
    assert refused.line == 1
    assert reason in refused.reason


def test_a_record_that_is_too_long_is_refused_alone():
    records = [{"id": "a"}, {"id": "x" * 100}, {"id": "c"}]
    first, long, last = read(json.dumps(records).encode(), most=50)
    assert (first, last) == ((1, records[0]), (3, records[2]))
    assert (long.line, "more than the 50" in long.reason) == (2, True)
    one = json.dumps({"id": "x" * 100}, indent=1).encode()
    assert [item.line for item in read(one, most=50)] == [1]


def test_an_array_is_few_blocks():
    blocks = list(record_blocks(content(json.dumps([{"n": n} for n in range(999)]).encode()), 50))
    assert [(type(block), block.first_line, block.lines) for block in blocks] == [(Block, 1, 999)]

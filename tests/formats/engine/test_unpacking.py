"""Lines that hold many records."""

import json

import polars as pl
import pytest

from llmops_pipelines.formats import unpack_lines


def unpack(record):
    for item in record["items"]:
        yield {"kind": "ignored"} if item is None else {"kind": "call", "call_id": item}


def unpacked(*lines: str, date: str | None = None):
    frame = pl.DataFrame(
        {"n": range(len(lines)), "raw": lines, "date": date},
        schema={"n": pl.Int64, "raw": pl.String, "date": pl.String},
    )
    return unpack_lines(frame, unpack)


def test_a_record_knows_its_line_and_its_place_in_it():
    found = unpacked('{"items": ["a"]}', '{"items": ["b", null, "c"]}')
    assert found.records.select("n", "line", "record").rows() == [(0, 0, 0), (1, 1, 0), (2, 1, 2)]
    assert [json.loads(raw)["call_id"] for raw in found.records["raw"]] == ["a", "b", "c"]


def test_only_records_that_share_a_line_need_digests_of_their_own():
    digests = unpacked('{"items": ["a"]}', '{"items": ["b", "b"]}').records["digest"].to_list()
    assert digests[0] is None
    assert digests[1] == digests[2]


def test_irrelevant_records_and_lines_without_any_are_counted():
    found = unpacked('{"items": [null, "a", null]}', '{"items": []}')
    assert found.ignored.rows() == [(0, 2), (1, 1)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line: not JSON, it ends before its closing brace; write one JSON object per line"),
        ("nope", "line: not JSON; write one JSON object per line"),
        ("[1]", "record: is not built as documented (is list, expected an object)"),
        ('{"items": 3}', "record: is not built as documented ('int' object is not iterable)"),
        ('{"secret": "s"}', "record: is not built as documented (KeyError)"),
    ],
)
def test_a_line_that_does_not_fit_is_told_and_never_quoted(line, reason):
    found = unpacked(line)
    assert found.misfits.rows() == [(0, reason)]
    assert found.records.is_empty()


def test_a_line_nested_too_deeply_is_a_misfit():
    assert unpacked('{"items": ' + "[" * 5000 + "]" * 5000 + "}").misfits.height == 1


def test_a_record_without_a_time_takes_the_date_of_its_line():
    (raw,) = unpacked('{"items": ["a"]}', date="2026-11-10").records["raw"]
    assert json.loads(raw)["started_at"] == "2026-11-10"


def test_what_only_pythons_encoder_writes_is_read():
    found = unpacked(
        r'{"items": ["a \ud83d"], "score": NaN}', '{"items": ["a"], "score": -Infinity}'
    )
    assert found.misfits.is_empty()
    assert [("\\ud83d" in raw, "NaN" in raw) for raw in found.records["raw"]] == [
        (False, False)
    ] * 2

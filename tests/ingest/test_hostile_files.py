"""Whatever lies in the log folder, good lines land, bad ones are counted, nothing is lost."""

import gzip
import hashlib
import io
import json

import polars as pl
import pytest
import zstandard

from llmops_pipelines.ingest import LogFile, unaccounted_files
from llmops_pipelines.ingest.log_files import files
from llmops_pipelines.ingest.log_files.lines import Refused, read_blocks
from llmops_pipelines.ingest.log_files.tabular import csv_blocks
from llmops_pipelines.tables import CALL_TEXTS, LANDED_REJECTIONS
from tests.ingest.worlds import Lake, call, landed, landed_lines, line, lines, log, options, reasons

TEN = lines(*(call(number) for number in range(10)))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("flat.jsonl", TEN),
        ("2026/11/10/nested.ndjson", TEN),
        ("no-extension", TEN),
        ("packed.jsonl.gz", gzip.compress(TEN)),
        ("packed.zst", zstandard.compress(TEN)),
        ("misnamed.txt", gzip.compress(TEN)),
        ("two-members.gz", gzip.compress(TEN[:600]) + gzip.compress(TEN[600:])),
        ("two-frames.zst", zstandard.compress(TEN[:600]) + zstandard.compress(TEN[600:])),
        ("mark.jsonl", b"\xef\xbb\xbf" + TEN),
        ("windows.jsonl", TEN.replace(b"\n", b"\r\n")),
        ("unended.jsonl", TEN.rstrip(b"\n")),
        ("powershell.jsonl", TEN.decode().encode("utf-16")),
        ("big-endian.jsonl.gz", gzip.compress(b"\xfe\xff" + TEN.decode().encode("utf-16-be"))),
    ],
)
def test_a_file_of_any_name_and_packing_is_read(path, data):
    lake = landed(log(path, data))
    assert lake.counts(path) == (10, 10, 0, 0, 0, 0)
    assert lake.rows()["call_id"].to_list() == [f"c-{number}" for number in range(10)]
    assert lake.rows()["source_line"].to_list() == list(range(1, 11))


def test_line_endings_and_marks_are_no_part_of_a_record():
    plain, windows = landed(log("a", TEN)), landed(log("a", TEN.replace(b"\n", b"\r\n")))
    marked = landed(log("a", b"\xef\xbb\xbf" + TEN))
    digests = [lake.rows()["record_digest"].to_list() for lake in (plain, windows, marked)]
    assert digests[0] == digests[1] == digests[2]
    assert digests[0][0] == hashlib.sha256(line(call(0))).hexdigest()[:32]


def test_utf_16_that_is_cut_off_within_a_character_keeps_its_whole_lines():
    text = TEN.decode().replace("Question", "\u05e9\U0001f600").encode("utf-16")
    lake = landed(log("log.jsonl", text[:-101]))
    assert lake.counts() == (10, 9, 0, 0, 1, 0)
    questions = lake.rows(CALL_TEXTS)["question"].to_list()
    assert questions == [f"\u05e9\U0001f600 {n}?" for n in range(9)]


def test_an_empty_file_is_landed_without_lines():
    assert landed(log("log.jsonl", b"")).counts() == (0, 0, 0, 0, 0, 0)


def test_blank_lines_are_ignored_and_counted():
    assert landed(log("log.jsonl", b"\n  \n\r\n\t\n")).counts() == (4, 0, 0, 0, 0, 4)
    assert landed_lines(call(1), "", call(2), "   ").counts() == (4, 2, 0, 0, 0, 2)


def test_a_binary_file_is_one_rejection_that_counts_its_lines():
    lake = landed(log("log.jsonl", b"\x00\x01\n\x02\x00\nrest"))
    assert lake.counts() == (3, 0, 0, 0, 3, 0)
    assert reasons(lake) == [
        (0, "file: is binary, not lines of JSON; export it as NDJSON (plain, gz or zst)"
            " (3 lines rejected)"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PK\x03\x04rest", "a zip archive"),
        (b"BZh9rest", "bzip2"),
    ],
)
def test_a_foreign_file_is_named(data, kind):
    assert f"file: is {kind}, not lines of JSON" in reasons(landed(log("x", data)))[0][1]


def test_a_file_that_swells_beyond_measure_is_read_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(files, "_SWOLLEN", 2**20)
    bomb = zstandard.compress(lines(call(1)) + (b"x" * 20 + b"\n") * 300_000)
    lake = landed(log("bomb.jsonl.zst", bomb))
    assert lake.file("bomb.jsonl.zst")["calls"] == 1
    (why,) = {why for _, why in reasons(lake) if why.startswith("file:")}
    assert why == (
        f"file: its {len(bomb):,} bytes unpack to more than 1,048,576, where reading stopped; the"
        " lines before are kept, if it is a log, put it there in plain text"
    )


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_file_that_swells_comes_in_pieces_of_bounded_size(pack):
    bomb = pack(b"x" * 2**27)
    assert len(bomb) < 2**18
    content = files.read_content(LogFile("bomb", len(bomb), 0, lambda _: io.BytesIO(bomb)))
    sizes = [len(piece) for piece in content.chunks()]
    assert sum(sizes) == 2**27
    assert max(sizes) <= 2**25


def test_very_many_short_lines_come_in_parts_of_few_lines():
    lake = Lake(options(batch_lines=100))
    batches = lake.land(log("x.jsonl", lines(call(1)) + b"x\n" * 1_000))
    assert len(batches) == 11
    assert lake.counts("x.jsonl") == (1_001, 1, 0, 0, 1_000, 0)
    assert [line for line, _ in reasons(lake)] == list(range(2, 1_002))


def test_very_many_lines_without_a_day_wait_for_none():
    lake = Lake(options(batch_lines=100))
    record = b'{"request": {"messages": []}}\n'
    first, *_ = lake.land(log("2026-11-09.jsonl", record * 1_050 + lines(call(1))))
    assert sum(frame.height for days in first.tables.values() for frame in days.values()) == 0
    assert lake.counts("2026-11-09.jsonl") == (1_051, 1, 0, 0, 1_050, 0)
    days = lake.rows(LANDED_REJECTIONS)["day"].dt.day().value_counts(sort=True)
    assert days["day"].to_list() == [9, 10]


def test_a_broken_parquet_file_is_named():
    ((where, why),) = reasons(landed(log("x.parquet", b"PAR1....")))
    assert (where, why) == (
        0, "file: is no whole Parquet file; export it again (1 line rejected)"
    )  # fmt: skip


def test_a_binary_line_among_good_ones_is_only_itself_rejected():
    lake = landed_lines(call(1), b"\x00\xff\xfe\x01", call(2))
    assert lake.counts() == (3, 2, 0, 0, 1, 0)


def test_a_line_that_is_not_utf8_is_rejected_with_its_remedy():
    lake = landed_lines(call(1), b'{"id": "caf\xe9"}', call(2))
    assert reasons(lake) == [(2, "line: is not UTF-8; write logs as UTF-8")]


def test_an_unknown_format_is_one_row_however_long_the_file():
    lake = landed(log("log.jsonl", lines(*({"foo": number} for number in range(500)))))
    assert lake.counts() == (500, 0, 0, 0, 500, 0)
    ((where, why),) = reasons(lake)
    assert where == 0
    assert "recognises its records; add an entry" in why
    assert "(500 lines rejected)" in why
    assert unaccounted_files(lake.index).is_empty()


def test_a_text_that_is_no_json_is_one_row():
    lake = landed(log("log.jsonl", b"hello\nworld\n"))
    assert lake.counts() == (2, 0, 0, 0, 2, 0)
    assert "none of its first lines is a JSON object" in reasons(lake)[0][1]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_truncated_file_keeps_what_unpacks_and_says_so_once(pack):
    import random

    randomness = random.Random(1)  # so that the packed file is long enough to be cut
    records = [call(n, note=randomness.randbytes(400).hex()) for n in range(2000)]
    whole = pack(lines(*records))
    lake = landed(log("log.jsonl", whole[: len(whole) * 3 // 4]))
    read, calls, *_, rejected, _ = lake.counts()
    assert (read, rejected) == (calls + 1, 1)
    assert 500 < calls < 2000
    ((where, why),) = reasons(lake)
    assert where == read
    assert "ends too early; the lines before are kept, put the whole file back" in why


def test_a_file_cut_off_before_its_first_line_is_one_rejection():
    lake = landed(log("log.jsonl.gz", gzip.compress(TEN)[:15]))
    assert lake.counts("log.jsonl.gz") == (1, 0, 0, 0, 1, 0)
    assert "its gzip data ends too early" in reasons(lake)[0][1]


def test_a_damaged_checksum_keeps_the_lines_and_says_so():
    packed = bytearray(gzip.compress(TEN))
    packed[-8] ^= 0xFF
    lake = landed(log("log.jsonl", bytes(packed)))
    assert lake.counts() == (11, 10, 0, 0, 1, 0)
    assert "its gzip data is damaged" in reasons(lake)[0][1]


def test_a_damaged_frame_is_told():
    lake = landed(log("log.jsonl", zstandard.compress(TEN) + b"junkjunk"))
    assert lake.counts() == (11, 10, 0, 0, 1, 0)
    assert "its zstd data is damaged" in reasons(lake)[0][1]


def test_a_line_of_20_mb_is_rejected_without_stopping_its_neighbours():
    huge = line(call(2, note="x" * 20_000_000))
    lake = landed_lines(call(1), huge, call(3))
    assert lake.rows()["call_id"].to_list() == ["c-1", "c-3"]
    (row,) = lake.rows(LANDED_REJECTIONS).to_dicts()
    assert row["record_digest"] == hashlib.sha256(huge).hexdigest()[:32]
    assert (row["source_line"], row["size"]) == (2, len(huge))
    assert row["reason"].startswith(f"line: has {len(huge):,} bytes, more than the 10,000,000")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_line_above_the_limit_has_one_digest_however_it_ends(end):
    huge = line(call(2, note="x" * 500))
    data = lines(call(1, note=None)) + huge + end
    for limit in (500, 400):
        lake = landed(log("log.jsonl", data), max_line_bytes=limit)
        (row,) = lake.rows(LANDED_REJECTIONS).to_dicts()
        assert row["record_digest"] == hashlib.sha256(huge).hexdigest()[:32]
        assert row["size"] == len(huge)


def test_a_line_of_exactly_the_limit_is_read():
    record = line(call(1))
    assert landed_lines(record, max_line_bytes=len(record)).counts() == (1, 1, 0, 0, 0, 0)
    assert landed_lines(record, max_line_bytes=len(record) - 1).counts() == (1, 0, 0, 0, 1, 0)


def test_a_bomb_is_read_in_bounded_pieces():
    bomb = gzip.compress(b"\0" * 40_000_000)
    lake = landed(log("log.jsonl", bomb))
    assert lake.counts() == (1, 0, 0, 0, 1, 0)


@pytest.mark.parametrize("text", ["[%s]", "[\n%s\n]", "  [%s]  "])
def test_an_array_is_read_as_if_each_element_were_a_line(text):
    body = ",\n".join(json.dumps(call(number), indent=2) for number in range(3))
    lake = landed(log("log.json", (text % body).encode()))
    assert lake.counts("log.json") == (3, 3, 0, 0, 0, 0)
    assert lake.rows()["source_line"].to_list() == [1, 2, 3]


def test_one_object_over_several_lines_is_one_record():
    lake = landed(log("log.json", json.dumps(call(1), indent=2).encode()))
    assert lake.counts("log.json") == (1, 1, 0, 0, 0, 0)


def test_an_empty_array_has_no_lines():
    assert landed(log("log.json", b"[]")).counts("log.json") == (0, 0, 0, 0, 0, 0)


def test_several_objects_over_several_lines_with_an_odd_one_are_rejected_with_a_remedy():
    body = "\n}\n".join(json.dumps(call(number), indent=2) for number in range(3))
    lake = landed(log("log.json", body.encode()))
    assert lake.counts("log.json")[0] == lake.counts("log.json")[4] == body.count("\n") + 1
    assert "jq -c . log.json" in reasons(lake)[0][1]


def test_an_array_of_unknown_records_is_unknown():
    lake = landed(log("log.json", b'[\n{"a": 1},\n{"a": 2}\n]'))
    assert lake.counts("log.json") == (4, 0, 0, 0, 4, 0)


def test_an_array_cut_off_in_the_middle_is_read_as_lines():
    rows = b"[\n" + b",\n".join(line(call(number)) for number in range(3))
    lake = landed(log("log.json", rows))
    assert lake.counts("log.json") == (4, 1, 0, 0, 3, 0)


def failing(path, error):
    def refuse(_path):
        raise error

    return LogFile(path, 10, 5, refuse)


def test_a_file_that_cannot_be_opened_is_counted_and_tried_again():
    lake = Lake()
    lake.land(failing("log.jsonl", PermissionError(13, "Permission denied")), log("b.jsonl", TEN))
    assert lake.counts("b.jsonl") == (10, 10, 0, 0, 0, 0)
    assert lake.counts() == (1, 0, 0, 0, 1, 0)
    assert reasons(lake) == [
        (0, "file: cannot be read (Permission denied); it is tried again at the next landing")
    ]
    lake.land(LogFile("log.jsonl", 10, 5, lambda _: io.BytesIO(TEN)))
    assert lake.counts() == (10, 10, 0, 0, 0, 0)
    assert reasons(lake) == []


class Breaking(io.BytesIO):
    """A handle that fails once it has given ``after`` bytes."""

    def __init__(self, data, after):
        super().__init__(data)
        self.after = after

    def read(self, size=-1):
        if self.tell() >= self.after:
            raise OSError("connection lost")
        return super().read(min(size, self.after) if size > 0 else self.after)


def test_a_file_that_breaks_off_in_its_second_reading_leaves_no_rows():
    data = lines(*(call(n, note="x" * 5000) for n in range(2000)))
    handles = [io.BytesIO(data), Breaking(data, 5_000_000)]
    lake = Lake()
    lake.options = lake.options.__class__(**{**vars(lake.options), "batch_bytes": 2_000_000})
    lake.land(LogFile("log.jsonl", len(data), 5, lambda _: handles.pop(0)), log("z.jsonl", TEN))
    assert lake.counts() == (1, 0, 0, 0, 1, 0)
    assert lake.counts("z.jsonl") == (10, 10, 0, 0, 0, 0)
    assert set(lake.rows()["source_file"]) == {"z.jsonl"}
    assert any(table == "landed_calls" and rows["source_file"][0] == "log.jsonl"
               for (table, _, _), rows in lake.parts.items())  # fmt: skip
    assert "connection lost" in reasons(lake)[0][1]


def test_a_file_that_cannot_be_read_any_more_keeps_its_old_rows():
    lake = Lake()
    lake.land(log("log.jsonl", TEN))
    lake.land(failing("log.jsonl", OSError("gone")))
    assert lake.rows()["call_id"].len() == 10
    assert len(reasons(lake)) == 1
    lake.land(log("log.jsonl", TEN, modified_ns=7))
    assert reasons(lake) == []
    assert lake.counts() == (10, 10, 0, 0, 0, 0)


def test_a_deeply_nested_line_is_rejected_or_read_but_stops_nothing():
    deep = "[" * 200_000
    assert landed_lines(call(1), deep, call(2)).rows()["call_id"].to_list() == ["c-1", "c-2"]


def test_a_million_bad_lines_would_cost_rows_not_time():
    lake = landed_lines(call(1), *(["{bad"] * 3000))
    assert lake.counts() == (3001, 1, 0, 0, 3000, 0)
    assert lake.rows(LANDED_REJECTIONS)["reason"].n_unique() == 1


def test_thousands_of_tiny_files_go_into_one_part():
    lake = Lake()
    batches = lake.land(*(log(f"{n:04d}.jsonl", lines(call(n))) for n in range(300)))
    assert len(batches) == 1
    assert batches[0].index.height == 300
    assert lake.rows().height == 300


def test_progress_is_told_after_each_file():
    from llmops_pipelines.ingest import land

    told = []
    lake = Lake()
    list(
        land(
            [log("b", TEN), log("a", TEN)],
            lake.options,
            lake.index,
            on_file=lambda *step: told.append(step),
        )
    )
    assert told == [("a", 1, 2), ("b", 2, 2)]


def test_an_alien_pinned_to_a_format_is_still_named():
    from llmops_pipelines.ingest import Sources

    sources = Sources.model_validate({"sources": [{"name": "s", "match": "*", "format": "openai"}]})
    lake = landed(log("x", b"\0\0\0"), sources=sources)
    assert "file: is binary" in reasons(lake)[0][1]
    assert lake.file("x")["source_format"].startswith("openai:s:")
    assert pl.DataFrame(lake.index).height == 1


def test_an_array_too_long_to_hold_is_rejected_with_a_remedy(monkeypatch):
    monkeypatch.setattr("llmops_pipelines.ingest.log_files.record_files._DOCUMENT_BYTES", 200)
    data = b"[\n" + b",\n".join(line(call(number)) for number in range(3)) + b"\n]"
    lake = landed(log("log.json", data))
    assert lake.counts("log.json") == (5, 1, 0, 0, 4, 0)
    one_line = landed(log("log.json", data.replace(b"\n", b"")), max_line_bytes=300)
    assert one_line.counts("log.json") == (1, 0, 0, 0, 1, 0)
    assert "more than the 300 that are read" in reasons(one_line)[0][1]


def test_an_array_that_is_not_utf8_is_rejected():
    lake = landed(log("log.json", b'[\n{"id": "caf\xe9"}\n]'))
    assert lake.counts("log.json") == (3, 0, 0, 0, 3, 0)


def test_a_foreign_file_counts_a_missing_end_as_a_line():
    lake = landed(log("x", gzip.compress(b"\0\n\0\n" * 40)[:-9]))
    read, *_, rejected, _ = lake.counts("x")
    assert read == rejected > 0


def test_a_file_of_next_to_nothing_but_blank_lines_is_read_up_to_a_limit():
    bomb = zstandard.compress(lines(call(1)) + b"\n" * 10_000_000)
    lake = landed(log("bomb.jsonl.zst", bomb))
    row = lake.file("bomb.jsonl.zst")
    assert (row["calls"], row["rejected"]) == (1, 1)
    assert row["lines"] < 400_000
    ((where, why),) = reasons(lake)
    assert where == row["lines"]
    assert "lines are blank or shorter than the 16 bytes a record takes at least" in why
    assert why.endswith("if it is a log, leave the lines out that say nothing")


def test_a_file_of_blank_lines_alone_says_so():
    lake = landed(log("bomb.jsonl.gz", gzip.compress(b"\n" * 10_000_000)))
    row = lake.file("bomb.jsonl.gz")
    assert (row["rejected"], row["lines"]) == (1, row["ignored"] + 1)
    assert row["lines"] < 400_000
    assert "lines are blank or shorter" in reasons(lake)[0][1]


def test_a_table_of_blank_rows_is_read_up_to_a_limit():
    head = b"id,timestamp,model\nc-1,2026-11-10T09:15:02Z,m\n"
    *blocks, last = csv_blocks(iter([head + b"\n" * 200_000]), 100, head)
    assert [block.lines for block in blocks] == [1]
    assert isinstance(last, Refused)
    assert "lines are blank or shorter" in last.reason


def test_a_log_with_a_blank_line_after_each_record_is_read_whole(monkeypatch):
    monkeypatch.setattr("llmops_pipelines.ingest.log_files.lines._MOST_SHORT", 10)
    records = b"\n\n".join(lines(call(n)).rstrip() for n in range(50))
    lake = landed(log("log.jsonl", records + b"\n" * 900))
    assert lake.file("log.jsonl")["calls"] == 50
    assert reasons(lake) == []


@pytest.mark.parametrize(("size", "is_refused"), [(15, True), (16, False)])
def test_a_short_line_is_told_from_a_record_to_the_byte(size, is_refused):
    seen = list(read_blocks(iter([(b"x" * size + b"\n") * 300_000]), 100))
    assert isinstance(seen[-1], Refused) == is_refused


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_document_that_breaks_off_in_the_middle_is_told_so(packed):
    whole = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "chat"}]}]}]})
    lake = landed(log("a/spans.json", packed(whole[:50].encode())))
    assert reasons(lake) == [
        (0, "file: begins as JSON and breaks off before its last brace; export it again, whole"
            " (1 line rejected)"),
    ]  # fmt: skip

"""One night over everything that can be wrong with log files, beside good ones."""

import gzip
import io
import json
import zlib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import polars as pl
import pytest

from llmops_pipelines.cli.night import night
from llmops_pipelines.definitions import resources_of
from llmops_pipelines.orchestration.checking.checks import no_file_lost_lines
from llmops_pipelines.tables import LLM_CALLS, LOG_INDEX, REJECTED_LINES, Table
from tests.cli.worlds import DAY, call, data_folder, settings, text, usage

pytestmark = pytest.mark.slow

BERLIN = "sources:\n- {name: berlin, match: berlin/**, format: openai, zone: Europe/Berlin}\n"
FEATURES = "features:\n  chat: {team: care}\n"
PRICE = 0.00056
"""Dollars of one ``call``: 1,000 tokens in at 0.40 and 100 out at 1.60 a million."""


def cut_short(count: int) -> bytes:
    """A gz file of ``count`` calls without its last bytes."""
    return gzip.compress(text(*(call(number + 100) for number in range(count))))[:-400]


LOGS = {
    "good.jsonl": text(*(call(number) for number in range(1, 6))),
    "again.jsonl": text(call(1), call(1)),
    f"{DAY}/binary.jsonl": bytes(range(256)) * 40,
    f"{DAY}/photo.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    f"{DAY}/unknown.jsonl": text({"when": 1, "who": "x"}, {"when": 2, "who": "y"}),
    "cut.jsonl.gz": cut_short(200),
    "long.jsonl": text(call(10), call(11, note="x" * 20_000_000), call(12)),
    "types.jsonl": text(
        call(20, latency_ms="fast"),
        call(21, response=usage("many", 2)),
        call(22, response=usage(-5, 10)),
        call(23, feature=["chat"]),
        b"[1, 2]",
        b'{"id": "c-24", ',
        call(25),
    ),
    "times.jsonl": text(
        call(30, timestamp="2026-06-03T01:30:00+02:00"),
        call(31, timestamp="2026-06-02T23:59:59"),
        call(32, timestamp="2031-01-01T00:00:00Z"),
        call(33, timestamp="1999-12-31T23:59:59Z"),
        call(34, timestamp="yesterday"),
        call(35, timestamp=None),
    ),
    "berlin/local.jsonl": text(call(40, timestamp="2026-06-03T01:30:00")),
    "features.jsonl": text(call(50, feature="mystery"), call(51, feature=None)),
    "empty.jsonl": b"",
}


class Bad:
    """What the night over ``LOGS`` said and left."""

    def __init__(self, root: Path, code: int, out: str, err: str) -> None:
        self.root, self.code, self.err = root, code, err
        self.found = json.loads(out)

    def read(self, table: Table) -> pl.DataFrame:
        return pl.read_parquet(str(self.root / "lake" / table.name / "**" / "*.parquet"))

    def reason(self, file: str, line: int) -> str:
        rows = self.read(REJECTED_LINES).filter(source_file=file, source_line=line)
        assert rows.height == 1, f"{file}:{line} is {rows.height} times among the rejected"
        return rows["reason"][0]

    def started(self, call_id: str) -> str:
        return str(self.read(LLM_CALLS).filter(call_id=call_id)["started_at"].item())


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    reference = {"sources.yaml": BERLIN, "features.yaml": FEATURES}
    root = data_folder(tmp_path_factory.mktemp("bad"), LOGS, reference)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = night(settings(root), None, None, as_json=True)
    return Bad(root, code, out.getvalue(), err.getvalue())


def unpacked() -> int:
    """How many whole lines of the cut file are left."""
    return zlib.decompressobj(31).decompress(LOGS["cut.jsonl.gz"]).count(b"\n")


def test_the_night_succeeds(bad):
    assert bad.code == 0
    assert bad.found["failures"] == []
    assert list(bad.found["computed"]) == [str(DAY)]


def test_good_lines_are_counted_and_priced_right_beside_bad_ones(bad):
    by_feature = {row["feature"]: row for row in bad.found["days"]}
    chat = 5 + unpacked() + 2 + 1 + 2 + 1
    assert {name: row["calls"] for name, row in by_feature.items()} == {
        "chat": chat,
        "mystery": 1,
        "unattributed": 1,
    }
    assert by_feature["chat"]["cost_usd"] == pytest.approx(chat * PRICE)
    assert by_feature["mystery"]["cost_usd"] == pytest.approx(PRICE)
    assert {row["unpriced_calls"] for row in by_feature.values()} == {0}


def test_no_line_of_any_file_is_lost(bad):
    index = bad.read(LOG_INDEX)
    assert set(index["source_file"]) == set(LOGS)
    for file in index.iter_rows(named=True):
        parts = ("calls", "steps", "feedback", "rejected", "ignored")
        assert file["lines"] == sum(file[part] for part in parts)
    assert no_file_lost_lines(resources_of(settings(bad.root)).lake.open()).passed


def test_a_call_logged_twice_counts_once(bad):
    assert bad.read(LLM_CALLS).filter(call_id="c-1").height == 1


@pytest.mark.parametrize("file", [f"{DAY}/binary.jsonl", f"{DAY}/photo.png"])
def test_a_binary_file_is_one_rejection_with_its_remedy(file, bad):
    assert bad.reason(file, 0).startswith(
        "file: is binary, not lines of JSON; export it as NDJSON (plain, gz or zst)"
    )


def test_a_truncated_gz_keeps_the_lines_before_the_cut(bad):
    assert bad.reason("cut.jsonl.gz", unpacked() + 1) == (
        "file: its gzip data ends too early; the lines before are kept, put the whole file back"
    )


def test_a_line_of_20_mb_stops_nothing(bad):
    assert bad.reason("long.jsonl", 2).startswith("line: has 20,000,")
    assert {"c-10", "c-12"} <= set(bad.read(LLM_CALLS)["call_id"])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (1, "latency_ms: 'fast' is not a finite number"),
        (2, "response.usage.prompt_tokens: 'many' is not a whole number"),
        (3, "response.usage.prompt_tokens: '-5' is negative"),
        (4, "feature: a list is not text"),
        (5, "line: is a list, expected an object"),
        (6, "line: not JSON, it ends before its closing brace"),
    ],
)
def test_wrong_values_are_rejected_by_field(line, says, bad):
    assert bad.reason("types.jsonl", line).startswith(says)


@pytest.mark.parametrize(
    ("call_id", "utc"),
    [
        ("c-30", "2026-06-02 23:30:00"),
        ("c-31", "2026-06-02 23:59:59"),
        ("c-40", "2026-06-02 23:30:00"),
    ],
)
def test_times_with_offset_without_zone_and_with_the_zone_of_their_source_become_utc(
    call_id, utc, bad
):
    assert bad.started(call_id) == utc


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (3, "timestamp: '2031-01-01T00:00:00Z' is more than a day in the future"),
        (4, "timestamp: '1999-12-31T23:59:59Z' is before 2023-01-01"),
        (5, "timestamp: 'yesterday' is not a time; log ISO 8601"),
        (6, "timestamp: is missing"),
    ],
)
def test_times_that_cannot_be_are_rejected(line, says, bad):
    assert bad.reason("times.jsonl", line).startswith(says)


def test_an_unknown_format_names_the_file_to_describe_it_in(bad):
    reason = bad.reason(f"{DAY}/unknown.jsonl", 0)
    assert reason.startswith("file: no known format (")
    assert " recognises its records; " in reason
    assert "sources.yaml" in reason


def test_an_unknown_feature_is_counted_and_pointed_out(bad):
    told = " ".join(bad.err.split())
    assert f"check every_feature_is_known: {DAY}: 1 feature(s) without an entry" in told
    assert "feature mystery, calls 1" in told


def test_a_share_of_rejected_lines_above_the_limit_is_pointed_out(bad):
    assert "check few_lines_are_rejected" in bad.err


def test_the_summary_counts_every_rejected_line_those_of_unreadable_files_too(bad):
    lines = bad.read(LOG_INDEX)["rejected"].sum()
    assert lines > bad.read(REJECTED_LINES).height
    assert sum(row["rejected"] for row in bad.found["days"]) == lines
    unknown = bad.read(REJECTED_LINES).filter(source_file=f"{DAY}/unknown.jsonl")
    assert unknown["lines"].to_list() == [2]

"""Bedrock's invocation logs as S3 and CloudWatch deliver them: the same calls from each."""

import csv
import gzip
import io
import json
from typing import Any

import pytest

from llmops_pipelines.tables import CALL_TEXTS
from tests.formats.test_bedrock import ANSWERED, ASKED, CLAUDE, record
from tests.ingest.worlds import Lake, landed, line, lines, log

FOLDER = "AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/11/10/09"
REQUEST = "915a6a04-3f83-4c70-a277-7fbf7ea546b3"
RECORDS = [record(), record(requestId="b-2")]
EVENTS = [
    {"eventId": str(n), "timestamp": 1794302102000, "message": json.dumps(each)}
    for n, each in enumerate(RECORDS)
]


def _csv() -> bytes:
    held = io.StringIO()
    writer = csv.DictWriter(held, ["timestamp", "message"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(EVENTS)
    return held.getvalue().encode()


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("AWSLogs/1/BedrockModelInvocationLogs/r/a.json.gz", gzip.compress(lines(*RECORDS))),
        (
            "events.json",
            json.dumps({"events": EVENTS, "searchedLogStreams": []}, indent=1).encode(),
        ),
        ("events.jsonl", lines(*EVENTS)),
        ("delivered.json", line({"messageType": "DATA_MESSAGE", "logEvents": EVENTS})),
        ("insights.json", json.dumps([{"@message": each} for each in RECORDS]).encode()),
        ("log-events-viewer-result.csv", _csv()),
    ],
)
def test_each_kind_of_file_holds_the_same_calls(path: str, data: bytes) -> None:
    lake = landed(log(path, data))
    assert lake.file(path)["source_format"] == "bedrock"
    told = lake.rows().select("call_id", "uncached_input", "cache_read", "output_text").rows()
    assert told == [("b-1", 56, 64, 38), ("b-2", 56, 64, 38)]


def kept_apart(**changes: str) -> dict[str, Any]:
    """A record whose bodies lie in S3, as far as its documentation shows one."""
    found = record(requestId=REQUEST)
    for side, name in (("input", "inputBody"), ("output", "outputBody")):
        found[side] = {key: said for key, said in found[side].items() if key != f"{name}Json"}
        path = f"s3://logs/{FOLDER}/data/{REQUEST}_{side}.json.gz"
        found[side][f"{name}S3Path"] = changes.get(side, path)
    return found


def bodies(said: dict[str, bytes]) -> Any:
    """Opens what lies below the log root; anything else is not there."""

    def named(path: str) -> io.BytesIO:
        if path not in said:
            raise FileNotFoundError(path)
        return io.BytesIO(said[path])

    return named


ASKED_THERE = f"{FOLDER}/data/{REQUEST}_input.json.gz"
ANSWERED_THERE = f"{FOLDER}/data/{REQUEST}_output.json.gz"
BODIES = {
    ASKED_THERE: gzip.compress(json.dumps(ASKED).encode()),
    ANSWERED_THERE: gzip.compress(json.dumps(ANSWERED).encode()),
}
COUNTS = ("uncached_input", "cache_read", "output_text")


def landed_apart(files: dict[str, bytes], records: bytes) -> Lake:
    main = log(f"{FOLDER}/a.json", records)._replace(named=bodies(files))
    return landed(main, *(log(path, data) for path, data in files.items()))


def test_bodies_beside_the_log_are_the_texts_of_their_call_and_no_calls_themselves() -> None:
    lake = landed_apart(BODIES, lines(kept_apart()))
    assert lake.rows().select("call_id", *COUNTS).rows() == [(REQUEST, 56, 64, 38)]
    (said,) = lake.rows(CALL_TEXTS).select("question", "answer").rows()
    assert said == ("Where is my order?", "On its way.")
    for path in BODIES:
        assert lake.counts(path) == (1, 0, 0, 0, 0, 1)


def test_a_claude_body_beside_the_log_does_not_cost_twice() -> None:
    body = {ANSWERED_THERE: gzip.compress(json.dumps(CLAUDE).encode())}
    lake = landed_apart(body, lines(kept_apart()))
    assert lake.rows().select("call_id", "answer_chars").rows() == [(REQUEST, 11)]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {ASKED_THERE: b"\x1f\x8b broken", ANSWERED_THERE: gzip.compress(b"{")},
        {ASKED_THERE: gzip.compress(json.dumps({"messages": "x" * 20_000_000}).encode())},
    ],
    ids=["missing", "broken", "huge"],
)
def test_a_body_that_cannot_be_had_leaves_the_counts_and_no_text(files: dict[str, bytes]) -> None:
    lake = landed_apart(files, lines(kept_apart(), record(requestId="b-2")))
    rows = lake.rows().sort("source_line")
    assert rows.select("call_id", *COUNTS).rows() == [(REQUEST, 56, 64, 38), ("b-2", 56, 64, 38)]
    assert rows["answer_chars"].to_list() == [None, 11]


@pytest.mark.parametrize("path", ["s3://logs/../../secret.json", "/etc/passwd", "s3://", "\0"])
def test_a_record_opens_nothing_but_bodies(path: str) -> None:
    asked: list[str] = []

    def named(other: str) -> io.BytesIO:
        asked.append(other)
        raise FileNotFoundError(other)

    main = log(f"{FOLDER}/a.json", lines(kept_apart(input=path)))._replace(named=named)
    assert landed(main).rows()["call_id"].to_list() == [REQUEST]
    assert asked == [ANSWERED_THERE]


def test_logs_in_a_folder_called_data_are_read() -> None:
    path = "data/batch_output.json"
    assert landed(log(path, lines(record()))).counts(path) == (1, 1, 0, 0, 0, 0)

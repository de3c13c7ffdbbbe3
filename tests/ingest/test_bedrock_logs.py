"""Bedrock's invocation logs as S3 and CloudWatch deliver them: the same calls from each."""

import csv
import gzip
import io
import json

import pytest

from tests.formats.test_bedrock import record
from tests.ingest.worlds import landed, line, lines, log

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

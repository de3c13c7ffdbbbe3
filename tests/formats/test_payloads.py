"""Recorded payloads are recognised as the format that their file is named after, and as no other.

``mlflow_frame.jsonl`` is one of mlflow, ``openai_batch.jsonl`` one of openai_batch: the longest
name of a format that the file's name begins with.
"""

import json
from pathlib import Path

import pytest

from llmops_pipelines.formats import FORMATS, sniff

PAYLOADS = sorted((Path(__file__).parent / "payloads").glob("*.jsonl"))


def format_of(file: Path) -> str:
    """The format that a payload is named after; empty if there is none."""
    return max((name for name in FORMATS if file.stem.startswith(name)), key=len, default="")


@pytest.mark.parametrize("file", PAYLOADS, ids=lambda file: file.stem)
def test_a_payload_is_recognised_as_the_format_it_is_named_after(file):
    assert sniff(file.read_text().splitlines()) == format_of(file)


@pytest.mark.parametrize("file", PAYLOADS, ids=lambda file: file.stem)
def test_a_payload_tells_nothing_of_the_machine_it_was_recorded_on(file):
    text = file.read_text()
    assert [word for word in ("/home/", "/root/", "/tmp/", "/Users/") if word in text] == []


@pytest.mark.parametrize("known", FORMATS.values(), ids=lambda known: known.name)
def test_a_record_without_the_marks_of_a_format_is_not_recognised_by_it(known):
    for file in PAYLOADS:
        for line in file.read_text().splitlines():
            record = json.loads(line)
            if known.recognises(record):
                assert record.keys() & {*known.marks}
                assert not known.recognises(
                    {key: value for key, value in record.items() if key not in known.marks}
                )

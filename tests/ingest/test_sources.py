"""sources.yaml: what it accepts, what it refuses, and that its shipped example works."""

from pathlib import Path

import pytest

from llmops_pipelines.ingest import Sources
from llmops_pipelines.reference import ReferenceFileError, parse_document
from tests.ingest.worlds import landed_lines

SHIPPED = Path(__file__).parents[2] / "data" / "reference" / "sources.yaml"


def parsed(text):
    return parse_document(text, Sources, file="sources.yaml")


def entry(**changes):
    lines = {
        "name": "s",
        "match": "'*'",
        "format": "mapped",
        "fields": "{started_at: at}",
    } | changes
    rows = [f"{key}: {value}" for key, value in lines.items() if value is not None]
    return "sources:\n  - " + "\n    ".join(rows) + "\n"


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.jsonl", "a.jsonl", True),
        ("*.jsonl", "x/a.jsonl", False),
        ("**/*.jsonl", "a.jsonl", True),
        ("**/*.jsonl", "x/y/a.jsonl", True),
        ("x/**", "x/y/a", True),
        ("x/**", "z/a", False),
        ("a?.gz", "ab.gz", True),
        ("a?.gz", "a/.gz", False),
        ("a.gz", "aXgz", False),
        ("app (1).log", "app (1).log", True),
    ],
)
def test_globs_keep_to_folders_unless_doubled(glob, path, matches):
    (source,) = parsed(entry(match=f"'{glob}'")).sources
    assert source.matches(path) is matches


def test_the_first_entry_that_matches_decides():
    sources = Sources.model_validate(
        {
            "sources": [
                {"name": "one", "match": "a*", "format": "openai"},
                {"name": "two", "match": "*", "format": "openai"},
            ]
        }
    )
    assert (sources.of("ab").name, sources.of("b").name, sources.of("x/y")) == ("one", "two", None)


def test_an_empty_file_describes_no_sources():
    assert parsed("").sources == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (entry(zone="Mars/Base"), "is no IANA zone; accepted are names such as Europe/Berlin"),
        (entry(zone="../etc/passwd"), "is no IANA zone"),
        (entry(match="../other/*.jsonl"), "leaves the log root; write a path below it"),
        (entry(match="/etc/*"), "leaves the log root"),
        (entry(format="csv"), "sources.yaml:4"),
        (entry(fields=None), "started_at is missing; a mapped source must place it"),
        (entry(fields="{started_at: at, lattency: x}"), "lattency"),
        (entry(fields="{started_at: {unit: ms}}"), "give a path, a constant, or both"),
        (entry(fields="{started_at: {path: at, unit: usd}}"), "accepted: s, ms, us, ns"),
        (entry(name="Bad Name"), "name"),
        (entry(extra="1"), "is not known here"),
        (entry() + entry().removeprefix("sources:\n"), "the names ['s'] are given twice"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(text, says):
    with pytest.raises(ReferenceFileError) as error:
        parsed(text)
    assert says in str(error.value)
    assert str(error.value).startswith("sources.yaml:")


def test_an_entry_changes_its_tag_with_what_it_says_not_with_where_it_looks():
    (one,), (moved,), (changed,) = (
        parsed(entry(**changes)).sources
        for changes in ({}, {"match": "'x/*'"}, {"zone": "Europe/Berlin"})
    )
    assert one.tag == moved.tag != changed.tag


def test_the_shipped_file_is_valid_and_empty():
    assert parsed(SHIPPED.read_text()).sources == []


def test_the_example_in_the_shipped_file_reads_a_record():
    text = SHIPPED.read_text()
    example = text[text.index("# sources:") : text.index("\nsources: []")]
    (source,) = parsed("\n".join(row.removeprefix("# ") for row in example.split("\n"))).sources
    record = {
        "request_id": "r-1",
        "received": 1794302102000,
        "timing": {"total": 1.25, "first_token": 0.2},
        "tags": {"feature": "search"},
        "labels": {"user.id": "u"},
        "model": "m",
        "outcome": "OK",
        "reply": {
            "model": "m-1",
            "usage": {"prompt": 30, "cached": 10, "completion": 5},
            "choices": [{"text": "Fine."}],
        },
        "billing": {"amount": 1.5},
        "prompt": {"system": "Be brief.", "text": "How are you?"},
        "documents": ["a", "b"],
    }
    lake = landed_lines(record, path="gateway/2026/x.ndjson.gz", sources=Sources(sources=[source]))
    (row,) = lake.rows().to_dicts()
    assert (row["call_id"], row["feature"], row["latency_ms"]) == ("r-1", "search", 1250.0)
    assert (row["uncached_input"], row["cache_read"], row["output_text"]) == (20, 10, 5)
    assert (row["provider"], row["model"], row["context_count"]) == ("openai", "m-1", 2)
    assert str(row["cost_reported"]) == "0.015000000000"
    assert row["source_format"] == "mapped"
    assert lake.file("gateway/2026/x.ndjson.gz")["source_format"] == source.tag

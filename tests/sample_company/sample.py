"""Reads a written sample back with the standard library alone."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import sqrt
from pathlib import Path
from typing import Any

import zstandard

Record = dict[str, Any]


def lines_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompress(data)
    assert data.endswith(b"\n")
    return data[:-1].split(b"\n")


def readable(line: bytes) -> Record | None:
    """The record of a line that keeps to the envelope, else None."""
    try:
        record = json.loads(line)
        datetime.fromisoformat(record["timestamp"])
    except (ValueError, TypeError, KeyError):
        return None
    return record if isinstance(record.get("request", {}), dict) else None


@dataclass
class Sample:
    """All lines of a sample, by file, and its records by id."""

    logs: Path
    truth: Record
    files: dict[str, list[bytes]] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    repeated: int = 0
    malformed: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @classmethod
    def read(cls, logs: Path, truth: Path) -> Sample:
        sample = cls(logs, json.loads(truth.read_text()))
        for path in sorted(p for p in logs.rglob("*") if p.is_file()):
            name = path.relative_to(logs).as_posix()
            sample.files[name] = lines_of(path)
            for line in sample.files[name]:
                record = readable(line)
                if record is None:
                    sample.malformed[name] += 1
                elif record["id"] in sample.records:
                    assert record == sample.records[record["id"]]
                    sample.repeated += 1
                else:
                    sample.records[record["id"]] = record
        return sample

    def of_kind(self, kind: str) -> list[Record]:
        return [record for record in self.records.values() if record["kind"] == kind]

    def day(self, number: int) -> str:
        return self.truth["days"][number - 1]["day"]

    def calls(self, number: int | None = None, feature: str | None = None) -> list[Record]:
        days = [self.day(number)] if number else [day["day"] for day in self.truth["days"]]
        return [
            call
            for day in days
            for call in self._calls_by_day[day]
            if feature is None or call["feature"] == feature
        ]

    @cached_property
    def _calls_by_day(self) -> dict[str, list[Record]]:
        calls = defaultdict(list)
        for call in self.of_kind("call"):
            calls[call["timestamp"][:10]].append(call)
        return calls

    def answers(self, number: int | None = None, feature: str | None = None) -> list[Record]:
        return [
            call
            for call in self.calls(number, feature)
            if call["parent_id"] is None and call["error"] is None
        ]

    def event(self, name: str) -> Record:
        (event,) = [event for event in self.truth["events"] if event["name"] == name]
        return event


def answer_of(call: Record) -> str:
    return call["response"]["choices"][0]["message"]["content"]


def question_of(call: Record) -> str:
    return call["request"]["messages"][-1]["content"]


def wilson(k: int, n: int) -> tuple[float, float]:
    z = 1.959964
    middle = (k / n + z * z / 2 / n) / (1 + z * z / n)
    half = z * sqrt(k / n * (1 - k / n) / n + z * z / 4 / n / n) / (1 + z * z / n)
    return middle - half, middle + half

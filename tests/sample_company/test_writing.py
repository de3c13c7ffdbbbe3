"""What `write_sample_logs` writes where, and what it refuses."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from llmops_pipelines.sample_company import write_sample_logs
from tests.sample_company.sample import Sample

END = date(2026, 11, 22)


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_equal_arguments_write_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_sample_logs(tmp_path / name / "logs", days=4, end=END, calls_per_day=120)
    written = content(tmp_path / "a")
    assert len(written) > 20
    assert written == content(tmp_path / "b")


def test_another_seed_writes_other_texts_under_the_same_events(tmp_path):
    for seed in (7, 8):
        write_sample_logs(
            tmp_path / str(seed) / "logs", days=6, end=END, calls_per_day=200, seed=seed
        )
    seven, eight = (json.loads((tmp_path / s / "truth.json").read_text()) for s in ("7", "8"))
    assert content(tmp_path / "7" / "logs") != content(tmp_path / "8" / "logs")
    assert [(e["name"], e["days"]) for e in seven["events"]] == [
        (e["name"], e["days"]) for e in eight["events"]
    ]


def test_the_truth_lies_beside_the_logs_and_never_among_them(tmp_path):
    written = write_sample_logs(tmp_path / "logs", days=1, end=END, calls_per_day=50)
    assert written.truth == tmp_path / "truth.json"
    assert written.truth.is_file()
    assert not [name for name in content(tmp_path / "logs") if "truth" in name]


def test_the_truth_goes_where_it_is_asked_to(tmp_path):
    truth = tmp_path / "elsewhere" / "t.json"
    write_sample_logs(tmp_path / "logs", days=1, end=END, calls_per_day=5, truth=truth)
    assert json.loads(truth.read_text())["arguments"] == {
        "days": 1, "end": "2026-11-22", "seed": 7, "calls_per_day": 5,
    }  # fmt: skip
    assert not (tmp_path / "truth.json").exists()


@pytest.mark.parametrize("inside", ["truth.json", "deep/truth.json", "../logs/truth.json"])
def test_a_truth_inside_the_log_folder_is_refused(tmp_path, inside):
    logs = tmp_path / "logs"
    with pytest.raises(ValueError, match=r"inside the log folder .* choose a path outside"):
        write_sample_logs(logs, days=1, end=END, truth=logs / inside)
    assert not logs.exists()


@pytest.mark.parametrize("days", [0, -3])
def test_a_sample_without_days_is_refused(tmp_path, days):
    with pytest.raises(ValueError, match=f"days is {days}; a sample needs at least 1 day"):
        write_sample_logs(tmp_path / "logs", days=days, end=END)


@pytest.mark.parametrize("calls", [0, -1])
def test_a_sample_without_calls_is_refused(tmp_path, calls):
    with pytest.raises(ValueError, match=f"calls_per_day is {calls}; a sample needs at least 1"):
        write_sample_logs(tmp_path / "logs", end=END, calls_per_day=calls)


@pytest.mark.parametrize(("days", "calls"), [(1, 1), (1, 50), (2, 7), (14, 6)])
def test_small_samples_hold_exactly_the_calls_they_promise(tmp_path, days, calls):
    written = write_sample_logs(tmp_path / "logs", days=days, end=END, calls_per_day=calls)
    sample = Sample.read(written.out, written.truth)
    extra = sum(
        feature["errors"]
        for number, day in enumerate(sample.truth["days"], 1)
        for name, feature in day["features"].items()
        if number == 6 and name == "code_helper"
    )
    surge = sum(
        feature["calls"] * 5 // 6
        for number, day in enumerate(sample.truth["days"], 1)
        for name, feature in day["features"].items()
        if number == 11 and name == "sales_email"
    )
    assert days * calls <= written.calls <= days * calls + extra + surge
    assert written.calls == len(sample.of_kind("call"))


def test_days_after_the_last_event_go_on_with_the_bad_prompt(tmp_path):
    written = write_sample_logs(tmp_path / "logs", days=16, end=END, calls_per_day=60)
    sample = Sample.read(written.out, written.truth)
    assert sample.event("unsupported_prompt_version")["numbers"] == list(range(9, 17))
    assert {call["prompt_version"] for call in sample.answers(16, "support_assistant")} == {"4"}


def test_events_beyond_the_last_day_are_left_out(tmp_path):
    written = write_sample_logs(tmp_path / "logs", days=5, end=END, calls_per_day=60)
    names = [event["name"] for event in json.loads(written.truth.read_text())["events"]]
    assert names == ["duplicates", "redelivered_file", "malformed_lines", "unpriced_model"]
    assert written.events == 4


def test_each_day_is_told_once_its_files_are_there(tmp_path):
    seen = []

    def on_day(day: date) -> None:
        seen.append((day, len(list((tmp_path / "logs" / str(day)).iterdir())) > 0))

    write_sample_logs(tmp_path / "logs", days=3, end=END, calls_per_day=50, on_day=on_day)
    assert seen == [(date(2026, 11, day), True) for day in (20, 21, 22)]


def test_other_files_in_the_folder_stay(tmp_path):
    kept = tmp_path / "logs" / "mine.jsonl"
    kept.parent.mkdir()
    kept.write_text("{}\n")
    write_sample_logs(tmp_path / "logs", days=1, end=END, calls_per_day=20)
    assert kept.read_text() == "{}\n"


def test_the_summary_adds_up(tmp_path):
    written = write_sample_logs(tmp_path / "logs", days=3, end=END, calls_per_day=150)
    files = content(written.out)
    assert (written.first, written.last) == (date(2026, 11, 20), END)
    assert written.files == len(files)
    assert written.bytes == sum(map(len, files.values()))
    lines = sum(len(v) for v in Sample.read(written.out, written.truth).files.values())
    assert lines == (
        written.calls
        + written.steps
        + written.feedback
        + written.duplicates
        + written.malformed_lines
    )

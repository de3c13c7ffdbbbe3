"""`llmops nightly` from log files to what is printed."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from llmops_pipelines.cli.night import night
from llmops_pipelines.tables import LOG_INDEX
from tests.cli.worlds import DAY, NOW, call, data_folder, invoke, llmops, settings, text

KEYS = ["days", "quality", "alerts", "report", "computed", "failures"]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_folder_without_logs_is_named_with_the_remedy(as_json, tmp_path):
    run = invoke("--data", tmp_path / "my new", "nightly", *(["--json"] if as_json else []))
    logs = tmp_path / "my new" / "logs"
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1] == (
        f"no log files below {logs}: put some there (any layout; .jsonl or .ndjson, plain, .gz or "
        f".zst), or write samples: llmops sample-logs --out '{logs}'"
    )
    if as_json:
        assert json.loads(run.stdout) == {key: [] for key in KEYS[:3]} | {
            "report": None,
            "computed": {},
            "failures": [],
        }
    else:
        assert run.stdout == ""  # no summary of nothing before it


def test_empty_files_are_told_apart_from_no_files(tmp_path):
    root = data_folder(tmp_path, {"a.jsonl": b"", "b/c.jsonl": b"\n\n"})
    run = invoke("--data", root, "nightly", "--json")
    assert run.returncode == 2
    assert f"no calls below {root / 'logs'}: its 2 file(s) are empty; put log" in run.stderr


def test_days_that_the_logs_do_not_hold_are_told_with_those_they_do(tmp_path):
    root = data_folder(tmp_path, {"a.jsonl": text(call(1))})
    run = invoke("--data", root, "nightly", "--json", "--from", "2026-06-10")
    assert run.returncode == 2
    assert json.loads(run.stdout)["days"] == []
    assert run.stderr.splitlines()[-1] == (
        f"no calls from 2026-06-10 to today: the logs below {root / 'logs'} hold {DAY} to {DAY}; "
        "choose --from and --to in there"
    )


def test_a_last_day_in_the_future_ends_today(tmp_path):
    root = data_folder(tmp_path, {"a.jsonl": text(call(1, timestamp="2026-06-04T01:00:00Z"))})
    run = invoke("--data", root, "nightly", "--json", "--to", "2030-01-01")
    assert (run.returncode, json.loads(run.stdout)["days"]) == (2, [])


def test_a_damaged_sample_of_another_day_is_told_and_stops_nothing(tmp_path):
    features = "features: {chat: {judging: judge}}"
    root = data_folder(tmp_path, {"a.jsonl": b""}, {"features.yaml": features})
    sampled = root / "lake" / "sampled_traces" / f"day={DAY}" / "part.parquet"
    sampled.parent.mkdir(parents=True)
    sampled.write_text("damaged")
    judge = {"JUDGE_BASE_URL": "http://127.0.0.1:9/v1", "JUDGE_MODEL": "gpt-4.1-mini"}
    run = invoke("--data", root, "nightly", environment=judge)
    assert run.returncode == 2
    assert f"note: {sampled}: is no whole Parquet file; restore it, or delete it" in run.stderr
    assert "its 1 file(s) are empty" in run.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A data folder after its first night, and that night, in a process of its own."""
    calls = [call(number) for number in range(1, 21)]
    root = data_folder(tmp_path_factory.mktemp("night"), {"a.jsonl": text(*calls)}, shared=True)
    run = llmops(
        *("--data", root, "nightly", "--json"),
        environment={
            "PYTHONWARNINGS": "default",
            "LLMOPS_WEBHOK_URL": "x",
            "LLMOPS_SAMPLE_PER_DAY": "0",  # what is drawn is embedded, after seconds of loading
        },
    )
    return root, run


@pytest.mark.slow
def test_stdout_is_one_json_object_and_nothing_else(world):
    _, run = world
    assert run.returncode == 0
    found = json.loads(run.stdout)
    assert list(found) == KEYS
    assert found["days"] == [
        {
            "day": str(DAY),
            "feature": "chat",
            "calls": 20,
            "rejected": 0,
            "cost_usd": 0.0112,
            "unpriced_calls": 0,
        }
    ]
    assert list(found["quality"][0]) == [
        *("day", "feature", "metric", "estimate", "low", "high", "n", "unscored", "judge_spec"),
        "snapshot",
    ]


@pytest.mark.slow
def test_stderr_tells_progress_and_no_noise_of_libraries(world):
    _, run = world
    lines = run.stderr.splitlines()
    # What has no days is told table by table: one of them may take minutes.
    finishing = [line for line in lines if re.match(r"computing [a-z_]+  \d+/15$", line)]
    assert finishing[-1] == "computing warehouse  14/15"
    assert len(finishing) == 15
    # A phase that takes long on a busy machine speaks again.
    again = ["reading new logs  1/1", *finishing]
    assert [line for line in lines if line not in again] == [
        "warning: LLMOPS_WEBHOK_URL is no setting; did you mean LLMOPS_WEBHOOK_URL?",
        "reading new logs  0/1",
        f"computing {DAY}  0/1",
        "computed  1/1",
        "computed  15/15",
        f"check every_feature_is_known: {DAY}: 1 feature(s) without an entry in features.yaml: "
        "feature chat, calls 20",
    ]


@pytest.mark.slow
def test_a_second_night_computes_nothing_and_says_so(world):
    root, _ = world
    run = invoke("--data", root, "nightly", environment={"COLUMNS": "80"})
    assert run.returncode == 0
    assert "nothing is new or changed; nothing was recomputed" in run.stdout
    assert f"report: {root}/lake/reports/{DAY}.html" in run.stdout
    assert f"computing {DAY}" not in run.stderr
    long = [line for line in run.stdout.splitlines() if len(line) > 80]
    assert [line for line in long if not line.startswith("report: ")] == []


@pytest.mark.slow
def test_an_edited_price_holds_for_past_days_once_they_are_repriced(world):
    root, _ = world
    price = "{provider: openai, model: gpt-4.1-mini, why: x, prices: {uncached_input: 1000}}"
    (root / "reference" / "prices.yaml").write_text(f"overrides:\n- {price}\n")
    asked = {"LLMOPS_SAMPLE_PER_DAY": "0"}
    untouched = json.loads(invoke("--data", root, "nightly", "--json", environment=asked).stdout)
    assert (untouched["computed"], untouched["days"][0]["cost_usd"]) == ({}, 0.0112)
    days = ("--from", DAY, "--to", DAY, "--yes")
    repriced = invoke("--data", root, "reprice", *days, "--json", environment=asked)
    assert (repriced.returncode, json.loads(repriced.stdout)["restated"]) == (0, [str(DAY)])
    later = json.loads(invoke("--data", root, "nightly", "--json", environment=asked).stdout)
    # Without a price of output, answers have none.
    (day,) = later["days"]
    assert (later["computed"], day["cost_usd"], day["unpriced_calls"]) == ({}, None, 20)


@pytest.mark.slow
def test_a_step_that_fails_is_told_with_day_step_and_cause(tmp_path, capsys):
    root = data_folder(tmp_path, {"a.jsonl": text(call(1))})
    (root / "lake").mkdir()
    (root / "lake" / "reports").write_text("in the way")
    assert night(settings(root, sample_per_day=0), None, None, as_json=True) == 1
    streams = capsys.readouterr()
    found = json.loads(streams.out)
    assert found["days"][0]["calls"] == 1
    assert found["report"] is None
    (failure,) = found["failures"]
    assert (failure["day"], failure["step"]) == (str(DAY), "nightly_report")
    assert failure["error"].startswith("FileExistsError: ")
    told = " ".join(streams.err.split())
    assert f"failed: {DAY}, nightly_report: {failure['error']}" in told


def test_a_lake_of_a_newer_release_is_told_apart_from_a_bug(tmp_path):
    root = data_folder(tmp_path, {"a.jsonl": text(call(1))})
    index = root / "lake" / LOG_INDEX.name
    index.mkdir(parents=True)
    metadata = {"llmops.table_version": "99", "llmops.digest": "d", "llmops.inputs": "{}"}
    LOG_INDEX.empty().write_parquet(index / "part.parquet", metadata=metadata)
    run = invoke("--data", root, "nightly", "--json")
    assert run.returncode in (1, 2)
    assert "written as version 99 of log_index" in run.stderr
    assert "upgrade llmops-pipelines" in " ".join(run.stderr.split())
    assert "version 99" in json.loads(run.stdout)["failures"][0]["error"]


@pytest.mark.slow
def test_a_run_that_is_stopped_begins_no_other_day_and_goes_on_next_time(tmp_path, capsys):
    days = [DAY.replace(day=day) for day in (1, 2)]
    calls = [call(day.day, timestamp=f"{day}T09:00:00Z") for day in days]
    root = data_folder(tmp_path, {"a.jsonl": text(*calls)}, shared=True)
    errors = tmp_path / "stderr"
    with errors.open("w") as stderr:
        run = subprocess.Popen(
            [sys.executable, "-m", "llmops_pipelines.cli", "--data", str(root), "nightly"],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | {"LLMOPS_NOW": NOW, "LLMOPS_SAMPLE_PER_DAY": "0", "COLUMNS": "100"},
        )
        deadline = time.monotonic() + 120
        while f"computing {days[0]}" not in errors.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 130
    assert errors.read_text().splitlines()[-1] == (
        "stopped; what was computed stays, and the next run goes on from there"
    )
    assert f"computing {days[1]}" not in errors.read_text()
    assert night(settings(root, sample_per_day=0), None, days[0], as_json=True) == 0
    # Dagster may keep a stop back to the end of a day: then nothing of it is left to compute.
    found = json.loads(capsys.readouterr().out)
    assert set(found["computed"]) <= {str(days[0])}
    assert [(row["day"], row["calls"]) for row in found["days"]] == [(str(days[0]), 1)]

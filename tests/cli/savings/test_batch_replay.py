"""``llmops batch`` on files of calls."""

import json
from datetime import datetime, timedelta

import pytest

from tests.cli.worlds import data_folder, invoke

START = datetime.fromisoformat("2026-11-01T02:00:00")


def record(number, **fields):
    """Sixty calls a night, without a user; 1,000 tokens at $2.00/M and 100 at $8.00/M."""
    at = START + timedelta(days=number // 60, minutes=number % 60)
    return {
        "id": f"r{number}",
        "timestamp": f"{at.isoformat()}Z",
        "provider": "openai",
        "model": "gpt-4.1",
        "feature": "digest",
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100},
    } | fields


@pytest.fixture
def told(tmp_path):
    """Write records, replay them, and return what came of it."""
    folder = data_folder(tmp_path, {})

    def run(*records, args=()):
        file = tmp_path / "calls.jsonl"
        file.write_text("\n".join(map(json.dumps, records)))
        return invoke("--data", str(folder), "batch", str(file), *args)

    return run


NIGHTS = [record(n) for n in range(180)]


def test_a_named_feature_saves_half_and_a_chart_shows_it(told, tmp_path):
    args = ("--not-interactive", "digest", "--json", "--chart-out", tmp_path / "batch.svg")
    found = told(*NIGHTS, args=args)
    assert found.returncode == 0, found.stderr
    rows = {row["feature"]: row for row in json.loads(found.stdout)["features"]}
    own = rows["digest"]
    assert (own["kind"], own["evidence"]) == ("marked", "--not-interactive")
    assert (own["paid"], own["saved"]) == (0.504, 0.252)
    assert own["state"] == "recommended"
    assert own["saved_a_year"] == pytest.approx(0.252 * 365 / 3)
    assert rows["* marked"]["saved"] == 0.252
    assert "the same calls at batch prices" in (tmp_path / "batch.svg").read_text()


def test_one_night_is_enough_to_recommend_batches_that_cannot_lose(told):
    found = told(*NIGHTS[:60], args=("--not-interactive", "digest"))
    assert found.returncode == 0
    assert "none of its calls costs more than before" in found.stdout
    assert "a year's saving is unknown: this is less than a day" in found.stdout


def test_what_looks_as_if_nobody_waits_is_only_suggested(told):
    found = told(*NIGHTS)
    assert found.returncode == 3
    assert "digest: 180 calls, detected (180 calls on 3 days; 0 % with user" in found.stdout
    assert "a suggestion: ask its owner" in found.stdout


def test_calls_of_users_are_no_saving(told):
    found = told(*(record(n, user_id=f"u{n}", batch=n == 7) for n in range(180)))
    assert found.returncode == 3
    assert "digest: 180 calls, interactive" in found.stdout
    assert "in no figure: 1 in batches already" in found.stdout
    assert "batches save" not in found.stdout


def test_the_traffic_of_a_year_can_be_told(told):
    args = ("--not-interactive", "digest", "--json", "--calls-per-day", "6000")
    row = json.loads(told(*NIGHTS, args=args).stdout)["features"][-1]
    assert row["saved_a_year"] == pytest.approx(0.0014 * 6_000 * 365)


def test_a_mistyped_feature_and_an_unpriced_model_are_told(told):
    found = told(*NIGHTS, args=("--not-interactive", "digets"))
    assert found.returncode == 2
    assert "--not-interactive digets: the file has no such feature; it has digest" in found.stderr
    unpriced = told(*(record(n, model="own-7b") for n in range(3)))
    assert unpriced.returncode == 3
    assert "in no figure: 3 without a price" in unpriced.stdout

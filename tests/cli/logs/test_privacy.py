"""`llmops forget`, `llmops expire` and `llmops rotate-user-key` as people run them."""

import json
from importlib.util import find_spec

import pytest
from typer.testing import CliRunner

from llmops_pipelines.cli import app
from llmops_pipelines.definitions import resources_of
from llmops_pipelines.orchestration.graph.resources import LogFolder
from llmops_pipelines.orchestration.landing.landing import land_new_files
from llmops_pipelines.tables import CALL_TEXTS, TOMBSTONES
from tests.ingest.worlds import options
from tests.orchestration.folders import DAY, NOW, Folder, calls_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two people's calls, landed with the key of the data folder."""
    for name in ("LLMOPS_USER_HASH_KEY", "LLMOPS_USER_HASH_OLD_KEYS", "LLMOPS_LAKE", "LLMOPS_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLMOPS_NOW", NOW)
    folder = Folder(tmp_path, {"user_hash_key": ""})
    folder.log("a.jsonl", calls_of(DAY, 1, user_id="jo", session_id="s1"))
    folder.log("b.jsonl", calls_of(DAY, 2, user_id="ann"))
    land(folder)
    return folder


def land(folder):
    key = resources_of(folder.at()).privacy.key()
    files = LogFolder(root=str(folder.root / "logs")).files()
    land_new_files(folder.lake, files, options(hash_key=key))


def llmops(folder, *words):
    return CliRunner().invoke(app, ["--data", str(folder.root), *words])


def texts(folder):
    return sorted(folder.lake.read(CALL_TEXTS)["call_id"])


def test_a_user_is_forgotten_by_the_id_the_application_knows(folder):
    result = llmops(folder, "forget", "--user-id", "jo", "--json")
    assert result.exit_code == 0
    done = json.loads(result.stdout)
    assert (done["calls"], done["rows"]["call_texts"]) == (1, 1)
    assert done["log_files"] == {"a.jsonl": 1}
    assert "messages already sent to the webhook" in done["outside"]
    assert texts(folder) == ["c-2"]
    assert "jo" not in folder.lake.read(TOMBSTONES)["subject"].to_list()


def test_what_was_done_and_what_is_not_reached_is_told(folder):
    said = llmops(folder, "forget", "--session", "s1").stdout
    assert "1 call(s) and 0 step(s) of 1 trace(s)\n  call_texts: 1\n" in said
    assert f"{folder.root}/logs/a.jsonl: 1 line(s), if it is still there" in said


@pytest.mark.parametrize("name", ["Jo", " jo", "eve"])
def test_an_id_that_is_spelled_otherwise_is_nobody_and_that_is_told(folder, name):
    said = llmops(folder, "forget", "--user-id", name).stdout
    assert "nothing is known by that id, which is compared letter by letter" in said
    assert texts(folder) == ["c-1", "c-2"]


def test_rows_under_a_key_that_is_not_known_here_are_told(folder, monkeypatch):
    monkeypatch.setenv("LLMOPS_USER_HASH_KEY", "another")
    assert json.loads(llmops(folder, "forget", "--user-id", "jo", "--json").stdout)["calls"] == 1
    (folder.root / ".dagster/user_hash.key").unlink()
    done = json.loads(llmops(folder, "forget", "--user-id", "ann", "--json").stdout)
    assert done["calls"] == 0
    (told,) = [place for place in done["outside"] if "LLMOPS_USER_HASH_OLD_KEYS" in place]
    assert told.startswith("2 row(s) of calls whose users were hashed with key ")


@pytest.mark.parametrize("words", [[], ["--user-id", "jo", "--session", "s1"]])
def test_one_person_has_to_be_named(folder, words):
    result = llmops(folder, "forget", *words)
    assert result.exit_code == 2
    assert "name one of --user-id and --session" in result.output


def test_without_any_key_no_user_can_be_found(tmp_path, folder):
    (folder.root / ".dagster/user_hash.key").unlink()
    result = llmops(folder, "forget", "--user-id", "jo")
    assert result.exit_code == 2
    assert "no key is known that users were hashed with" in result.output
    assert texts(folder) == ["c-1", "c-2"]


def test_a_user_is_found_under_every_key_that_there_was(folder):
    result = llmops(folder, "rotate-user-key")
    assert result.stdout.startswith("2 key(s) in ")
    folder.log("c.jsonl", calls_of(DAY, 3, user_id="jo"))
    land(folder)
    assert texts(folder) == ["c-1", "c-2", "c-3"]
    llmops(folder, "forget", "--user-id", "jo")
    assert texts(folder) == ["c-2"]


def test_a_landing_after_a_rotation_knows_whom_to_forget(folder):
    llmops(folder, "forget", "--user-id", "jo")
    llmops(folder, "rotate-user-key")
    folder.log("c.jsonl", calls_of(DAY, 3, user_id="jo"))
    folder.log("d.jsonl", calls_of(DAY, 4, user_id="ann"))
    assert folder.run("land_job").success
    assert texts(folder) == ["c-2", "c-4"]


def test_keys_of_the_environment_are_rotated_there(folder, monkeypatch):
    monkeypatch.setenv("LLMOPS_USER_HASH_KEY", "new")
    monkeypatch.setenv("LLMOPS_USER_HASH_OLD_KEYS", "older, oldest")
    result = llmops(folder, "rotate-user-key")
    assert result.exit_code == 2
    assert "put its value in front of LLMOPS_USER_HASH_OLD_KEYS" in result.output
    given = folder.at(user_hash_key="new", user_hash_old_keys="older, oldest")
    keys = resources_of(given).privacy.ring()
    assert keys[:3] == [b"new", b"older", b"oldest"]
    assert len(keys) == 4


def test_a_new_key_file_is_for_its_owner_alone(folder):
    llmops(folder, "rotate-user-key")
    file = folder.root / ".dagster/user_hash.key"
    assert file.stat().st_mode & 0o077 == 0
    newest, oldest = resources_of(folder.at()).privacy.ring()
    assert file.read_text().split() == [oldest.decode(), newest.decode()]


def test_a_dry_run_of_expiry_says_what_would_go(folder):
    folder.edit("privacy.yaml", "retention_days: {call_texts: 2}\n")
    said = llmops(folder, "expire", "--dry-run").stdout
    assert said == f"call_texts: 2 row(s) of {DAY} to {DAY} would go\n"
    assert texts(folder) == ["c-1", "c-2"]


def test_expiry_is_told_as_json(folder):
    folder.edit("privacy.yaml", "retention_days: {call_texts: 2}\n")
    said = json.loads(llmops(folder, "expire", "--json").stdout)
    assert said == {
        "dry_run": False,
        "tables": {"call_texts": {"rows": 2, "days": [str(DAY)]}},
    }
    assert texts(folder) == []


def test_a_faulty_privacy_file_is_told_before_anything_goes(folder):
    folder.edit("privacy.yaml", "retention_days: {call_text: 2}\n")
    result = llmops(folder, "expire")
    assert result.exit_code == 2
    assert "call_text is no table kept by day" in result.output


@pytest.mark.skipif(find_spec("presidio_analyzer") is not None, reason="Presidio is installed")
def test_names_without_presidio_stop_the_night_before_anything_lands(folder):
    folder.edit("privacy.yaml", "names: true\n")
    result = llmops(folder, "nightly")
    assert result.exit_code == 2
    assert "Presidio is not installed" in result.output

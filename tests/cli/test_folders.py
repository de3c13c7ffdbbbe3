import os
from pathlib import Path

import pytest
import yaml

from llmops_pipelines.cli.folder import default_reference, prepare
from llmops_pipelines.cli.problems import UnusableError, readable_folder, writable_folder
from tests.cli.worlds import data_folder, invoke, settings

NOBODY = 65534


def as_nobody(deed) -> str:
    """What ``deed`` is refused with, done by a user who owns nothing; empty if it is not."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.geteuid() == 0:
                os.setuid(NOBODY)
            deed()
            said = ""
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def open_path(tmp_path):
    """A folder that everybody may reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == tmp_path.owner():
            folder.chmod(folder.stat().st_mode | 0o755)
    return tmp_path


def test_a_new_folder_gets_reference_files_logs_and_an_instance(tmp_path):
    written = prepare(settings(tmp_path / "new"))
    names = {file.relative_to(tmp_path / "new" / "reference") for file in written}
    assert names == {
        file.relative_to(default_reference()) for file in default_reference().rglob("*.yaml")
    }
    assert (tmp_path / "new" / "logs").is_dir()
    assert (tmp_path / "new" / ".dagster" / "dagster.yaml").exists()


def test_what_people_wrote_stays(tmp_path):
    data_folder(tmp_path, {}, {"features.yaml": "features: {}\n"})
    prepare(settings(tmp_path))
    assert (tmp_path / "reference" / "features.yaml").read_text() == "features: {}\n"
    assert prepare(settings(tmp_path)) == []


def test_logs_reference_and_lake_may_lie_elsewhere(tmp_path):
    (tmp_path / "exports").mkdir()
    prepare(
        settings(
            tmp_path / "data",
            logs=str(tmp_path / "exports"),
            lake="s3://bucket/lake",
            reference=str(tmp_path / "shared"),
        )
    )
    assert (tmp_path / "shared" / "features.yaml").exists()
    assert {entry.name for entry in (tmp_path / "data").iterdir()} == {".dagster"}


def test_the_instance_of_a_data_folder_is_that_of_the_checkout(tmp_path):
    prepare(settings(tmp_path))
    made = yaml.safe_load((tmp_path / ".dagster" / "dagster.yaml").read_text())
    shipped = yaml.safe_load((Path(__file__).parents[2] / "dagster.yaml").read_text())
    assert made == shipped
    assert made["telemetry"] == {"enabled": False}


def test_logs_that_are_a_file_are_refused(tmp_path):
    (tmp_path / "logs").write_text("{}")
    with pytest.raises(UnusableError, match="logs is no folder; give the folder that holds"):
        prepare(settings(tmp_path))


def test_a_reference_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "reference").write_text("")
    with pytest.raises(UnusableError, match=r"cannot use .*reference.*; choose another"):
        prepare(settings(tmp_path))


def test_a_folder_that_cannot_be_made_is_named_with_the_reason():
    with pytest.raises(UnusableError) as raised:
        writable_folder(Path("/proc/nowhere/data"), remedy="choose another")
    assert str(raised.value) == (
        "cannot make the folder /proc/nowhere/data: no such file or directory; choose another"
    )


def test_a_read_only_folder_is_named_with_the_remedy(open_path):
    mine = open_path / "mine"
    mine.mkdir(mode=0o555)
    said = as_nobody(lambda: writable_folder(mine, remedy="choose another"))
    assert said == f"UnusableError: cannot write to {mine}: no permission; choose another"


def test_a_folder_below_a_read_only_one_is_named(open_path):
    mine = open_path / "mine"
    mine.mkdir(mode=0o555)
    said = as_nobody(lambda: writable_folder(mine / "data", remedy="choose another"))
    assert said == (
        f"UnusableError: cannot make the folder {mine}/data: permission denied; choose another"
    )


def test_logs_that_may_not_be_listed_are_named(open_path):
    secret = open_path / "secret"
    secret.mkdir(mode=0o300)
    said = as_nobody(lambda: readable_folder(secret, remedy="change who may read it"))
    assert said == f"UnusableError: cannot read {secret}: no permission; change who may read it"


@pytest.mark.parametrize("command", [["init"], ["nightly"], ["ui"]])
def test_every_command_says_where_it_cannot_write(command):
    run = invoke("--data", "/proc/nowhere", *command)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr == (
        "cannot make the folder /proc/nowhere/.dagster: no such file or directory; choose another"
        " data folder with --data, or change who may write there\n"
    )


def test_init_says_what_comes_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = invoke("--data", "mine", "init")
    assert run.returncode == 0
    count = len(list(default_reference().rglob("*.yaml")))
    assert run.stdout.splitlines() == [
        f"mine: {count} reference file(s) written, others kept",
        f"put logs below {tmp_path}/mine/logs, then: llmops --data mine nightly",
    ]
    again = invoke("--data", "mine", "init")
    assert again.stdout.startswith("mine: 0 reference file(s) written, others kept\n")

import json
from pathlib import Path

from tests.cli.worlds import invoke


def sample(out: Path, *more: object):
    return invoke(
        *("sample-logs", "--out", out, "--days", 2, "--end", "2026-06-02"),
        *("--calls-per-day", 12, *more),
    )


def files(out: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()
    }


def test_logs_are_written_and_the_truth_lies_beside_them(tmp_path):
    run = sample(tmp_path / "logs")
    assert run.returncode == 0
    wrote, truth = run.stdout.splitlines()
    assert wrote.startswith(f"{tmp_path}/logs: ")
    assert wrote.endswith(" files up to 2026-06-02")
    assert truth == f"{tmp_path}/truth.json: what was planted; the pipeline never reads it"
    assert json.loads((tmp_path / "truth.json").read_text())
    assert files(tmp_path / "logs")
    assert not any("truth" in name for name in files(tmp_path / "logs"))


def test_progress_goes_to_stderr_as_done_of_total(tmp_path):
    assert sample(tmp_path / "logs").stderr.splitlines()[0] == "writing sample logs  0/2"


def test_equal_arguments_write_equal_bytes(tmp_path):
    sample(tmp_path / "a")
    sample(tmp_path / "b")
    sample(tmp_path / "c", "--seed", 8)
    assert files(tmp_path / "a") == files(tmp_path / "b") != files(tmp_path / "c")


def test_a_folder_that_cannot_be_written_is_named():
    run = sample(Path("/proc/nowhere/logs"))
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "cannot make the folder /proc/nowhere/logs: no such file or directory; choose another "
        "folder with --out, or change who may write there\n"
    )


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "truth.json").mkdir()
    run = sample(tmp_path / "logs")
    assert run.returncode == 2
    assert f"cannot use {tmp_path}/truth.json: is a directory; choose another" in run.stderr

import pytest
from typer.testing import CliRunner

from llmops_pipelines.cli import app

runner = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})


def told(*arguments: str) -> tuple[int, str]:
    """Exit code, and what was printed, without the frame around it."""
    result = runner.invoke(app, arguments)
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


def test_help_names_every_command_with_what_it_does():
    code, text = told("--help")
    assert code == 0
    for command, deed in {
        "init": "Write default reference files",
        "nightly": "Land new logs, then compute every day that is new or changed",
        "sample-logs": "Write a believable company's logs",
        "ui": "Open the Dagster UI",
        "alerts": "Alerts, and where they are told",
    }.items():
        assert f"{command} {deed}" in text


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (["nightly"], ["--from", "--to", "--json", "YYYY-MM-DD"]),
        (["sample-logs"], ["--out", "--days", "--end", "--calls-per-day", "--seed", "default: 14"]),
        (["ui"], ["--port", "default: 3000"]),
        (["init"], ["Write default reference files"]),
        (["alerts"], ["test", "Send one test notification"]),
        (["alerts", "test"], ["webhook"]),
    ],
)
def test_each_command_explains_itself(command, options):
    code, text = told(*command, "--help")
    assert code == 0
    assert [option for option in options if option not in text] == []


def test_help_of_nightly_explains_its_exit_codes():
    assert (
        "0 when all went well, 1 when a run failed, 2 when nothing could be done"
        in told("nightly", "--help")[1]
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nigthly"], "No such command 'nigthly'. Did you mean 'nightly'?"),
        (["nightly", "--frm", "2026-11-01"], "No such option: --frm (Possible options: --from)"),
        (["nightly", "2026-11-01"], "unexpected extra argument"),
        (["nightly", "--from", "yesterday"], "'yesterday' is no day; write it as 2026-11-22"),
        (["nightly", "--to", "2026-02-30"], "'2026-02-30' is no day; write it as 2026-11-22"),
        (
            ["nightly", "--from", "2026-11-20", "--to", "2026-11-01"],
            "Invalid value for --from: 2026-11-20 lies after --to 2026-11-01; swap them",
        ),
        (["sample-logs"], "Missing option '--out'"),
        (["sample-logs", "--out", "x", "--days", "0"], "Invalid value for '--days'"),
        (["sample-logs", "--out", "x", "--calls-per-day", "many"], "'--calls-per-day'"),
        (["sample-logs", "--out", "x", "--end", "22.11.2026"], "'22.11.2026' is no day"),
        (["ui", "--port", "0"], "Invalid value for '--port'"),
        (["alerts", "tset"], "No such command 'tset'. Did you mean 'test'?"),
    ],
)
def test_a_slip_is_refused_and_put_right(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, text = told(*arguments)
    assert code == 2
    assert says in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--data", "--out"])
def test_a_file_is_no_folder(option, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    before = ["--data", str(file), "init"] if option == "--data" else []
    code, text = told(*(before or ["sample-logs", "--out", str(file)]))
    assert code == 2
    assert f"Invalid value for '{option}'" in text
    assert "is a file" in text
    assert file.read_text() == "mine"

import pytest
from pydantic import ValidationError

from llmops_pipelines.definitions import Settings, unread_variables, variables
from tests.cli.worlds import invoke

SECRET = "https://hooks.example.com/T000/very-secret"


def test_every_setting_that_cannot_be_used_is_told_by_its_variable(tmp_path):
    run = invoke(
        *("--data", tmp_path / "d", "init"),
        environment={
            "LLMOPS_START": "once",
            "LLMOPS_NOW": "yesterday",
            "LLMOPS_SAMPLE_PER_DAY": "-4",
            "LLMOPS_ROLLBACK": "perhaps",
            "JUDGE_BASE_URL": "127.0.0.1:8000",
            "LLMOPS_WEBHOOK_URL": SECRET,
        },
    )
    assert run.returncode == 2
    heading, *faults = run.stderr.splitlines()
    assert heading == "the environment cannot be used:"
    assert [fault.split(":")[0] for fault in faults] == [
        "JUDGE_BASE_URL",
        "LLMOPS_NOW",
        "LLMOPS_ROLLBACK",
        "LLMOPS_SAMPLE_PER_DAY",
        "LLMOPS_START",
    ]
    assert "LLMOPS_NOW: is no ISO instant, such as 2026-11-22T03:00:00Z" in faults
    assert "http://127.0.0.1:8000/v1" in run.stderr
    assert SECRET not in run.stderr
    assert not (tmp_path / "d").exists()


def test_storage_options_that_are_no_json_are_told():
    run = invoke("init", environment={"LLMOPS_STORAGE_OPTIONS": "{region"})
    assert run.returncode == 2
    assert run.stderr.splitlines() == [
        "the environment cannot be used:",
        'LLMOPS_STORAGE_OPTIONS: is no JSON object, such as {"aws_region": "eu-west-1"}',
    ]
    assert "Traceback" not in run.stderr


def test_a_data_folder_in_the_environment_must_be_a_folder(tmp_path):
    (tmp_path / "notes").write_text("")
    run = invoke("init", environment={"LLMOPS_DATA": str(tmp_path / "notes")})
    assert (run.returncode, run.stderr) == (
        2,
        f"LLMOPS_DATA: {tmp_path}/notes is a file; name a folder\n",
    )


def test_a_variable_that_is_nearly_a_setting_is_pointed_out(monkeypatch):
    for name in [name for name in variables() if name.startswith("LLMOPS_")]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLMOPS_WEBHOK_URL", SECRET)
    monkeypatch.setenv("LLMOPS_JUDGE_BASE_URL", "http://x")
    monkeypatch.setenv("LLMOPS_START", "2026-01-01")
    assert unread_variables() == [
        "LLMOPS_JUDGE_BASE_URL is no setting; did you mean JUDGE_BASE_URL?",
        "LLMOPS_WEBHOK_URL is no setting; did you mean LLMOPS_WEBHOOK_URL?",
    ]


def test_secrets_are_not_printed_with_the_settings():
    shown = repr(Settings(webhook_url=SECRET, judge_api_key="sk-123", user_hash_key="pepper"))
    assert not [secret for secret in (SECRET, "sk-123", "pepper") if secret in shown]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("tenant", "team a", "is a tag: at most 63 letters, digits, _, . and -"),
        ("schedule_name", "my nightly", "is a name of letters, digits and _"),
        ("schedule_name", "", "is a name of letters, digits and _"),
        ("key_prefix", "a//b", "is names of letters, digits and _, separated by /"),
        ("lake", "ftp://host/x", "give a folder, or a URL of s3, "),
        ("webhook_url", "hooks.example.com/very-secret", "give http:// or https:// and a host"),
    ],
)
def test_what_dagster_or_a_store_would_stumble_over_is_refused_first(name, value, says):
    with pytest.raises(ValidationError) as raised:
        Settings(**{name: value})
    (fault,) = raised.value.errors(include_input=False)
    assert says in fault["msg"]
    assert "very-secret" not in str(fault)


def test_names_that_dagster_takes_are_taken():
    Settings(tenant="acme-1.eu", schedule_name="nightly_2", key_prefix="acme/llm", lake="s3://b/p")


@pytest.mark.parametrize("moment", ["", "2026-06-03", "2026-06-03T02:00:00+02:00"])
def test_a_fixed_clock_is_an_iso_instant(moment):
    assert Settings(now=moment).now == moment


def test_a_judge_needs_a_whole_url():
    assert Settings(judge_base_url="https://example.com/v1").judge_base_url
    with pytest.raises(ValidationError, match="must begin with http"):
        Settings(judge_base_url="example.com/v1")

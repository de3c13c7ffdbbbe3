"""`llmops doctor`: what leaves the machine, to whom, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llmops_pipelines.definitions import SILENT
from tests.cli.judging.test_scoring import sample, samples, score
from tests.cli.worlds import Said, data_folder, invoke
from tests.judge_stub import JudgeStub

SECRET = "sk-very-secret-0123456789"
FEATURES = """
features:
  chat: {judging: judge}
  legal: {judging: none}
  notes: {judging: judge, content: none}
  open: {judging: panel, content: full}
"""
JUDGES = """
judges:
  eu: {base_url: https://judge.example.eu/v1, api_key_env: EU_KEY, models: [eu-1]}
juries:
  panel: {members: [judge, eu]}
"""
RUBRICS = """
rubrics:
  politeness:
    asks: Is it polite?
    sees: [answer]
    features: [chat]
    system: You judge politeness.
    prompt: "<answer>\\n{{ answer }}\\n</answer>"
    output: {type: object, properties: {polite: {type: boolean}, reason: {type: string}}}
    verdict: polite
"""
SET = {"JUDGE_BASE_URL": "http://me:pw@10.0.0.7:9/v1", "JUDGE_MODEL": "m-1",
       "JUDGE_API_KEY": SECRET, "EU_KEY": SECRET}  # fmt: skip


def doctor(root: Path, *options: str, **environment: str) -> Said:
    # `invoke` takes all of Dagster's variables away, this one too.
    silent = {"DAGSTER_DISABLE_TELEMETRY": "1"}
    return invoke("--data", root / "data", "doctor", *options, environment=silent | environment)


def told(root: Path, **environment: str) -> dict[str, Any]:
    return json.loads(doctor(root, "--json", **environment).stdout)


def folder(root: Path, **files: str) -> Path:
    named = {"features.yaml": FEATURES, "judges.yaml": JUDGES, "rubrics.yaml": RUBRICS}
    return data_folder(root / "data", {}, named | files)


def test_each_feature_says_what_leaves_and_who_sees_which_fields(tmp_path):
    folder(tmp_path)
    run = doctor(tmp_path, "--json", **SET)
    found = json.loads(run.stdout)
    assert (run.returncode, found["problems"]) == (0, [])
    features = {row["feature"]: row for row in found["features"]}
    assert {name: row["leaves"] for name, row in features.items()} == {
        "chat": True, "legal": False, "notes": False, "open": True, "(any other)": False,
    }  # fmt: skip
    assert features["chat"]["to"] == [{"host": "10.0.0.7:9", "model": "m-1", "batch": ""}]
    assert features["chat"]["sees"]["politeness"] == ["answer"]
    assert features["chat"]["sees"]["ragas faithfulness"] == ["question", "answer", "contexts"]
    assert "politeness" not in features["open"]["sees"]
    assert [seat["host"] for seat in features["open"]["to"]] == ["10.0.0.7:9", "judge.example.eu"]
    assert {row["key"] for row in found["endpoints"]} == {"set"}
    assert set(found["telemetry"]) == set(SILENT)
    assert set(found["telemetry"].values()) == {"off"}
    text = doctor(tmp_path, LLMOPS_JUDGE_BATCH="openai", **SET).stdout
    assert "  chat: redacted texts of its sample -> m-1 at 10.0.0.7:9 (rubrics as files of" in text
    assert "  open: texts as logged of its sample -> a jury by majority: m-1 at 10.0.0.7:9" in text
    assert "  legal: nothing (content redacted, judging none: not judged)" in text
    assert text.endswith("no problems\n")
    assert not [secret for secret in (SECRET, "pw@") if secret in run.stdout + run.stderr + text]


def test_what_keeps_a_judge_from_being_asked_is_a_problem(tmp_path):
    folder(tmp_path)
    run = doctor(tmp_path, **{"EU_KEY": SECRET})
    assert run.returncode == 1
    assert "PROBLEM: features.yaml says `judging: judge` for chat, notes, but " in run.stdout
    found = told(tmp_path, **SET | {"EU_KEY": ""})
    assert found["problems"] == [
        "features.yaml says `judging: panel` for open, but EU_KEY is not set: no model judges them,"
        " embedded scorers do. Set what judges.yaml names"
    ]
    assert not next(row for row in found["features"] if row["feature"] == "open")["leaves"]


def test_findings_of_preflights_are_shown_with_their_age_and_faults_are_problems(tmp_path):
    folder(tmp_path, **{"features.yaml": "features:\n  chat: {judging: judge}\n"})
    file = samples(tmp_path, sample(1))
    with JudgeStub() as judge:
        here = {"JUDGE_BASE_URL": judge.base_url, "JUDGE_MODEL": "gpt-4.1-mini"}
        assert doctor(tmp_path, **here).stdout.count("no preflight yet") == 4
        score(tmp_path, file, judge=judge, rubric="politeness")
        judge.stubborn = True
        asked = judge.calls
        later = here | {"LLMOPS_NOW": "2026-06-05T02:00:00Z"}
        assert "preflight 2.0 days ago: by json_schema, 5 of 5 right" in (
            doctor(tmp_path, **later).stdout
        )
        assert judge.calls == asked
        score(tmp_path, samples(tmp_path, sample(2)), judge=judge, rubric="politeness",
              LLMOPS_NOW="2026-06-20T02:00:00Z")  # fmt: skip
    found = told(tmp_path, **here | {"LLMOPS_NOW": "2026-06-20T02:00:00Z"})
    assert len(found["problems"]) == 1
    assert "always says the same tells nothing" in found["problems"][0]


def test_files_that_cannot_be_used_and_libraries_that_call_home_are_problems(tmp_path, monkeypatch):
    folder(tmp_path, **{"features.yaml": "features:\n  chat: {judging: gpt}\n"})
    monkeypatch.setenv("RAGAS_DO_NOT_TRACK", "false")
    run = doctor(tmp_path)
    assert run.returncode == 1
    assert "Telemetry of libraries: ON by RAGAS_DO_NOT_TRACK" in run.stdout
    assert "no such judge; accepted: none, local, judge, eu, panel; found 'gpt'" in run.stdout
    assert "2 problem(s)" in run.stdout


def test_a_budget_of_a_mistyped_feature_is_told(tmp_path):
    folder(
        tmp_path,
        **{
            "features.yaml": "features:\n  chat: {team: care}\n",
            "budgets.yaml": "features:\n  chta: {daily_usd: 1}\nteams:\n  care: {daily_usd: 1}\n",
            "finance.yaml": "ownership: [{feature: chst, team: growth}]\n",
        },
    )
    run = doctor(tmp_path)
    assert "note: budgets.yaml: features.chta is the budget of nothing" in run.stdout
    assert "did you mean: chat" in run.stdout
    assert "teams.care" not in run.stdout
    assert "note: finance.yaml: ownership.0.feature: chst is nothing that" in run.stdout


def test_everything_else_that_goes_elsewhere_is_told_without_its_secrets(tmp_path):
    pull = ("pull:\n- {name: lf, kind: langfuse, url: https://langfuse.example.com, "
            "public_key_env: PK, api_key_env: SK}\n")  # fmt: skip
    folder(tmp_path, **{"sources.yaml": pull})
    found = told(tmp_path, LLMOPS_WEBHOOK_URL="https://hooks.example.com/T0/" + SECRET, **SET)
    assert {row["to"] for row in found["others"]} == {
        "hooks.example.com", "langfuse.example.com", "m-1 at 10.0.0.7:9",
        "eu-1 at judge.example.eu", "m-1 at 10.0.0.7:9, eu-1 at judge.example.eu",
    }  # fmt: skip
    told_of = [row["what"] for row in found["others"]]
    assert "files given to llmops score FILE --judge eu" in told_of
    assert "files given to llmops score FILE --judge panel" in told_of
    assert SECRET not in json.dumps(found)


def test_a_reference_folder_that_is_none_is_a_problem(tmp_path):
    folder(tmp_path)
    (tmp_path / "notes").write_text("")
    for place in (tmp_path / "notes", tmp_path / "refrence"):
        run = doctor(tmp_path, LLMOPS_REFERENCE=str(place))
        assert run.returncode == 1
        assert f"PROBLEM: {place} is no folder: no reference file is read" in run.stdout


def test_a_lake_that_cannot_be_reached_is_told_without_a_traceback(tmp_path):
    folder(tmp_path)
    options = json.dumps({"aws_regoin": "eu-west-1"})
    run = doctor(tmp_path, LLMOPS_LAKE="s3://bucket/lake", LLMOPS_STORAGE_OPTIONS=options)
    assert run.returncode == 2
    assert run.stderr.startswith("cannot use s3://bucket/lake: ")
    assert "aws_regoin" in run.stderr
    assert "Traceback" not in run.stderr

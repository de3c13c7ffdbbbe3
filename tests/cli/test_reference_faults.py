"""Reference files that cannot be used: told all at once, before anything is computed."""

import json

import pytest

from llmops_pipelines.formats import FORMATS
from llmops_pipelines.orchestration.graph.reference_files import check_reference, unread_files
from llmops_pipelines.orchestration.graph.resources import Judge, ReferenceFolder
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup
from llmops_pipelines.orchestration.judging.judging import unready
from llmops_pipelines.reference import Feature, Features, PrivacyRules, ReferenceFileError
from tests.cli.worlds import call, data_folder, invoke, text

FAULTY = {
    "alert_rules.yaml": "rules:\n  a:\n    metric: slow\n    direction: above\n    warning: 1\n",
    "budgets.yaml": "features:\n  chat: {daily_usd: -1}\n",
    "features.yaml": "features:\n  chat:\n    judging: gpt\n",
    "prices.yaml": "overrides:\n- {provider: openai, model: m, why: x}\n",
    "rubrics.yaml": "rubrics: [1, 2\n",
    "sources.yaml": "sources:\n- name: a\n  match: '*'\n  format: csv\n",
    "prompts/answer.yaml": "name: answer\n\tactive: '1'\n",
}


def said(folder) -> list[str]:
    with pytest.raises(ReferenceFileError) as raised:
        check_reference(folder)
    return [line.removeprefix(f"{folder}/") for line in str(raised.value).splitlines()]


def test_every_faulty_file_is_told_at_once_with_line_field_and_remedy(tmp_path):
    root = data_folder(tmp_path, {}, FAULTY)
    faults = said(root / "reference")
    assert faults[0].startswith("alert_rules.yaml:3: rules.a.metric: there is no such metric; ")
    assert "known: calls, error_rate" in faults[0]
    assert faults[1:] == [
        "budgets.yaml:2: features.chat.daily_usd: input should be greater than 0; found -1",
        "features.yaml:3: features.chat.judging: no such judge; accepted: none, local, judge; "
        "found 'gpt'",
        "prices.yaml:2: overrides.0.prices: is missing",
        "rubrics.yaml:2: not YAML: expected ',' or ']', but got '<stream end>'",
        f"sources.yaml:4: sources.0.format: is no log format; accepted: {', '.join(FORMATS)};"
        " found 'csv'",
        "prompts/answer.yaml:2: not YAML: a tab; indent with spaces",
    ]


def test_a_feature_file_may_use_all_that_it_documents_and_its_schemas_are_schemas(tmp_path):
    rules = "rules:\n- when: {source_format: langfuse}\n  feature: chat\n"
    root = data_folder(tmp_path, {}, {"features.yaml": rules})
    check_reference(root / "reference")
    schema = "features:\n  chat:\n    output_schema:\n      type: objekt\n"
    (root / "reference" / "features.yaml").write_text(rules + schema)
    (fault,) = said(root / "reference")
    assert fault.startswith(
        "features.yaml:6: features.chat.output_schema: the schema is not a JSON schema: $.type "
    )


@pytest.mark.parametrize("file", FAULTY)
def test_one_faulty_file_is_enough_to_stop(file, tmp_path):
    root = data_folder(tmp_path, {}, {file: FAULTY[file]})
    (fault,) = said(root / "reference")
    assert fault.startswith(f"{file}:")


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_is_computed_from_files_that_cannot_be_used(as_json, tmp_path):
    root = data_folder(tmp_path, {"good.jsonl": text(call(1))}, FAULTY)
    run = invoke("--data", root, "nightly", *(["--json"] if as_json else []))
    assert run.returncode == 2
    assert run.stderr.startswith("the reference files cannot be used:\n")
    assert all(f"reference/{file}:" in run.stderr for file in FAULTY)
    assert not (root / "lake").exists() or not list((root / "lake").iterdir())
    if as_json:
        found = json.loads(run.stdout)
        assert (found["days"], found["quality"], found["alerts"]) == ([], [], [])
        assert "features.chat.judging" in found["failures"][0]["error"]
    else:
        assert run.stdout == ""


def test_a_file_that_is_a_folder_or_no_text_is_told_too(tmp_path):
    root = data_folder(tmp_path, {}, {"budgets.yaml": b"\xff\xfe\x00binary"})
    (root / "reference" / "prices.yaml").mkdir()
    assert [fault.split(": ", 1)[0] for fault in said(root / "reference")] == [
        "budgets.yaml:1",
        "prices.yaml:1",
    ]


def test_names_in_another_encoding_are_refused_by_check_and_by_reader(tmp_path):
    """Read with a sign for what is unknown, no name of privacy.yaml would be found in any text."""
    names = "names: [José Muñoz]\n".encode("latin-1")
    root = data_folder(tmp_path, {}, {"privacy.yaml": names})
    assert said(root / "reference") == ["privacy.yaml:1: is not UTF-8; save it as UTF-8"]
    with pytest.raises(ReferenceFileError, match="save it as UTF-8"):
        ReferenceFolder(path=str(root / "reference")).read("privacy.yaml", PrivacyRules)


def test_files_that_are_not_there_are_empty_ones(tmp_path):
    check_reference(tmp_path)


def test_a_file_that_nothing_reads_is_pointed_out(tmp_path):
    root = data_folder(
        tmp_path,
        {},
        {"feature.yaml": "", "budgets.yml": "", "zzz.yaml": "", "prompts/a.yaml": ""},
    )
    folder = root / "reference"
    known = (
        "alert_rules.yaml, budgets.yaml, features.yaml, finance.yaml, judges.yaml, prices.yaml, "
        "privacy.yaml, rubrics.yaml, sources.yaml"
    )
    assert unread_files(folder) == [
        f"{folder}/budgets.yml is not read; did you mean budgets.yaml?",
        f"{folder}/feature.yaml is not read; did you mean features.yaml?",
        f"{folder}/zzz.yaml is not read; known files are {known}",
    ]


def asking(**judging: str) -> Features:
    return Features(features={name: Feature(judging=who) for name, who in judging.items()})


def test_a_judge_that_is_asked_for_and_not_configured_is_told_with_what_to_set():
    features = asking(chat="judge", mail="judge", code="local")
    (warning,) = unready(JudgeSetup(Judge(), features))
    assert warning.startswith(
        "features.yaml says `judging: judge` for chat, mail, but JUDGE_BASE_URL and JUDGE_MODEL "
        "are not set: no model judges them, embedded scorers do. Set JUDGE_BASE_URL"
    )
    (warning,) = unready(JudgeSetup(Judge(base_url="http://127.0.0.1:1/v1"), features))
    assert "but JUDGE_MODEL is not set:" in warning


def test_a_judge_that_is_configured_or_not_asked_for_is_no_matter():
    assert unready(JudgeSetup(Judge(), asking(chat="local"))) == []
    assert unready(JudgeSetup(Judge(), Features())) == []
    ready = Judge(base_url="http://127.0.0.1:1/v1", model="m")
    assert unready(JudgeSetup(ready, asking(chat="judge"))) == []

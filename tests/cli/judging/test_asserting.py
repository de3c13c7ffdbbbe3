"""`llmops assert`: outputs against a promptfoo file, judged through the ledger."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmops_pipelines.judging.execution.preflight import CANNED
from tests.cli.worlds import Said, invoke
from tests.judge_stub import JudgeStub, slot

CONFIG = """
tests:
  - description: fast
    assert:
      - {type: icontains, value: days, metric: form}
      - {type: cost, threshold: 0.01}
  - description: kind
    assert:
      - {type: llm-rubric, value: is kind, metric: kind}
      - {type: javascript, value: process.exit(1)}
"""
FAST = {"test": 0, "output": "Five days.", "cost": 0.001}
KIND = {"test": 1, "output": "Thank you!"}


class KindJudge(JudgeStub):
    """Finds kind what says thanks."""

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        prompt = body["messages"][-1]["content"]
        if "<criterion>" not in prompt:
            return super().answer(body)
        assert slot(prompt, "criterion") == "is kind"
        return {"reason": "as read", "pass": "Thank" in slot(prompt, "answer")}


def told(root: Path, *outputs: dict[str, Any], options: tuple[str, ...] = (), **env: str) -> Said:
    """`llmops assert` on these outputs."""
    (root / "p.yaml").write_text(CONFIG)
    (root / "o.jsonl").write_text("".join(json.dumps(line) + "\n" for line in outputs))
    files = (root / "p.yaml", "--outputs", root / "o.jsonl")
    return invoke("--data", root / "data", "assert", *files, *options, environment=env)


def test_a_judged_assertion_is_paid_for_once(tmp_path):
    with KindJudge() as stub:
        env = {"JUDGE_BASE_URL": stub.base_url, "JUDGE_MODEL": "judge-1"}
        runs = [
            told(tmp_path, FAST, KIND, options=("--json", "--skip-unsupported"), **env)
            for _ in range(2)
        ]
        assert stub.calls == len(CANNED) + 1
    first, second = (json.loads(run.stdout) for run in runs)
    assert first == second
    assert [run.returncode for run in runs] == [0, 0]
    assert first["outputs"] == {"passed": 2, "failed": 0, "unknown": 0}
    assert first["metrics"]["kind"] == {"n": 1, "unscored": 0, "mean": 1.0}
    assert first["assertions"]["unsupported"] == 1


def test_a_failure_is_told_with_line_test_and_assertion(tmp_path):
    run = told(tmp_path, FAST | {"output": "Soon."}, KIND)
    assert run.returncode == 1
    assert "line 1, test 0 (fast): failed: icontains (p.yaml:5): lacks 'days'" in run.stdout
    assert (
        "line 2, test 1 (kind): cannot tell: llm-rubric (p.yaml:9): no judge is set" in run.stdout
    )
    assert "unsupported: p.yaml:10: javascript, 1 x: javascript runs code" in run.stdout
    assert "form: 0.000 over 1, 0 without a score" in run.stdout
    assert run.stdout.endswith(
        "outputs: 0 passed, 1 failed, 1 cannot be told; "
        "assertions: 1 passed, 1 failed, 1 cannot be told, 1 unsupported\n"
    )


@pytest.mark.parametrize("outputs", [(FAST, KIND), (FAST,)])
def test_what_cannot_be_told_has_an_exit_code_of_its_own(tmp_path, outputs):
    run = told(tmp_path, *outputs)
    assert run.returncode == 3
    assert ("test 1 (kind): no output" in run.stdout) == (len(outputs) == 1)


def test_a_feature_whose_texts_stay_here_is_not_sent(tmp_path):
    reference = tmp_path / "data" / "reference"
    reference.mkdir(parents=True)
    (reference / "features.yaml").write_text("features:\n  hr: {judging: local}\n")
    with KindJudge() as stub:
        env = {"JUDGE_BASE_URL": stub.base_url, "JUDGE_MODEL": "judge-1"}
        run = told(tmp_path, FAST, KIND | {"feature": "hr"}, options=("--json",), **env)
        assert stub.calls == 0
    row = json.loads(run.stdout)["results"][1]
    assert "over_policy: features.yaml does not let" in row["assertions"][0]["reason"]


def test_files_that_cannot_be_used_are_named(tmp_path):
    run = told(tmp_path, {"test": 7, "output": "x"})
    assert (run.returncode, run.stderr) == (2, "o.jsonl:1: test 7: there are 2, from 0\n")
    missing = invoke("assert", tmp_path / "none.yaml", "--outputs", tmp_path / "o.jsonl")
    assert missing.returncode == 2
    assert "none.yaml: no such file" in missing.stderr

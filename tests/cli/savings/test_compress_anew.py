"""`llmops compress --anew`: answers from full and short prompts, judged in pairs on loopback."""

from __future__ import annotations

import json

import pytest

from llmops_pipelines.judging.judges.writing import METRIC
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER, JUDGE_SPECS
from tests.cli.savings.test_compressing import PARCELS, lines
from tests.cli.worlds import invoke
from tests.judge_stub import JudgeStub

GUESS = "Parcels to Peru travel for two days."


class Model(JudgeStub):
    """Answers what the documents say, guesses where they do not, and judges as the stub does."""

    def answer(self, body):
        prompt = body["messages"][-1]["content"]
        if body["response_format"]["json_schema"]["name"] == METRIC:
            return {"answer": PARCELS if PARCELS in prompt else GUESS}
        return super().answer(body)


def model():
    return Model(truth={PARCELS: True, GUESS: False}, default=True)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines(80)))
    return path


def compress(file, *options, model=None):
    asked = {"JUDGE_BASE_URL": model.base_url, "JUDGE_MODEL": "gpt-4.1-mini"} if model else {}
    return invoke(
        "--data", file.parent / "data", "compress", file, *options, environment=asked
    )  # fmt: skip


def test_answers_from_short_prompts_are_judged_beside_those_from_full_ones_once(file):
    options = ("--json", "--anew", 60, "--model", "gpt-4.1", "--keep", "contexts_by_likeness=1")
    with model() as endpoint:
        first = compress(file, *options, model=endpoint)
        calls = endpoint.calls
        again = compress(file, *options, model=endpoint)
        assert endpoint.calls == calls, "a second run meets the ledger"
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)["anew"]
    assert (told["technique"], told["setting"], told["pairs"], told["unscored"]) == (
        "contexts_by_likeness", 1.0, 60, 0,
    )  # fmt: skip
    assert (told["score_full"], told["score_short"], told["loss"]) == (1.0, 1.0, 0.0)
    assert 0 < told["loss_at_most"] <= 0.05
    assert told["state"] == "recommended"
    assert told["metric"] == "groundedness"
    kept = Lake(open_store(str(file.parent / "data" / "lake")))
    # The full prompts differ by case, and so do the short ones; their answers are one content,
    # judged by contexts that differ.
    assert kept.read(JUDGE_CALLS).filter(step="verdict").height == 60
    # What was asked before the samples, to see whether the judge works, is paid for like them.
    assert told["calls"] == kept.read(JUDGE_CALLS).height == calls
    assert told["cost_usd"] == pytest.approx(float(kept.read(JUDGE_CALLS)["cost"].sum()))
    assert told["calls_of_unknown_cost"] == 0
    assert json.loads(again.stdout)["anew"]["calls"] == 0
    assert json.loads(again.stdout)["anew"]["loss"] == 0.0
    assert set(kept.read(JUDGE_SPECS)["metric"]) == {METRIC, "groundedness", "preflight"}
    answers = kept.read(JUDGE_LEDGER).filter(metric=METRIC)
    assert set(answers["reason"]) == {PARCELS}
    assert kept.read(JUDGE_CALLS).filter(step=METRIC).height == 120
    assert "answering 60 samples anew with gpt-4.1" in first.stderr


def test_calls_whose_cost_nobody_tells_are_counted_and_never_free(file):
    options = ("--json", "--anew", 5, "--model", "gpt-4.1", "--keep", "contexts_by_likeness=1")
    with Model(truth={PARCELS: True}, default=True, usage=False) as endpoint:
        told = json.loads(compress(file, *options, model=endpoint).stdout)["anew"]
    assert (told["cost_usd"], told["calls_of_unknown_cost"]) == (None, told["calls"])


def test_a_setting_that_cuts_what_is_needed_is_not_recommended(file):
    with model() as endpoint:
        said = compress(
            file, "--anew", 20, "--model", "gpt-4.1", "--keep", "contexts_by_rank=1", model=endpoint
        )
    assert said.returncode == 3, said.stderr
    assert "score 1.000 from full prompts, 0.000 from short ones; loss 100.0 %" in said.stdout
    assert "cannot tell whether it is at most 5 %" in said.stdout


def test_a_setting_that_shortens_nothing_is_not_recommended_though_it_loses_nothing(file):
    with model() as endpoint:
        said = compress(
            file, "--anew", 60, "--model", "gpt-4.1", "--keep", "contexts_by_rank=10",
            model=endpoint,
        )  # fmt: skip
    assert said.returncode == 3, said.stderr
    assert "proven at most 5 %; that it saves anything is not proven" in said.stdout


def test_a_cap_leaves_pairs_without_scores_and_never_spends_more(file):
    with model() as endpoint:
        said = compress(
            file, "--json", "--anew", 60, "--model", "gpt-4.1", "--max-usd", 0.02, model=endpoint
        )
    told = json.loads(said.stdout)["anew"]
    assert said.returncode == 3
    assert told["unscored"] > 0
    assert told["cost_usd"] <= 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--anew", 5), "set JUDGE_BASE_URL and JUDGE_MODEL"),
        (("--anew", 5, "--keep", "extractive"), "write it as TECHNIQUE=SETTING"),
        (("--anew", 5, "--keep", "extractive=0.55"), "there is no such setting; known: "),
        (("--anew", 5, "--judge", "nobody"), "there is no such judge"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_sent(file, options, message):
    said = compress(file, *options)
    assert said.returncode == 2
    assert message in said.stderr
    assert "Traceback" not in said.stderr


def test_texts_of_a_feature_that_may_not_leave_are_not_sent(file):
    own = [json.dumps(line | {"feature": "secret"}) for line in lines(80)]
    file.write_text("\n".join(own))
    reference = file.parent / "data" / "reference"
    reference.mkdir(parents=True)
    (reference / "features.yaml").write_text("features:\n  secret: {judging: local}\n")
    with model() as endpoint:
        said = compress(file, "--json", "--anew", 10, model=endpoint)
        assert endpoint.calls == 0, said.stderr
    told = json.loads(said.stdout)["anew"]
    assert (told["pairs"], told["unscored"], told["loss"], told["cost_usd"]) == (0, 10, None, 0.0)
    assert said.returncode == 3

"""Past days under another judge: quoted, capped, resumed, a backfill; both versions are kept."""

import json
from datetime import date

import dagster as dg
import polars as pl
import pytest
from dagster._core.execution.backfill import BulkActionStatus

from llmops_pipelines.definitions import resources_of
from llmops_pipelines.orchestration.runs.nightly import open_instance
from llmops_pipelines.tables import (
    JUDGE_BRIDGES,
    JUDGE_COVERAGE,
    JUDGE_RESCORES,
    JUDGE_SCORES,
    QUALITY,
)
from tests.cli.worlds import DAY, call, data_folder, invoke, settings, text
from tests.judge_stub import JudgeStub

pytestmark = pytest.mark.slow

CALLS = 6
NEXT = date(2026, 6, 3)
LATER = {"LLMOPS_NOW": "2026-07-01T02:00:00Z", "LLMOPS_JUDGE_PREFLIGHT_DAYS": "0"}
FEATURES = "features:\n  chat: {judging: judge, ragas: []}\n"
DAYS = ("--from", DAY, "--to", NEXT)


def line(number: int, day: date = DAY) -> dict:
    """A call whose answer no other has."""
    answer = {"role": "assistant", "content": f"Parcel {number} travels three days, says {day}."}
    response = call(0)["response"]
    choices = [response["choices"][0] | {"message": answer}]
    at = f"{day}T09:{number:02d}:00Z"
    return call(
        number, id=f"{day}-{number}", timestamp=at, response=response | {"choices": choices}
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two days judged by one judge, weeks ago."""
    root = tmp_path_factory.mktemp("rescore")
    lines = [line(n, day) for day in (DAY, NEXT) for n in range(1, CALLS + 1)]
    data_folder(root, {"a.jsonl": text(*lines)}, {"features.yaml": FEATURES})
    with JudgeStub(model="old-judge-1") as judge:
        asked = {"JUDGE_BASE_URL": judge.base_url, "JUDGE_MODEL": "gpt-4.1-mini"}
        ran = invoke(
            "--data", root, "nightly", environment=asked | {"LLMOPS_NOW": "2026-06-04T02:00:00Z"}
        )
        assert ran.returncode == 0, ran.stderr
    return root


def rescore(root, judge, *more: object, **environment: str):
    asked = {"JUDGE_BASE_URL": judge.base_url, "JUDGE_MODEL": "gpt-4.1", **LATER, **environment}
    return invoke(
        "--data", root, "rescore", *DAYS, "--spec", "groundedness", *more, environment=asked
    )


def test_a_rescoring_is_quoted_capped_resumed_and_keeps_both_versions(world):
    lake = resources_of(settings(world)).lake.open()
    with JudgeStub(model="new-judge-1", default=False) as judge:
        unasked = rescore(world, judge)
        assert (unasked.returncode, judge.calls) == (2, 0)
        assert "nobody is here to agree to that; add --yes" in unasked.stderr
        capped = rescore(world, judge, "--yes", "--json", LLMOPS_JUDGE_MAX_USD_PER_RUN="0.03")
        first = judge.calls
        assert capped.returncode == 1
        found = json.loads(capped.stdout)
        assert [each["items"] for each in found["days"]] == [CALLS, CALLS]
        over = sum(day["over_budget"] for day in found["rescored"])
        judged = sum(day["judged"] for day in found["rescored"])
        assert (judged + over, over > 0, judged > 0) == (2 * CALLS, True, True)
        rest = rescore(world, judge, "--yes", "--json")
        assert rest.returncode == 0, rest.stderr
        paid = judge.calls
        assert first - judged in (2, 3, 4), "two canaries a day, as far as the cap allows"
        assert paid - 2 * CALLS in (6, 7, 8), "two for each batch that found something to ask"
        again = rescore(world, judge, "--yes")
        assert (again.returncode, judge.calls) == (0, paid)
        assert "all of it is paid for already" in again.stderr
        assert "--repetition 1 asks the same judge once more" in again.stderr
    scores = lake.read(JUDGE_SCORES).filter(metric="groundedness")
    by_judge = (
        scores.group_by("model_served").agg(pl.len(), pl.col("score").mean()).sort("model_served")
    )
    assert by_judge.rows() == [("new-judge-1", 2 * CALLS, 0.0), ("old-judge-1", 2 * CALLS, 1.0)]
    assert lake.read(JUDGE_RESCORES)["judged"].to_list() == [CALLS, CALLS]
    grid = lake.read(JUDGE_COVERAGE).select("state", "expected", "judged").unique()
    assert grid.rows() == [("done", CALLS, CALLS)]
    bridge = lake.read(JUDGE_BRIDGES).filter(metric="groundedness", feature="*").row(0, named=True)
    assert (bridge["from_judge"], bridge["to_judge"]) == ("rubric gpt-4.1-mini", "rubric gpt-4.1")
    assert (bridge["estimate"], bridge["n"], bridge["unpaired"]) == (-1.0, 2 * CALLS, 0)
    rates = lake.read(QUALITY, [DAY]).filter(metric="groundedness", prompt_version="*")
    assert sorted(rates["estimate"].to_list()) == [0.0, 1.0]


def test_a_rescoring_is_a_backfill_in_the_history(world):
    with open_instance(world / ".dagster") as instance:
        backfills = instance.get_backfills()
        runs = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfills[0].backfill_id}))
    assert {backfill.status for backfill in backfills} == {BulkActionStatus.COMPLETED_SUCCESS}
    assert backfills[0].title.startswith("llmops rescore: groundedness by gpt-4.1 (")
    assert sorted(run.tags["dagster/partition"] for run in runs) == [str(DAY), str(NEXT)]
    assert {run.tags["llmops/by"] for run in runs} == {"llmops rescore"}
    assert {run.tags["llmops/judge"] for run in runs} == {"groundedness by gpt-4.1"}
    assert backfills[0].tags["llmops/judge"] == "groundedness by gpt-4.1"
    assert {run.job_name for run in runs} == {"rescore_job"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--spec", "grounded"),
            "no judge is called 'grounded'; did you mean groundedness? rubrics.yaml",
        ),
        (("--spec", "support", "--model", "x"), "no judge is called 'support'"),
    ],
)
def test_what_cannot_be_rescored_is_told(world, arguments, said):
    asked = {"JUDGE_BASE_URL": "http://127.0.0.1:9/v1", "JUDGE_MODEL": "m", **LATER}
    run = invoke("--data", world, "rescore", *DAYS, *arguments, environment=asked)
    assert run.returncode == 2
    assert said in run.stderr


def test_a_slip_is_told_before_the_model_that_is_not_set(world):
    run = invoke("--data", world, "rescore", *DAYS, "--spec", "groundednes", environment=LATER)
    assert run.returncode == 2
    assert "did you mean groundedness?" in run.stderr
    assert "no model is named" not in run.stderr


def test_without_an_endpoint_nobody_is_asked_and_what_to_set_is_told(world):
    arguments = ("--spec", "groundedness", "--model", "gpt-4.1", "--yes")
    unset = invoke("--data", world, "rescore", *DAYS, *arguments, environment=LATER)
    assert unset.returncode == 2
    assert "no endpoint to ask: set JUDGE_BASE_URL" in unset.stderr


def test_days_of_the_range_without_a_sampled_call_are_told_as_left_out(world):
    asked = {"JUDGE_BASE_URL": "http://127.0.0.1:9/v1", "JUDGE_MODEL": "m", **LATER}
    days = ("--from", "2026-05-30", "--to", "2026-06-08")
    run = invoke("--data", world, "rescore", *days, "--spec", "groundedness", environment=asked)
    assert "nobody is here to agree" in run.stderr
    assert (
        "left out, without a sampled call: 8 day(s), 2026-05-30 to 2026-06-01, "
        "2026-06-04 to 2026-06-08" in run.stderr
    )

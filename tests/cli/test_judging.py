"""Nights with a judge that is missing, dead, without a price, or in order."""

import json
from pathlib import Path

import numpy as np
import pytest

from llmops_pipelines.adapters.cross_encoder import EntailmentModel
from llmops_pipelines.judging.execution.preflight import CANNED
from llmops_pipelines.orchestration.judging import entailment
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import QUALITY
from tests.cli.worlds import DAY, Said, call, data_folder, invoke, text
from tests.judge_stub import JudgeStub
from tests.loopback import closed_port

pytestmark = pytest.mark.slow

CALLS = 6
JUDGE = {"JUDGE_MODEL": "gpt-4.1-mini"}
JUDGED = {"groundedness", "faithfulness", "answer_relevancy"}


def night(root: Path, **environment: str) -> tuple[Said, dict]:
    """One night over a few calls of a feature that asks for the judge."""
    logs = {"a.jsonl": text(*(call(number) for number in range(1, CALLS + 1)))}
    data_folder(root, logs, {"features.yaml": "features:\n  chat: {judging: judge}\n"})
    run = invoke("--data", root, "nightly", "--json", environment=environment)
    return run, json.loads(run.stdout)


def quality(found: dict) -> dict[str, tuple[int, int]]:
    """Scored and unscored answers by metric."""
    return {row["metric"]: (row["n"], row["unscored"]) for row in found["quality"]}


def test_without_an_endpoint_the_night_runs_and_says_what_to_set(tmp_path):
    run, found = night(tmp_path, JUDGE_API_KEY="sk-alone")
    assert run.returncode == 0
    assert run.stderr.startswith(
        "warning: features.yaml says `judging: judge` for chat, but JUDGE_BASE_URL and JUDGE_MODEL "
        "are not set: no model judges them, embedded scorers do."
    )
    assert set(quality(found)) == {"support", "relevance"}


def test_a_dead_endpoint_costs_its_scores_and_is_named(tmp_path):
    url = f"http://127.0.0.1:{closed_port()}/v1"
    run, found = night(tmp_path, JUDGE_BASE_URL=url, JUDGE_MODEL="gpt-4.1-mini")
    assert run.returncode == 0
    assert found["failures"] == []
    assert {quality(found)[metric] for metric in JUDGED} == {(0, CALLS)}
    assert quality(found)["support"] == (CALLS, 0)
    assert (
        f"not judged {DAY}: {CALLS} failed; first reason: the judge endpoint failed" in run.stderr
    )
    assert "check JUDGE_BASE_URL: nothing answers there, then run again" in run.stderr


def test_a_judge_without_a_price_is_held_by_counting_its_calls(tmp_path):
    with JudgeStub() as judge:
        run, found = night(
            tmp_path,
            JUDGE_BASE_URL=judge.base_url,
            JUDGE_MODEL="our-own-judge",
            LLMOPS_JUDGE_MAX_CALLS_PER_RUN="4",
        )
    assert run.returncode == 0
    assert "no price known" in run.stderr
    assert "over_budget; first reason: the judge has no price and its calls are capped: 4" in (
        run.stderr
    )
    scored, unscored = quality(found)["groundedness"]
    assert (scored, unscored) == (2, CALLS - 2), "canaries take two of the four"
    assert judge.calls == len(CANNED) + 4
    assert all(request["model"] == "our-own-judge" for request in judge.requests)


def test_quotes_are_told_before_money_is_spent_and_then_everything_is_judged(tmp_path):
    with JudgeStub() as judge:
        run, found = night(tmp_path, JUDGE_BASE_URL=judge.base_url, JUDGE_MODEL="gpt-4.1-mini")
        paid = judge.calls
        again, _ = night(tmp_path, JUDGE_BASE_URL=judge.base_url, JUDGE_MODEL="gpt-4.1-mini")
        assert judge.calls == paid > 0
        days = ("--from", DAY, "--to", DAY)
        kept = invoke("--data", tmp_path, "quote", *days, environment=JUDGE)
        other = invoke(
            "--data", tmp_path, "quote", *days, "--spec", "groundedness", "--model", "gpt-4.1",
            "--json", environment=JUDGE,
        )  # fmt: skip
        assert judge.calls == paid, "a quote asks nobody"
    assert kept.returncode == 0
    assert "tokens are counted by text length" not in kept.stdout, "there is nothing to count"
    assert "groundedness by gpt-4.1-mini: 1 past quote(s), 6 items asked; spent 1.00 of the" in (
        kept.stdout
    )
    (quoted,) = json.loads(other.stdout)["quotes"]
    assert (quoted["items"], quoted["already_paid"], quoted["calls"]) == (CALLS, 0, CALLS + 2)
    assert quoted["usd_in_batches"] == pytest.approx(quoted["usd"] / 2 / 1.02)
    assert quoted["seconds"] > 0
    assert {quality(found)[metric] for metric in JUDGED} == {(CALLS, 0)}
    quotes = [line for line in run.stderr.splitlines() if line.startswith(f"quote {DAY}: ")]
    assert {quote.split()[2] for quote in quotes} == JUDGED
    assert all("about $0.00" in quote and "at most $0." in quote for quote in quotes)
    assert "quote" not in again.stderr


def test_a_jury_sits_at_two_endpoints_and_only_its_features_texts_go_there(tmp_path):
    answers = {"chat": "Parcels travel three days.", "legal": "Spare keys cost nine euros."}
    records = [
        call(number, feature=feature, response=call(0)["response"] | {
            "choices": [{"finish_reason": "stop",
                         "message": {"role": "assistant", "content": answer}}]
        })
        for number, (feature, answer) in enumerate(answers.items())
    ]  # fmt: skip
    with (
        JudgeStub() as mild,
        JudgeStub(truth={answers["chat"]: False}, ignores_formats=True) as own,
    ):
        reference = {
            "features.yaml": "features:\n  chat: {judging: panel}\n  legal: {judging: none}\n",
            "judges.yaml": (
                f"judges:\n  own: {{base_url: '{own.base_url}', api_key_env: OWN_KEY, "
                "models: [own-1]}\njuries:\n  panel: {members: [judge, own], combine: mean}\n"
            ),
        }
        data_folder(tmp_path, {"a.jsonl": text(*records)}, reference)
        run = invoke(
            "--data", tmp_path, "nightly", "--json",
            environment={"JUDGE_BASE_URL": mild.base_url, "JUDGE_MODEL": "gpt-4.1-mini",
                         "OWN_KEY": "sk-own", "LLMOPS_JUDGE_PREFLIGHT_DAYS": "1"},
        )  # fmt: skip
        found = json.loads(run.stdout)
        sent = json.dumps([*mild.requests, *own.requests])
    assert found["failures"] == []
    assert answers["chat"] in sent
    assert answers["legal"] not in sent
    assert {headers["Authorization"] for headers in own.headers} == {"Bearer sk-own"}
    ways = [body["response_format"]["type"] for body in own.requests]
    assert ways.count("json_schema") == 1
    quality_rows = Lake(open_store(str(tmp_path / "lake"))).read(QUALITY)
    rows = quality_rows.filter(metric="groundedness", prompt_version="*").select(
        "judge", "estimate"
    )
    assert dict(rows.rows()) == {
        "rubric gpt-4.1-mini": 1.0, "rubric own-1": 0.0, "jury mean of gpt-4.1-mini, own-1": 0.5,
    }  # fmt: skip


def test_an_endpoint_named_in_judges_yaml_alone_is_asked_again_and_rescores(tmp_path):
    def named(url: str) -> dict[str, str]:
        return {
            "features.yaml": "features:\n  chat: {judging: own, ragas: []}\n",
            "judges.yaml": f"judges:\n  own: {{base_url: '{url}', models: [own-1]}}\n",
        }

    logs = {"a.jsonl": text(*(call(number) for number in range(1, CALLS + 1)))}
    data_folder(tmp_path, logs, named(f"http://127.0.0.1:{closed_port()}/v1"))
    dead = invoke("--data", tmp_path, "nightly", "--json")
    assert quality(json.loads(dead.stdout))["groundedness"] == (0, CALLS)
    with JudgeStub() as judge:
        data_folder(tmp_path, logs, named(judge.base_url))
        alive = invoke("--data", tmp_path, "nightly", "--json")
        assert quality(json.loads(alive.stdout))["groundedness"] == (CALLS, 0)
        paid = judge.calls
        invoke("--data", tmp_path, "nightly")
        assert judge.calls == paid, "nobody owes anything any more"
        days = ("--from", DAY, "--to", DAY, "--spec", "groundedness", "--model", "own-2")
        rescored = invoke("--data", tmp_path, "rescore", *days, "--yes")
        assert rescored.returncode == 0, rescored.stderr
        assert {request["model"] for request in judge.requests[paid:]} == {"own-2"}


def test_a_model_of_ones_own_takes_up_what_it_missed_and_what_it_said_stays(tmp_path, monkeypatch):
    pairs: list[tuple[str, str]] = []

    def entails(_self, asked):
        pairs.extend(asked)
        return np.ones(len(asked), dtype=np.float32)

    logs = {"a.jsonl": text(*(call(number) for number in range(CALLS)))}
    data_folder(tmp_path, logs)
    named = {"LLMOPS_ENTAILMENT_MODEL": str(tmp_path / "mine")}
    missed = invoke("--data", tmp_path, "nightly", "--json", environment=named)
    assert f"not judged {DAY}: entailment: there is no folder {tmp_path}/mine" in missed.stderr
    assert "entailment" not in quality(json.loads(missed.stdout))
    opened = EntailmentModel("mine", tmp_path, "0" * 16, entailment=1)
    monkeypatch.setattr(entailment, "open_entailment_model", lambda _name: opened)
    monkeypatch.setattr(EntailmentModel, "entails", entails)
    mended = invoke("--data", tmp_path, "nightly", "--json", environment=named)
    assert quality(json.loads(mended.stdout))["entailment"] == (CALLS, 0)
    asked = len(pairs)
    again = invoke("--data", tmp_path, "nightly", "--json", environment=named)
    assert (json.loads(again.stdout)["computed"], len(pairs)) == ({}, asked)
    data_folder(tmp_path, {"late.jsonl": text(call(CALLS))})
    without = invoke("--data", tmp_path, "nightly", "--json")
    assert DAY.isoformat() in json.loads(without.stdout)["computed"]
    known = quality(json.loads(without.stdout))["entailment"]
    assert known == (CALLS + 1, 0), "the late answer is one that the ledger knows"

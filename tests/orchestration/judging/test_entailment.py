"""A day judged by the entailment model that the settings name."""

import logging
from datetime import date

import numpy as np
import pytest

from llmops_pipelines.adapters.cross_encoder import EntailmentModel, EntailmentModelError
from llmops_pipelines.judging import SlicedItems
from llmops_pipelines.orchestration.graph.resources import Clock, Judge
from llmops_pipelines.orchestration.judging import entailment
from llmops_pipelines.orchestration.judging.asking import Occasion, ledger_on
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.tables import JUDGE_LEDGER, JUDGE_SCORES
from tests.judging.worlds import JUDGED, NOON, item_frame

DAY = date(2026, 11, 10)
ITEMS = item_frame("Refunds take five days.", "Lounges are free.")


def _said_by(model, lake, items=ITEMS, features=JUDGED):
    settings = Judge(entailment_model=model)
    clock = Clock(fixed=NOON.isoformat())
    occasion = Occasion(lake, JudgeSetup(settings, features), clock, DAY, "run-1")
    asked = entailment.judge_by_entailment(items, occasion)
    with ledger_on(items, [asked], lake) as ledger:
        return asked.specs, asked.said_of(items, ledger)


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Judges with a model of which only loading and asking are left out."""
    lake = Lake(open_store(str(tmp_path / "lake")))
    asked = []

    def entails(_self, pairs):
        asked.append(pairs)
        return np.array([float(claim in given) for given, claim in pairs], dtype=np.float32)

    def judged(items=ITEMS, features=JUDGED, model="models/tiny"):
        return _said_by(model, lake, items, features)

    opened = EntailmentModel("tiny", tmp_path, "0" * 16, entailment=1)
    monkeypatch.setattr(entailment, "open_entailment_model", lambda _name: opened)
    monkeypatch.setattr(EntailmentModel, "entails", entails)
    judged.asked, judged.lake = asked, lake
    return judged


def test_verdicts_stand_in_the_ledger_and_a_second_run_computes_nothing(judge):
    specs, scores = judge()
    assert [spec.kind for spec in specs] == ["entailment"] * 2
    assert scores.filter(metric="entailment").sort("call_id")["score"].to_list() == [1.0, 0.0]
    again = judge()[1]
    assert again.equals(scores)
    assert len(judge.asked) == 1
    assert judge.lake.read(JUDGE_LEDGER).height == 4


def test_items_that_come_in_slices_get_the_same_verdicts(judge):
    sliced = SlicedItems(lambda: ITEMS.iter_slices(1))
    scores = judge(items=sliced)[1]
    assert scores.height == 4
    assert scores.sort(JUDGE_SCORES.key).equals(judge()[1].sort(JUDGE_SCORES.key))


def test_a_content_that_comes_in_two_slices_is_computed_once(judge):
    twice = item_frame("Refunds take five days.", "Refunds take five days.")
    scores = judge(items=SlicedItems(lambda: twice.iter_slices(1)))[1]
    assert scores.filter(metric="entailment")["score"].to_list() == [1.0, 1.0]
    assert len(judge.asked) == 1
    assert judge.lake.read(JUDGE_LEDGER).height == 2


def test_the_ledger_is_looked_through_once_however_many_slices_there_are(judge, monkeypatch):
    judge(items=ITEMS.head(1))
    scans = []
    scan = Lake.scan
    monkeypatch.setattr(
        Lake, "scan", lambda self, table, *days: scans.append(table) or scan(self, table, *days)
    )
    items = SlicedItems(lambda: ITEMS.iter_slices(1))
    setup = JudgeSetup(Judge(entailment_model="m"), JUDGED)
    occasion = Occasion(judge.lake, setup, Clock(fixed=NOON.isoformat()), DAY, "run-1")
    entailment.judge_by_entailment(items, occasion)
    assert scans.count(JUDGE_LEDGER) == 1
    assert judge.lake.read(JUDGE_LEDGER).height == 4


def test_a_feature_judged_by_nobody_is_not_judged_by_a_model_of_ones_own_either(judge):
    off = Features(features={"assistant": Feature(judging="none")})
    assert judge(features=off)[1].is_empty()
    assert judge(features=Features())[1].height == 4
    assert len(judge.asked) == 1


def test_without_a_model_nothing_happens(judge):
    specs, scores = judge(model="")
    assert not specs
    assert scores.is_empty()


def test_a_model_that_cannot_be_used_is_a_warning_and_keeps_what_it_said_before(
    judge, monkeypatch, caplog
):
    before = judge(items=ITEMS.head(1))[1]

    def broken(_self, _pairs):
        raise EntailmentModelError("its weights are gone")

    monkeypatch.setattr(EntailmentModel, "entails", broken)
    with caplog.at_level(logging.WARNING, logger="llmops.quotes"):
        assert judge()[1].equals(before)
    assert "not judged 2026-11-10: entailment: its weights are gone" in caplog.text


def test_a_model_that_is_not_there_is_a_warning(tmp_path, caplog):
    lake = Lake(open_store(str(tmp_path / "lake")))
    with caplog.at_level(logging.WARNING, logger="llmops.quotes"):
        specs, scores = _said_by("/none", lake)
    assert not specs
    assert scores.is_empty()
    assert "there is no folder /none" in caplog.text

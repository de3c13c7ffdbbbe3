"""``llmops plan`` on a lake in which a plan is stored, or is not."""

import json
import re

import pytest

from llmops_pipelines.orchestration.savings.plan import replayed_plan
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import SAVINGS_PLAN
from tests.cli.worlds import data_folder, invoke
from tests.orchestration.plan_worlds import (
    BUCKETS,
    CALLS,
    embed,
    write_calls,
    write_recommendations,
)


@pytest.fixture
def told(tmp_path):
    """Store the plan of a lake, with what is recommended or nothing, and ask for it."""
    folder = data_folder(tmp_path, {})

    def run(*arguments, recommended=True, session=None, **changed):
        lake = Lake(open_store(str(folder / "lake")))
        write_calls(lake, session=session)
        if recommended:
            write_recommendations(lake, **changed)
        lake.write(SAVINGS_PLAN, replayed_plan(lake, embed))
        return invoke("--data", str(folder), "plan", *arguments)

    return run


def test_people_see_each_step_its_interval_and_the_overlap(told, tmp_path):
    found = told("--chart-out", str(tmp_path / "plan.svg"))
    assert found.returncode == 0
    assert "$927.77 to $997.24" in found.stdout
    assert (
        "these calls cost $1,022 a year; the steps alone would add up to $970.17 more"
        in found.stdout
    )
    assert "chat, compress: extractive down to 0.4: at most 3 % of the support" in found.stdout
    assert max(map(len, found.stdout.split("calls: changed")[0].splitlines())) <= 80
    assert "sum of parts" in (tmp_path / "plan.svg").read_text()


def test_what_all_steps_may_lose_together_is_told_where_it_is_more_than_each_was_held_to(told):
    assert (
        "chat, as one: up to 7.5 % may be lost together, more than the 5 % that each step was held "
        "to; for less, leave out" in told().stdout
    )
    assert "may be lost together" not in told(compress={"loss_at_most": 0.001}).stdout


def test_a_gain_is_no_loss_of_less_than_nothing(told):
    said = told(route={"loss_at_most": -0.3}).stdout
    (route,) = (line for line in said.splitlines() if line.startswith("chat, route: "))
    assert route.endswith("none of the tone is lost, at least 30 % is gained")
    assert "-30 %" not in said
    assert re.search(r"^ +route .* none +$", said, re.MULTILINE)


def test_a_machine_reads_one_list(told):
    rows = json.loads(told("--json").stdout)["steps"]
    assert [row["step"] for row in rows] == ["cache", "route", "compress", "batch", "plan"] * 2
    assert [row["feature"] for row in rows] == ["chat"] * 5 + ["*"] * 5
    whole = rows[-1]
    assert whole["overlap_a_year"] == pytest.approx(970.17)
    assert whole["loss_at_most"] == pytest.approx(0.075)


def test_a_step_that_saves_nothing_for_sure_behind_the_others_is_told(told):
    kept = {"calls_after": [{"call_id": CALLS[11], **BUCKETS, "uncached_input": 400}]}
    found = told(compress=kept, cache={"hit_calls": ["elsewhere"]})
    assert found.returncode == 0
    lines = found.stdout.splitlines()
    (compress,) = (line for line in lines if line.startswith("chat, compress: "))
    assert compress.endswith(
        "; not proven to save anything behind the steps before it: better left out"
    )
    (cache,) = (line for line in lines if line.startswith("chat, cache: "))
    assert cache.endswith(
        "; changes none of the sampled calls: nobody knows what it saves in the plan"
    )
    (route,) = (line for line in lines if line.startswith("chat, route: "))
    assert route.endswith("at most 4 % of the tone is lost")


def test_what_one_session_saves_is_not_called_unproven_but_has_no_interval(told):
    found = told(session="s")
    assert found.returncode == 3
    (batch,) = (line for line in found.stdout.splitlines() if line.startswith("chat, batch: "))
    assert batch.endswith("; by how much nobody can tell: too few sessions for an interval")
    assert "better left out" not in found.stdout


def test_a_plan_that_is_not_proven_to_save_anything_recommends_nothing(told):
    kept = {"calls_after": [{"call_id": CALLS[11], **BUCKETS, "uncached_input": 400}]}
    nothing = dict.fromkeys(("is_recommended",), False) | {"state": "cannot_tell"}
    found = told(compress=kept, cache=nothing, route=nothing, batch={"kind": "interactive"})
    assert found.returncode == 3
    assert "better left out" in found.stdout


def test_where_nothing_is_recommended_it_says_why(told):
    found = told(recommended=False)
    assert found.returncode == 3
    assert found.stdout.startswith("nothing is recommended to any feature:\nno cache for chat: no ")


def test_without_a_plan_it_says_what_makes_one(tmp_path):
    found = invoke("--data", str(data_folder(tmp_path, {})), "plan")
    assert found.returncode == 2
    assert "no savings plan is stored: `llmops nightly` makes one" in found.stderr


def test_a_chart_that_cannot_be_written_is_told(told, tmp_path):
    found = told("--chart-out", str(tmp_path / "missing" / "plan.svg"))
    assert found.returncode == 2
    assert "choose another --chart" in found.stderr

"""Charts, forecasts and checks of spend over a lake, and `llmops charts`."""

import json
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.costs import cost_charts
from llmops_pipelines import cost
from llmops_pipelines.orchestration.checking.checks import budgets_known, names_known
from llmops_pipelines.orchestration.graph.resources import LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.reporting.spend_charts import (
    figures_of_latest_day,
    latest_day,
    saving_charts,
    spend_charts,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.reference import parse_document
from llmops_pipelines.tables import (
    BUDGET_STATUS,
    COMPRESSION_SAVINGS,
    COST_FORECAST,
    FEATURE_COSTS,
    TOKEN_BUCKETS,
)
from tests.cli.worlds import invoke
from tests.cost.spending import daily
from tests.reporting.worlds import rows as rows_of

FIRST = date(2026, 10, 20)
DAYS = 22
LAST = FIRST + timedelta(days=DAYS - 1)
BUDGETS = (
    "total: {monthly_usd: 100}\nfeatures: {chta: {daily_usd: 2}}\nteams: {care: {daily_usd: 9}}"
)
CHARTS = [
    "spend_by_day", "model_mix", "spend_forecast", "budget_burn_down", "budgets", "cost_drivers",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A lake with three weeks of spend, and the budgets above."""
    data = tmp_path_factory.mktemp("data")
    lake = Lake(open_store(str(data / "lake")))
    costs = daily([5 + at % 3 for at in range(DAYS)], FIRST)
    for day, spent in costs.partition_by("day", as_dict=True).items():
        lake.write(FEATURE_COSTS, spent.drop("day"), day=day[0])
    forecast = cost.cost_forecast(costs, LAST)
    budgets = parse_document(BUDGETS, cost.Budgets, file="budgets.yaml")
    lake.write(COST_FORECAST, forecast, day=LAST)
    lake.write(BUDGET_STATUS, cost.budget_status(costs, budgets, LAST, forecast), day=LAST)
    (data / "reference").mkdir()
    (data / "reference/budgets.yaml").write_text(BUDGETS)
    return data


def charts(data, *options):
    return invoke("--data", data, "charts", *options)


def test_every_chart_is_written_with_its_figures(data, tmp_path):
    said = charts(data, "--out", tmp_path / "slides", "--format", "png")
    assert said.returncode == 0, said.stderr
    for name in CHARTS:
        assert (tmp_path / f"slides/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / f"slides/{name}.csv").exists()
        assert f"{name}.png" in said.stdout
    figures = pl.read_csv(tmp_path / "slides/spend_by_day.csv")
    assert (figures.height, figures["cost"].sum()) == (DAYS, sum(5 + at % 3 for at in range(DAYS)))


def test_replays_whose_rows_hold_lists_become_csv_too(tmp_path):
    lake = Lake(open_store(str(tmp_path)))
    kept = {"call_id": "c", **dict.fromkeys(TOKEN_BUCKETS, 1)}
    found = {"technique": "extractive", "shortened": 1, "loss": 0.01, "loss_at_most": 0.02,
             "tokens_saved_share": 0.2, "calls_after": [kept]}  # fmt: skip
    lake.write(COMPRESSION_SAVINGS, rows_of(COMPRESSION_SAVINGS, found))
    drawn = saving_charts(lake, ReferenceFolder(path=str(tmp_path)), LAST)
    names = {chart.name: chart.rows.write_csv() for chart in drawn}
    assert set(names) == {"cost_drivers", "compression_tradeoff"}


def test_days_and_form_can_be_chosen_and_json_names_the_files(data, tmp_path):
    said = charts(data, "--out", tmp_path, "--from", "2026-11-01", "--to", "2026-11-05", "--json")
    told = json.loads(said.stdout)
    assert told["last_day"] == "2026-11-05"
    # Nobody computed how budgets stood on that day.
    drawn = [name for name in CHARTS if name != "budgets"]
    assert [Path(row["chart"]).name for row in told["written"]] == [f"{n}.svg" for n in drawn]
    assert pl.read_csv(tmp_path / "spend_by_day.csv").height == 5
    assert "no forecast" in (tmp_path / "spend_forecast.svg").read_text(), "none is stored that day"


def test_nothing_to_draw_is_told_with_the_remedy(data, tmp_path):
    for folder, options in ((tmp_path / "new", ()), (data, ("--from", "2027-01-01"))):
        said = charts(folder, "--out", tmp_path / "none", *options)
        assert said.returncode == 2
        assert "no costs of these days; compute them: llmops --data" in said.stderr
        assert not (tmp_path / "none").exists()
    assert charts(data, "--out", tmp_path, "--format", "gif").returncode == 2
    wrong = charts(data, "--out", tmp_path, "--from", "2026-11-05", "--to", "2026-11-01")
    assert wrong.returncode == 2


def test_a_file_where_the_folder_should_be_is_told(data, tmp_path):
    (tmp_path / "file").write_text("")
    said = charts(data, "--out", tmp_path / "file" / "charts")
    assert (said.returncode, "choose another --out" in said.stderr) == (2, True)


def test_the_asset_shows_the_charts_of_the_latest_day(data):
    result = dg.materialize(
        [cost_charts],
        resources={
            "lake": LakeResource(root=str(data / "lake")),
            "reference": ReferenceFolder(path=str(data / "reference")),
        },
        selection=[cost_charts],
    )
    (event,) = result.asset_materializations_for_node("cost_charts")
    assert event.metadata["last_day"].value == LAST.isoformat()
    for name in CHARTS[:-1]:
        assert event.metadata[name].value.startswith("![")


def test_an_empty_lake_has_no_charts_and_says_so(tmp_path):
    lake = Lake(open_store(str(tmp_path)))
    assert latest_day(lake) is None
    reference = ReferenceFolder(path=str(tmp_path))
    assert figures_of_latest_day(lake, reference) == {"charts": "none: no day has costs yet"}


def test_a_budget_of_nobody_warns_with_names_like_it(data):
    lake = LakeResource(root=str(data / "lake")).open()
    found = budgets_known(lake, ReferenceFolder(path=str(data / "reference")), LAST)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    (fault,) = found.metadata["faults"].records
    assert fault.data == {"section": "features", "name": "chta", "did_you_mean": "chat"}


def test_every_monthly_budget_has_its_burn_down(tmp_path):
    lake = Lake(open_store(str(tmp_path)))
    costs = daily([5 + at % 3 for at in range(DAYS)], FIRST)
    for day, spent in costs.partition_by("day", as_dict=True).items():
        lake.write(FEATURE_COSTS, spent.drop("day"), day=day[0])
    text = """
features: {chat: {monthly_usd: 50}, no/where: {monthly_usd: 9}, quiet: {daily_usd: 1}}
teams: {care: {monthly_usd: 70}}
"""
    forecast = cost.cost_forecast(costs, LAST)
    budgets = parse_document(text, cost.Budgets, file="budgets.yaml")
    lake.write(COST_FORECAST, forecast, day=LAST)
    lake.write(BUDGET_STATUS, cost.budget_status(costs, budgets, LAST, forecast), day=LAST)
    reference = ReferenceFolder(path=str(tmp_path))
    drawn = {chart.name: chart for chart in spend_charts(lake, reference, FIRST, LAST)}
    own = [name for name in drawn if name.startswith("budget_burn_down_")]
    assert own == [
        "budget_burn_down_feature_chat",
        "budget_burn_down_team_care",
        "budget_burn_down_feature_no-where",
    ]
    assert drawn[own[0]].rows["spent"].sum() == drawn["budget_burn_down"].rows["spent"].sum()
    assert drawn[own[2]].rows.is_empty()


MISTYPED = {
    "alert_rules.yaml": """
rules:
  chat_errors: {metric: error_rate, direction: above, warning: 0.02, scopes: [chta, total, "*"]}
""",
    "finance.yaml": """
ownership:
- {feature: "chat*", team: growth}
- {feature: serch, team: growth}
fees:
- {name: ptu, usd_per_month: 9, by: shares, shares: {growht: 0.5, growth: 0.5}, why: PO}
""",
    "prompts/answer.yaml": """
name: answer
feature: chatt
active: "1"
versions:
- {version: "1", created: 2026-10-01, template: Answer.}
history:
- {at: "2026-10-01T00:00:00Z", from: null, to: "1", why: First.}
""",
}


def test_rules_prompts_and_owners_of_nobody_warn_with_names_like_them(data, tmp_path):
    (tmp_path / "prompts").mkdir()
    for name, text in MISTYPED.items():
        (tmp_path / name).write_text(text)
    lake = LakeResource(root=str(data / "lake")).open()
    found = names_known(lake, ReferenceFolder(path=str(tmp_path)), LAST)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    told = [tuple(fault.data.values()) for fault in found.metadata["faults"].records]
    assert told == [
        ("alert_rules.yaml: rules.chat_errors.scopes", "chta", "chat"),
        ("prompts/answer.yaml: feature", "chatt", "chat"),
        ("finance.yaml: ownership.1.feature", "serch", "no such name"),
        ("finance.yaml: fee, ptu, shares", "growht", "growth"),
    ]

"""5,102 real prompts and answers of real models, through a mapping, from log file to report."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from llmops_pipelines.tables import CALL_COSTS, HEURISTIC_SCORES, LLM_CALLS, LOG_INDEX, Table
from tests.cli.worlds import data_folder, llmops

LOG = Path(__file__).parents[2] / "shared" / "data" / "composed_log" / "requests.ndjson.gz"
SOURCES = """
sources:
  - name: composed
    match: requests.ndjson.gz
    format: mapped
    fields:
      call_id: request_id
      started_at: timestamp
      user_id: tenant
      feature: feature
      model: model
      input_tokens: prompt_tokens
      output_tokens: completion_tokens
      latency_ms: latency_ms
      status: status
      error_code: error_code
      question: prompt
      contexts: contexts
      answer: answer
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not LOG.exists(), reason="the composed log is not at hand"),
]


class Composed:
    """What a night over the log left behind."""

    def __init__(self, root: Path) -> None:
        self.root = data_folder(root, {}, {"sources.yaml": SOURCES})
        (root / "logs").mkdir()
        (root / "logs" / LOG.name).symlink_to(LOG)
        self.run = llmops(
            *("--data", root, "nightly", "--json"),
            environment={"LLMOPS_NOW": "2026-06-15T02:00:00Z", "LLMOPS_SAMPLE_PER_DAY": "15"},
            timeout=580,
        )
        assert self.run.returncode == 0, self.run.stderr
        self.found = json.loads(self.run.stdout)

    def read(self, table: Table) -> pl.DataFrame:
        return pl.read_parquet(str(self.root / "lake" / table.name / "**" / "*.parquet"))

    def sums(self, name: str) -> dict[str, float]:
        totals: dict[str, float] = {}
        for row in self.found["days"]:
            totals[row["feature"]] = totals.get(row["feature"], 0) + (row[name] or 0)
        return totals


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    return Composed(tmp_path_factory.mktemp("composed"))


def test_every_line_is_accounted_for(composed):
    (file,) = composed.read(LOG_INDEX).to_dicts()
    assert (file["lines"], file["calls"], file["rejected"], file["ignored"]) == (5102, 5102, 0, 0)


def test_every_call_counts_once_on_its_day(composed):
    assert composed.read(LLM_CALLS).height == 5076
    assert composed.sums("calls") == {
        "code_helper": 75,
        "doc_summary": 770,
        "general_chat": 565,
        "knowledge_chat": 744,
        "math_reasoning": 1178,
        "policy_assistant": 523,
        "reasoning_qa": 360,
        "survey_classifier": 861,
    }
    days = {row["day"] for row in composed.found["days"]}
    assert sorted(days) == [date(2026, 6, day).isoformat() for day in range(1, 15)]


def test_nothing_is_rejected_and_nothing_fails(composed):
    assert set(composed.sums("rejected").values()) == {0}
    assert composed.found["failures"] == []
    assert len(composed.found["computed"]) == 14


def test_models_without_a_price_are_counted_not_free(composed):
    unpriced = composed.sums("unpriced_calls")
    # Calls that failed cost nothing anybody knows of, and are not counted as a gap in the prices.
    assert {name: n for name, n in unpriced.items() if n} == {
        "doc_summary": 766,
        "knowledge_chat": 736,
        "policy_assistant": 355,
    }
    nowhere = [row for row in composed.found["days"] if row["feature"] == "doc_summary"]
    assert {row["cost_usd"] for row in nowhere} == {None}
    assert "every_call_has_a_price" in composed.run.stderr


def test_spend_is_that_of_the_list_prices(composed):
    spend = {name: round(cost, 2) for name, cost in composed.sums("cost_usd").items() if cost}
    assert spend == {
        "code_helper": 0.83,
        "general_chat": 0.11,
        "math_reasoning": 10.09,
        "policy_assistant": 0.72,
        "reasoning_qa": 0.04,
        "survey_classifier": 1.34,
    }
    known = composed.read(CALL_COSTS)["cost"].drop_nulls()
    assert float(known.sum()) == pytest.approx(sum(composed.sums("cost_usd").values()))


def test_failures_have_their_class(composed):
    failed = composed.read(LLM_CALLS).filter(status="error")
    assert dict(failed.group_by("error_class").len().iter_rows()) == {
        "rate_limit": 20,
        "timeout": 14,
    }


def test_answers_with_contexts_have_support_and_others_have_none(composed):
    scored = composed.read(HEURISTIC_SCORES).filter(pl.col("support").is_not_null())
    assert set(scored["feature"]) == {"doc_summary", "knowledge_chat"}
    metrics = {(row["feature"], row["metric"]) for row in composed.found["quality"]}
    assert ("knowledge_chat", "support") in metrics
    assert not any(metric == "hallucination_rate" for _, metric in metrics)


def test_unknown_features_are_named(composed):
    assert "every_feature_is_known: 2026-06-01: 7 feature(s)" in composed.run.stderr


def test_a_page_is_written_for_every_night(composed):
    assert Path(composed.found["report"]).name == "2026-06-14.html"
    assert len(list((composed.root / "lake" / "reports").glob("*.html"))) == 14

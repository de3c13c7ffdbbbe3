"""5,102 real prompts and answers of real models, through a mapping, from log file to report.

The library goes over all fourteen days; a night over the last two of them says the same of those.
"""

import json
import shutil
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from llmops_pipelines import ingest, judging, pricing
from llmops_pipelines.reference import Features, parse_document
from llmops_pipelines.tables import CALL_COSTS, CALL_TEXTS, HEURISTIC_SCORES, LLM_CALLS, LOG_INDEX
from llmops_pipelines.tables import Table as LakeTable
from tests.cli.worlds import data_folder, invoke
from tests.ingest.worlds import Lake, options

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
NOW = datetime(2026, 6, 15, 2, tzinfo=UTC)
LAST_TWO = [date(2026, 6, 13), date(2026, 6, 14)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LOG.exists(), reason="the composed log is not at hand"),
]


# Every day, with the library alone.


class Composed:
    """The log landed, and its days priced and scored."""

    def __init__(self) -> None:
        sources = parse_document(SOURCES, ingest.Sources, file="sources.yaml")
        self.lake = Lake(options(sources=sources, start=date(2026, 1, 1), now=NOW))
        self.lake.land(ingest.LogFile(LOG.name, LOG.stat().st_size, 1, lambda _: LOG.open("rb")))
        landed = self.lake.rows().partition_by("day", as_dict=True)
        self.days = {day: ingest.llm_calls(rows.lazy()) for (day,), rows in landed.items()}
        prices = pricing.price_book(pricing.PriceOverrides(), fetched_at=NOW.replace(tzinfo=None))
        self.calls = pl.concat(self.days.values())
        day_of = self.calls.select("call_id", day=pl.col("started_at").dt.date())
        self.costs = pricing.price_calls(self.calls, prices).join(day_of, on="call_id")
        texts = ingest.texts_of(self.lake.rows(CALL_TEXTS).lazy(), self.calls.lazy())
        scores = judging.heuristic_scores(self.calls, texts.collect(), Features())
        self.scores = scores.join(day_of, on="call_id")


@pytest.fixture(scope="module")
def composed():
    return Composed()


def test_every_line_is_accounted_for(composed):
    assert composed.lake.counts(LOG.name) == (5102, 5102, 0, 0, 0, 0)
    assert ingest.unaccounted_files(composed.lake.index).is_empty()


def test_every_call_counts_once_on_its_day(composed):
    assert composed.calls.height == composed.calls["call_id"].n_unique() == 5076
    assert Counter(composed.calls["feature"]) == {
        "code_helper": 75,
        "doc_summary": 770,
        "general_chat": 565,
        "knowledge_chat": 744,
        "math_reasoning": 1178,
        "policy_assistant": 523,
        "reasoning_qa": 360,
        "survey_classifier": 861,
    }
    assert sorted(composed.days) == [date(2026, 6, day) for day in range(1, 15)]
    for day, calls in composed.days.items():
        assert set(calls["started_at"].dt.date()) == {day}


def test_models_without_a_price_are_counted_not_free(composed):
    # Calls that failed cost nothing anybody knows of, and are not counted as a gap in the prices.
    unpriced = composed.costs.filter(pl.col("cost").is_null(), status="ok")
    assert Counter(unpriced["feature"]) == {
        "doc_summary": 766,
        "knowledge_chat": 736,
        "policy_assistant": 355,
    }


def test_spend_is_that_of_the_list_prices(composed):
    spend = composed.costs.group_by("feature").agg(pl.col("cost").sum()).rows()
    assert {name: round(float(cost), 2) for name, cost in spend if cost} == {
        "code_helper": 0.83,
        "general_chat": 0.11,
        "math_reasoning": 10.09,
        "policy_assistant": 0.72,
        "reasoning_qa": 0.04,
        "survey_classifier": 1.34,
    }


def test_failures_have_their_class(composed):
    failed = composed.calls.filter(status="error")
    assert Counter(failed["error_class"]) == {"rate_limit": 20, "timeout": 14}


def test_answers_with_contexts_have_support_and_others_have_none(composed):
    scored = composed.scores.filter(pl.col("support").is_not_null())
    assert set(scored["feature"]) == {"doc_summary", "knowledge_chat"}
    assert set(scored["day"]) == set(composed.days)


# A night over two of the days.


class Night:
    """What a night left behind, and what it said."""

    def __init__(self, root: Path) -> None:
        self.root = data_folder(root, {}, {"sources.yaml": SOURCES})
        (root / "logs").mkdir()
        shutil.copy(LOG, root / "logs")
        self.run = invoke(
            *("--data", root, "nightly", "--json", "--from", LAST_TWO[0]),
            environment={
                "COLUMNS": "200",
                "LLMOPS_NOW": NOW.isoformat(),
                "LLMOPS_SAMPLE_PER_DAY": "4",
            },
        )
        assert self.run.returncode == 0, self.run.stderr
        self.found = json.loads(self.run.stdout)

    def read(self, table: LakeTable) -> pl.DataFrame:
        return pl.read_parquet(str(self.root / "lake" / table.name / "**" / "*.parquet"))

    def figures(self, name: str) -> dict[tuple[date, str], float]:
        """A figure of ``--json`` by day and feature, where it is neither null nor 0."""
        return {
            (date.fromisoformat(row["day"]), row["feature"]): row[name]
            for row in self.found["days"]
            if row[name]
        }


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return Night(tmp_path_factory.mktemp("composed"))


def test_nothing_is_rejected_and_nothing_fails(night):
    (file,) = night.read(LOG_INDEX).to_dicts()
    assert (file["lines"], file["calls"], file["rejected"], file["ignored"]) == (5102, 5102, 0, 0)
    assert night.figures("rejected") == {}
    assert night.found["failures"] == []
    assert list(night.found["computed"]) == [str(day) for day in LAST_TWO]


def test_the_night_counts_and_prices_its_days_as_the_library_does(composed, night):
    costs = composed.costs.filter(pl.col("day").is_in(LAST_TWO))
    keys = costs.select("day", "feature").rows()
    assert night.figures("calls") == Counter(keys)
    gaps = costs.filter(pl.col("cost").is_null(), status="ok").select("day", "feature")
    assert night.figures("unpriced_calls") == Counter(gaps.rows())
    spend = costs.group_by("day", "feature").agg(pl.col("cost").sum().cast(pl.Float64))
    assert night.figures("cost_usd") == pytest.approx(
        {(day, feature): cost for day, feature, cost in spend.rows() if cost}
    )
    assert night.read(LLM_CALLS)["call_id"].sort().equals(costs["call_id"].sort())
    known = night.read(CALL_COSTS)["cost"].drop_nulls()
    assert float(known.sum()) == pytest.approx(sum(night.figures("cost_usd").values()))


def test_what_has_no_price_is_pointed_out_and_its_spend_unknown(night):
    nowhere = [row for row in night.found["days"] if row["feature"] == "doc_summary"]
    assert [row["cost_usd"] for row in nowhere] == [None, None]
    assert "every_call_has_a_price" in night.run.stderr


def test_the_night_scores_support_where_the_library_does(composed, night):
    there = pl.col("support").is_not_null()
    expected = composed.scores.filter(there, pl.col("day").is_in(LAST_TWO))
    scored = night.read(HEURISTIC_SCORES).filter(there)
    assert scored["call_id"].sort().equals(expected["call_id"].sort())
    metrics = {(row["feature"], row["metric"]) for row in night.found["quality"]}
    assert ("knowledge_chat", "support") in metrics
    assert not any(metric == "hallucination_rate" for _, metric in metrics)


def test_unknown_features_are_named(night):
    assert f"every_feature_is_known: {LAST_TWO[0]}: " in night.run.stderr


def test_a_page_is_written_for_every_night(night):
    assert Path(night.found["report"]).name == "2026-06-14.html"
    pages = sorted(page.name for page in (night.root / "lake" / "reports").glob("*.html"))
    assert pages == [f"{day}.html" for day in LAST_TWO]

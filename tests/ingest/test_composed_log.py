"""A real log of 5,102 lines, through a mapping, where it is at hand."""

from pathlib import Path

import pytest

from llmops_pipelines.ingest import LogFile, Sources, llm_calls, unaccounted_files
from llmops_pipelines.reference import parse_document
from tests.ingest.worlds import Lake, options

LOG = Path(__file__).parents[3] / "shared" / "data" / "composed_log" / "requests.ndjson.gz"
SOURCES = """
sources:
  - name: composed
    match: requests.ndjson.gz
    format: mapped
    fields:
      call_id: request_id
      started_at: timestamp
      team: tenant
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


@pytest.mark.skipif(not LOG.exists(), reason="the composed log is not at hand")
def test_a_real_log_lands_whole():
    sources = parse_document(SOURCES, Sources, file="sources.yaml")
    lake = Lake(options(sources=sources, start=options().start.replace(month=1)))
    lake.land(LogFile(LOG.name, LOG.stat().st_size, 1, lambda _: LOG.open("rb")))
    assert lake.counts(LOG.name) == (5102, 5102, 0, 0, 0, 0)
    assert unaccounted_files(lake.index).is_empty()
    days = lake.rows().partition_by("day")
    calls = [llm_calls(day) for day in days]
    assert len(days) == 14
    assert sum(day.height for day in calls) == 5076
    errors = [error for day in calls for error in day["error_class"] if error]
    assert {name: errors.count(name) for name in set(errors)} == {"rate_limit": 20, "timeout": 14}
    assert all(day["uncached_input"].null_count() == 0 for day in calls)

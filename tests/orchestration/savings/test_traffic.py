"""How much a feature is used, from a lake of four weeks."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from llmops_pipelines.orchestration.savings.traffic import routable_per_day, sampled_per_day
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import CALL_COSTS, LLM_CALLS, SAMPLED_TRACES
from tests.golden.worlds import frame

MONDAY = date(2026, 11, 2)
DAYS = [MONDAY + timedelta(days=n) for n in range(28)]
IN_USE = {"daily": DAYS, "weekly": DAYS[::7], "new": DAYS[-2:]}
PER_DAY = {"daily": 5, "weekly": 70, "new": 4}
"""Calls of each on a day of its use; of two one is in the sample, of five one has no price."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(open_store(str(tmp_path_factory.mktemp("traffic"))))
    for day in DAYS:
        own = [
            {"call_id": f"{feature}-{day}-{n}", "trace_id": f"{feature}-{day}-{n}",
             "feature": feature, "model": "m", "status": "ok", "request_digest": f"q{n}",
             "started_at": datetime.combine(day, time(9)),
             "context_steps": [], "tags": [], "copies": [],
             "probability": 0.5, "has_text": True, "cost": None if n % 5 == 4 else Decimal(1)}
            for feature, days in IN_USE.items() if day in days
            for n in range(PER_DAY[feature])
        ]  # fmt: skip
        for table, rows in ((LLM_CALLS, own), (CALL_COSTS, own), (SAMPLED_TRACES, own)):
            known = [{name: row[name] for name in row if name in table.schema} for row in rows]
            lake.write(table, table.require(frame(table, known)), day=day)
    return lake


def test_what_runs_on_mondays_does_not_run_every_day_and_what_is_new_was_not_there_before(lake):
    # What calls without a price would save is not known, in a year either.
    assert sampled_per_day(lake, DAYS) == {"daily": 8, "weekly": 16, "new": 8}
    routed = {feature: routable_per_day(lake, DAYS, feature, ["m"]) for feature in IN_USE}
    assert routed == {"daily": 5, "weekly": 10, "new": 4}


def test_what_is_not_used_has_no_traffic(lake):
    assert routable_per_day(lake, DAYS, "nobody", ["m"]) is None
    assert "nobody" not in sampled_per_day(lake, DAYS)

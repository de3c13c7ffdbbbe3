"""Feedback that names the response: of which call it speaks."""

from datetime import timedelta

import polars as pl

from llmops_pipelines.ingest.day.named_calls import with_named_calls
from tests.ingest.worlds import NOON

SCHEMA = {"call_id": pl.String, "response_id": pl.String, "started_at": pl.Datetime("us")}


def named(*ids: str | None, calls: list[tuple[str, str | None, int]]) -> list[str | None]:
    """What each remark names in the end; calls are id, response id and minute."""
    rows = [(call, response, NOON + timedelta(minutes=minute)) for call, response, minute in calls]
    frame = pl.LazyFrame(rows, schema=SCHEMA, orient="row")
    said = pl.DataFrame({"call_id": list(ids)}, schema={"call_id": pl.String})
    return with_named_calls(said, frame)["call_id"].to_list()


def test_a_response_is_the_call_that_got_it():
    calls = [("c-2", "r-2", 0), ("c-1", "r-1", 0), ("g-1", "r-1", 1), ("c-3", None, 2)]
    ids = ("r-1", "c-2", "x", None, "c-3", "r-2")
    assert named(*ids, calls=calls) == ["c-1", "c-2", "x", None, "c-3", "c-2"]


def test_what_is_a_calls_own_id_stays():
    assert named("r-1", calls=[("r-1", "r-1", 0), ("c-1", "r-1", 1)]) == ["r-1"]


def test_an_id_that_a_server_repeats_names_no_call():
    assert named("r-1", calls=[("c-1", "r-1", 0), ("c-2", "r-1", 30)]) == ["r-1"]

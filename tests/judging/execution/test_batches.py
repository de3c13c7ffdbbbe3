"""Batches as rows: ids, states, what waits, what is on its way, and which reply counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.judging import (
    CALL_ID,
    BatchItem,
    BatchReplies,
    Reply,
    Returned,
    batch_key,
    batch_states,
    custom_id,
    held_in_batches,
    open_batches,
    tries_in_batches,
    waiting_items,
)
from llmops_pipelines.tables import JUDGE_BATCH_ITEMS, JUDGE_BATCHES
from tests.judging.worlds import NOON

URL = "https://judge.example/v1"


def events(*rows: dict[str, Any]) -> pl.DataFrame:
    common = {
        "at": NOON, "api": "openai", "endpoint": "judge", "base_url": URL, "model": "judge-1",
        "requests": 2, "reserved": Decimal(1),
    }  # fmt: skip
    names = JUDGE_BATCHES.schema.names()
    full = [dict.fromkeys(names) | common | row for row in rows]
    return JUDGE_BATCHES.require(pl.DataFrame(full, schema=JUDGE_BATCHES.schema))


def items(batch: str, *calls: str) -> pl.DataFrame:
    rows = [
        {
            "batch": batch, "custom_id": custom_id("s", call), "spec_id": "s", "repetition": 0,
            "item_digest": call, "call_id": call,
        }
        for call in calls
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=JUDGE_BATCH_ITEMS.schema)


def test_a_request_is_named_by_judge_content_and_repetition():
    assert custom_id("s", "d") == custom_id("s", "d", 0)
    assert len({custom_id("s", "d"), custom_id("t", "d"), custom_id("s", "e")}) == 3
    assert custom_id("s", "d") != custom_id("s", "d", 1)


@given(st.lists(st.text(), unique=True, min_size=1), st.randoms())
def test_who_sends_the_same_requests_makes_the_same_id_whatever_the_order(ids, random):
    shuffled = random.sample(ids, len(ids))
    assert batch_key(ids, base_url=URL, ended=0) == batch_key(shuffled, base_url=URL, ended=0)
    assert batch_key(ids, base_url=URL, ended=0) != batch_key(ids, base_url=URL, ended=1)
    assert batch_key(ids, base_url=URL, ended=0) != batch_key(ids, base_url="x", ended=0)


def test_a_batch_stands_where_its_last_event_left_it_and_keeps_what_was_told_before():
    found = batch_states(
        events(
            {
                "batch": "a",
                "event": "submitted",
                "batch_id": "b-1",
                "at": NOON + timedelta(hours=1),
            },
            {"batch": "a", "event": "intended"},
            {"batch": "b", "event": "intended"},
            {"batch": "b", "event": "dropped", "detail": "no"},
        )
    )
    assert found.select("batch", "event", "batch_id", "at", "detail").rows() == [
        ("a", "submitted", "b-1", NOON, None),
        ("b", "dropped", None, NOON, "no"),
    ]
    assert open_batches(found)["batch"].to_list() == ["a"]


@pytest.mark.parametrize(
    ("last", "waits", "tries"),
    [("intended", True, 0), ("submitted", True, 0), ("dropped", False, 0), ("collected", False, 1)],
)
def test_items_wait_while_their_batch_is_open_and_canaries_never(last, waits, tries):
    rows = [{"batch": "a", "event": "intended"}]
    if last != "intended":
        rows.append({"batch": "a", "event": last})
    asked, states = items("a", "c-1", CALL_ID), batch_states(events(*rows))
    assert waiting_items(asked, states)["call_id"].to_list() == (["c-1"] if waits else [])
    found = tries_in_batches(asked, states).filter(item_digest="c-1")
    assert found["tries"].sum() == tries


def test_open_batches_of_today_are_held_and_those_without_a_price_by_their_calls():
    rows = events(
        {"batch": "a", "event": "intended", "reserved": Decimal(3)},
        {"batch": "b", "event": "intended", "reserved": None, "requests": 7},
        {"batch": "c", "event": "intended", "at": NOON - timedelta(days=1)},
        {"batch": "d", "event": "intended"},
        {"batch": "d", "event": "collected"},
    )
    spent = held_in_batches(rows, NOON)
    assert (spent.usd, spent.unpriced_calls) == (3, 7)
    assert held_in_batches(JUDGE_BATCHES.empty(), NOON).usd == 0


OK = Reply("ok", text="yes")
FAILED = Reply("http_500", billable=False)


@pytest.mark.parametrize(
    ("lines", "counts"), [([OK, FAILED, OK], "ok"), ([FAILED, OK], "ok"), ([FAILED], "http_500")]
)
def test_of_several_lines_about_a_request_the_first_that_answers_counts(lines, counts):
    asked = {"x": BatchItem("x", "s", "d", 0, "c"), "y": BatchItem("y", "s", "e", 0, "c")}
    replies = BatchReplies(asked)
    for reply in lines:
        replies.add(Returned("x", reply))
    replies.add(Returned("alien", OK))
    replies.add(Returned(None, FAILED))
    assert replies.replies["x"].outcome == counts
    assert (replies.repeated, replies.unknown, replies.damaged) == (len(lines) - 1, 1, 1)
    assert [one.custom_id for one in replies.missing] == ["y"]

"""What in the lake belongs to a person: traces, calls and steps, landed or computed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import polars as pl

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    CALL_TEXTS,
    FEEDBACK,
    JUDGE_LEDGER,
    LANDED_CALLS,
    LANDED_STEPS,
    LLM_CALLS,
    STEP_TEXTS,
    TRACE_STEPS,
    Table,
)


class Belongings(NamedTuple):
    """A person's traces, and the calls and steps of these.

    ``calls`` and ``steps`` are those whose landed rows are there, by their place.
    ``computed_calls`` and ``computed_steps`` are known from the computed day alone, its landed rows
    being past their retention: by id and day.
    """

    traces: list[str]
    calls: pl.DataFrame
    steps: pl.DataFrame
    computed_calls: pl.DataFrame
    computed_steps: pl.DataFrame

    @property
    def call_ids(self) -> list[str]:
        """Every call, once."""
        return pl.concat([self.calls["call_id"], self.computed_calls["call_id"]]).unique().to_list()

    @property
    def step_count(self) -> int:
        """How many steps there are."""
        steps = pl.concat([self.steps["step_id"], self.computed_steps["step_id"]])
        return steps.n_unique()

    @property
    def days(self) -> pl.Series:
        """The days of all of them."""
        frames = (self.calls, self.steps, self.computed_calls, self.computed_steps)
        return pl.concat([frame["day"] for frame in frames])


def traces_of(lake: Lake, subjects: ingest.Subjects) -> set[str]:
    """The traces in which a subject appears, and the copies that other systems logged of them."""
    tables = (LANDED_CALLS, LANDED_STEPS, LLM_CALLS, TRACE_STEPS)
    named = ingest.traces_of([lake.scan(table) for table in tables], subjects)
    return _with_copies(named, _records(lake))


def belongings(lake: Lake, traces: Iterable[str]) -> Belongings:
    """All calls and steps of ``traces``."""
    traces, records = sorted(traces), _records(lake)
    theirs = pl.col("trace_id").is_in(traces)
    calls, steps = (
        lake.scan(table).filter(theirs).select(*table.key, "day").collect()
        for table in (LANDED_CALLS, LANDED_STEPS)
    )
    computed_calls = records.filter(theirs).select("call_id", "day").unique().collect()
    computed_steps = lake.scan(TRACE_STEPS).filter(theirs).select("step_id", "day").collect()
    return Belongings(
        traces,
        calls,
        steps,
        computed_calls.join(calls, on=["call_id", "day"], how="anti"),
        computed_steps.join(steps, on=["step_id", "day"], how="anti"),
    )


def nobodys_days(lake: Lake) -> list[date]:
    """Days with texts or remarks, but without any row that says whose they are."""
    known = _filled(lake, (LANDED_CALLS, LLM_CALLS))
    return sorted(_filled(lake, (CALL_TEXTS, STEP_TEXTS, JUDGE_LEDGER, FEEDBACK)) - known)


def _filled(lake: Lake, tables: Iterable[Table]) -> set[date]:
    days = [lake.scan(table).select(pl.col("day").unique()).collect()["day"] for table in tables]
    return set(pl.concat(days))


def _records(lake: Lake) -> pl.LazyFrame:
    """Each record of each computed call, by its own ids, with the trace it is counted in."""
    calls = lake.scan(LLM_CALLS)
    record = pl.col("copies").struct
    copies = calls.select("day", "copies", counted_in="trace_id").explode("copies")
    return pl.concat(
        [
            calls.select("day", "trace_id", "call_id", counted_in="trace_id"),
            copies.select(
                "day", record.field("trace_id"), record.field("call_id"), "counted_in"
            ).drop_nulls("trace_id"),
        ]
    )


def _with_copies(traces: set[str], records: pl.LazyFrame) -> set[str]:
    """``traces`` and those that other systems logged of their calls, and so on."""
    pairs = (
        records.filter(pl.col("trace_id") != pl.col("counted_in"))
        .select("trace_id", "counted_in")
        .unique()
        .collect()
    )
    while True:
        before = len(traces)
        for one, other in pairs.iter_rows():
            if one in traces or other in traces:
                traces |= {one, other}
        if len(traces) == before:
            return traces

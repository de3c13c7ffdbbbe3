"""What Great Expectations holds a day of ``llm_calls`` to, and which values fell short."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import polars as pl

from llmops_pipelines.tables import LLM_CALLS, TOKEN_BUCKETS

ERROR_CLASSES = (
    "timeout",
    "rate_limit",
    "context_length",
    "content_filter",
    "auth",
    "server",
    "network",
    "other",
)

_EXAMPLES = 5
_LONGEST_EXAMPLE = 120

_COLUMNS = (
    "call_id",
    "trace_id",
    "started_at",
    "feature",
    "status",
    "error_class",
    "attempt",
    "latency_ms",
    "ttft_ms",
    *TOKEN_BUCKETS,
    "context_count",
    "content_digest",
    "source_line",
)
"""Narrow columns only: no text of a prompt or an answer ever enters a result."""


class ExpectationError(RuntimeError):
    """An expectation could not be evaluated, so nothing is known; never a pass."""


@dataclass(frozen=True)
class ExpectationFailure:
    """One expectation that a day does not meet."""

    column: str
    """Column, or columns, it speaks of."""
    expectation: str
    """Its name in Great Expectations, and what it asks for."""
    unexpected_count: int
    """Rows that do not meet it."""
    examples: tuple[str, ...]
    """Some of them: call id and value, narrow columns only."""


def validate_calls(calls: pl.DataFrame, day: date) -> list[ExpectationFailure]:
    """Hold the calls of ``day`` to what every later table rests on; return what is not met.

    Args:
        calls: ``LLM_CALLS``; a day without calls meets everything.
        day: The UTC day the partition stands for.

    Raises:
        ExpectationError: Naming the expectations that could not be evaluated, and why.
    """
    missing = [name for name in _COLUMNS if name not in calls.columns]
    if missing:
        raise ExpectationError(
            f"llm_calls of {day}: cannot be checked without {', '.join(missing)}; "
            f"the frame has {', '.join(calls.columns)}"
        )
    narrow = LLM_CALLS.schema
    rows = calls.select(pl.col(name).cast(narrow[name]) for name in _COLUMNS)
    batch, suite = _day_of_calls().get_batch({"dataframe": rows.to_pandas()}), _suite(day)
    # Whether all is well takes half of what it takes to say what is not; most days are well.
    if batch.validate(suite, result_format={"result_format": "BOOLEAN_ONLY"}).success:
        return []
    outcome = batch.validate(
        suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": _EXAMPLES}
    )
    if faults := [fault for result in outcome.results for fault in _faults(result)]:
        raise ExpectationError(
            f"llm_calls of {day}: {len(faults)} expectation(s) could not be evaluated\n"
            + "\n".join(f"  - {fault}" for fault in faults)
        )
    return sorted(
        (_failure(result, rows) for result in outcome.results if not result.success),
        key=lambda failure: (failure.column, failure.expectation),
    )


@lru_cache(maxsize=1)
def _day_of_calls() -> Any:
    """The batch definition that frames are handed to: in memory, silent, shared by all days."""
    # Read when the package is imported: no event may leave the machine.
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    import great_expectations as gx

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return (
        context.data_sources.add_pandas("lake")
        .add_dataframe_asset("llm_calls")
        .add_batch_definition_whole_dataframe("day")
    )


def _suite(day: date) -> Any:
    """The suite of one day; only the bounds of ``started_at`` differ between days."""
    import great_expectations as gx
    from great_expectations.expectations.row_conditions import Column

    expect: Any = gx.expectations
    midnight = datetime.combine(day, time())
    failed = Column("status") == "error"
    return gx.ExpectationSuite(
        name=f"llm_calls of {day}",
        expectations=[
            expect.ExpectColumnValuesToBeUnique(
                column="call_id", description="every call is counted once"
            ),
            *(
                expect.ExpectColumnValuesToNotBeNull(column=name, description="is always known")
                for name in ("call_id", "trace_id", "started_at", "feature", "status", "attempt")
            ),
            expect.ExpectColumnValueLengthsToBeBetween(
                column="feature", min_value=1, description="is not an empty name"
            ),
            expect.ExpectColumnValuesToBeBetween(
                column="started_at",
                min_value=midnight,
                max_value=midnight + timedelta(days=1),
                strict_max=True,
                description=f"lies on {day}, UTC",
            ),
            expect.ExpectColumnValuesToBeInSet(
                column="status", value_set=["ok", "error"], description="is ok or error"
            ),
            expect.ExpectColumnValuesToNotBeNull(
                column="error_class",
                row_condition=failed,
                description="is known for every failed call",
            ),
            expect.ExpectColumnValuesToBeNull(
                column="error_class",
                row_condition=Column("status") == "ok",
                description="is empty for every successful call",
            ),
            expect.ExpectColumnValuesToBeInSet(
                column="error_class",
                value_set=list(ERROR_CLASSES),
                description=f"is one of {', '.join(ERROR_CLASSES)}",
            ),
            *(
                expect.ExpectColumnValuesToBeBetween(
                    column=name, min_value=0, description="is not negative"
                )
                for name in ("latency_ms", "ttft_ms", "context_count", *TOKEN_BUCKETS)
            ),
            *(
                expect.ExpectColumnValuesToBeBetween(
                    column=name, min_value=1, description="counts from 1"
                )
                for name in ("attempt", "source_line")
            ),
            expect.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="latency_ms",
                column_B="ttft_ms",
                or_equal=True,
                ignore_row_if="either_value_is_missing",
                description="the first token comes no later than the last",
            ),
            expect.ExpectColumnValuesToMatchRegex(
                column="content_digest", regex=r"\A[0-9a-f]{32}\Z", description="is 32 hex digits"
            ),
        ],
    )


def _columns(settings: Mapping[str, Any]) -> list[str]:
    return [settings[key] for key in ("column", "column_A", "column_B") if key in settings]


def _faults(result: Any) -> Iterator[str]:
    """What went wrong while evaluating one expectation; nothing when it was evaluated."""
    info = result.exception_info or {}
    # Either one record, or one record for each metric that could not be computed.
    records = [info] if "raised_exception" in info else list(info.values())
    messages = sorted(
        {str(record["exception_message"]) for record in records if record["raised_exception"]}
    )
    if messages:
        config = result.expectation_config
        yield f"{config.type} of {', '.join(_columns(config.kwargs))}: {'; '.join(messages)}"


def _failure(result: Any, rows: pl.DataFrame) -> ExpectationFailure:
    config = result.expectation_config
    names = _columns(config.kwargs)
    found = rows[[int(at) for at in result.result.get("partial_unexpected_index_list") or []]]
    return ExpectationFailure(
        column=", ".join(names),
        expectation=f"{config.type}: {config.description}",
        unexpected_count=int(result.result["unexpected_count"]),
        examples=tuple(_example(row, names) for row in found.iter_rows(named=True)),
    )


def _example(row: Mapping[str, Any], names: list[str]) -> str:
    values = ", ".join(f"{name} = {_value(row[name])}" for name in names)
    text = values if "call_id" in names else f"call {row['call_id']}: {values}"
    return text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"


def _value(value: Any) -> str:
    return "null" if value is None else str(value)

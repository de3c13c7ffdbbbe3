"""Calls summed by any of their dimensions, priced without a row of costs per call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing import REQUESTED, Keys, Rates, number_rows, price_groups, sum_groups
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import COST_CUBE, COST_PARTS, METERED

_DERIVED: Final = {
    "hour": pl.col("started_at").dt.hour(),
    "is_cached": pl.col("cache_read").fill_null(0) > 0,
    "is_retry": pl.col("attempt") > 1,
}
_OF: Final = {"hour": "started_at", "is_cached": "cache_read", "is_retry": "attempt"}

DIMENSIONS: Final = (
    "hour",
    "feature",
    "team",
    "user_hash",
    "session_id",
    "environment",
    "provider",
    "model",
    "service_tier",
    "is_batch",
    "is_cached",
    "is_retry",
    "prompt_name",
    "prompt_version",
    "experiment_arm",
    "status",
    "error_class",
)
"""What calls can be summed by: columns of ``LLM_CALLS`` and what follows from them."""

_PERCENTILES: Final = (50, 95, 99)
_LATENCIES: Final = [f"latency_p{percent}" for percent in _PERCENTILES]
_LOW: Final = 2**32 - 1


class UnknownDimensionError(ValueError):
    """Calls have no such dimension."""


def columns_for(by: Sequence[str]) -> list[str]:
    """The columns of ``LLM_CALLS`` that ``sum_calls`` needs.

    Raises:
        UnknownDimensionError: Calls cannot be summed by one of ``by``.
    """
    _refuse_unknown(by)
    needed = (*REQUESTED, "team", "started_at", "latency_ms", "status", *METERED)
    return list(dict.fromkeys((*needed, *(_OF.get(name, name) for name in by))))


def sum_calls(calls: pl.DataFrame, by: Sequence[str], rates: Rates | None = None) -> pl.DataFrame:
    """What the calls cost and how long they took, per combination of dimensions.

    With ``rates`` the calls are priced anew, to the last digit as ``price_calls`` would; without,
    the costs that they have are added up. Percentiles are exact, of the calls whose latency was
    logged: the smallest latency that the given share of them does not exceed (nearest rank;
    definition 1 of Hyndman and Fan, 1996).

    Args:
        calls: ``LLM_CALLS``, or ``columns_for(by)`` of it, with ``cost`` where there are no rates.
        by: Some of ``DIMENSIONS``.
        rates: Prices.

    Returns:
        One row per combination that has calls, in no order: the dimensions, the sums of
        ``pricing.price_groups``, and ``latency_p50``, ``latency_p95`` and ``latency_p99`` in
        milliseconds, null where no call of the group has a latency.

    Raises:
        UnknownDimensionError: Calls cannot be summed by one of ``by``.
        ValueError: A token count is negative.
    """
    _refuse_unknown(by)
    if derived := {name: _DERIVED[name] for name in by if name in _DERIVED}:
        calls = calls.with_columns(**derived)
    if rates is None:
        keys = number_rows(calls, by)
        sums = sum_groups(calls, keys.codes)
    else:
        kinds = number_rows(calls, list(dict.fromkeys((*by, *rates.decisive(calls.columns)))))
        keys = kinds.by(by)
        sums = price_groups(calls, kinds, keys.codes, rates)
    return keys.values.hstack(sums).hstack(_latencies(calls["latency_ms"], keys))


def cost_cube(llm_calls: pl.DataFrame, call_costs: pl.DataFrame) -> pl.DataFrame:
    """The day's calls summed by every dimension that a bill is divided by.

    Args:
        llm_calls: ``CUBE_COLUMNS`` of ``LLM_CALLS`` of one day.
        call_costs: ``BOOKED_COLUMNS`` of ``CALL_COSTS`` of the day.

    Returns:
        ``COST_CUBE``.
    """
    calls = booked(llm_calls.lazy(), call_costs.lazy()).collect()
    owned = calls.with_columns(pl.col("team").fill_null(UNATTRIBUTED))
    return COST_CUBE.require(sum_calls(owned, _CUBE))


def booked(llm_calls: pl.LazyFrame, call_costs: pl.LazyFrame) -> pl.LazyFrame:
    """Calls with what they cost, and of the provider whose price that is where they name none.

    Args:
        llm_calls: ``call_id`` and ``columns_for`` some dimensions of ``LLM_CALLS``.
        call_costs: ``BOOKED_COLUMNS`` of ``CALL_COSTS`` of the same days.
    """
    costs = call_costs.select(BOOKED_COLUMNS)
    return llm_calls.drop("provider").join(costs, on="call_id", how="left")


def _refuse_unknown(by: Sequence[str]) -> None:
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown:
        raise UnknownDimensionError(
            f"{', '.join(unknown)}: calls can be summed by {', '.join(DIMENSIONS)}"
        )


_CUBE: Final = [name for name in COST_CUBE.schema.names() if name in DIMENSIONS]

CUBE_COLUMNS: Final = ["call_id", *columns_for(_CUBE)]
"""The columns of ``LLM_CALLS`` that ``cost_cube`` needs."""

BOOKED_COLUMNS: Final = ["call_id", "provider", "cost", *COST_PARTS]
"""The columns of ``CALL_COSTS`` that it needs."""


def _latencies(latency: pl.Series, keys: Keys) -> pl.DataFrame:
    values, codes = latency.to_numpy(), keys.codes
    if latency.null_count():
        logged = latency.is_not_null().to_numpy()
        values, codes = values[logged], codes[logged]
    count = np.bincount(codes, minlength=len(keys.example))
    ranks = np.array([np.maximum(-(-percent * count // 100) - 1, 0) for percent in _PERCENTILES])
    # Groups without any value have none to point at; what stands where theirs would is taken back.
    places = np.minimum(np.cumsum(count) - count + ranks, max(len(values) - 1, 0))
    found = _sorted_within(values, codes, places) if len(values) else places
    if not count.all():
        found = np.where(count > 0, found, np.nan)
    return pl.DataFrame(
        [
            pl.Series(name, each, pl.Float64, nan_to_null=True)
            for name, each in zip(_LATENCIES, found, strict=True)
        ]
    )


def _sorted_within(
    values: NDArray[np.float64], groups: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What stands at some places of ``values``, sorted group after group, ascending within each.

    Group and value share one integer, because integers are sorted several times faster than by two
    keys; where values are no whole microseconds, their ranks stand for them.
    """
    microseconds = values * 1000
    np.rint(microseconds, out=microseconds)
    fit = microseconds.min() >= 0 and microseconds.max() <= _LOW
    if fit and np.array_equal(microseconds / 1000, values):
        packed = groups << 32
        packed |= microseconds.astype(np.int64)
        return (_sorted(packed).take(places) & _LOW) / 1000
    order = np.argsort(values)
    packed = _sorted(groups[order] << 32 | np.arange(len(order)))
    ordered: NDArray[np.float64] = values[order[packed[places] & _LOW]]
    return ordered


def _sorted(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ascending. Polars takes half of what numpy does on processors with 512-bit vectors."""
    return pl.Series(numbers).sort(multithreaded=False).to_numpy()

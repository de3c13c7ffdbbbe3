"""Two periods' spend as a product of factors, per feature and model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.cost.prompt_prices import Floats, squares

DRIVERS: Final = (
    "volume",
    "mix",
    "retry_rate",
    "routing",
    "prompt_length",
    "cache_rate",
    "answer_length",
    "price",
)
"""Why spend changes: requests; their share by feature; attempts per request; the model's share of a
feature's attempts; tokens of a prompt; the shares of them read from cache and written to it; tokens
of an answer; what each of these tokens costs, and fees per call."""

CELL: Final = ("feature", "provider", "model")

_WRITTEN: Final = ("cache_write_5m", "cache_write_1h")
PROMPT: Final = ("uncached_input", "cache_read", *_WRITTEN, "audio_input")
ANSWER: Final = ("output_text", "reasoning", "audio_output")


@dataclass(frozen=True)
class Factors:
    """Factors of one period, aligned with the cells of both; NaN where nothing tells them.

    The spend of a cell is ``volume * mix * retry_rate * routing`` attempts times what an attempt
    costs: ``prompt * ((1 - cached - written) * fresh_price + cached * cache_price + written *
    write_price) + answer * answer_price + fee``.
    """

    volume: Floats
    mix: Floats
    retry_rate: Floats
    routing: Floats
    prompt: Floats
    cached: Floats
    written: Floats
    answer: Floats
    fresh_price: Floats
    cache_price: Floats
    write_price: Floats
    answer_price: Floats
    fee: Floats


def cells_of(cube: pl.DataFrame) -> pl.DataFrame:
    """A period's ``COST_CUBE`` rows summed to one row per ``CELL``.

    A failed call without tokens is no attempt here: nobody pays for it, and it would pass for a
    shorter prompt and answer.

    Returns:
        ``CELL``, ``first`` (calls that repeat none), ``attempts``, ``unpriced`` (successful calls
        without a cost), ``prompt``, ``cache_read``, ``cache_write``, ``answer`` (tokens), and
        ``cost``, ``input_cost``, ``cache_read_cost`` and ``output_cost`` (USD as floats; what is
        unknown is left out of them), and ``squares`` of the prompt that was not read from cache.
    """
    written = pl.sum_horizontal(_WRITTEN)
    fresh = pl.sum_horizontal(PROMPT) - written - pl.col("cache_read")
    in_vain = pl.when(pl.col("status") == "error").then("no_usage_calls").otherwise(0)
    paid = (pl.col("calls") - in_vain).sum()
    return (
        cube.group_by(CELL)
        .agg(
            first=pl.col("calls").filter(~pl.col("is_retry")).sum(),
            # What was paid for all the same, by the call, has to belong to some attempt.
            attempts=pl.when(paid.eq(0) & pl.col("cost").sum().ne(0))
            .then(pl.col("calls").sum())
            .otherwise(paid),
            unpriced=pl.col("unpriced_calls").sum(),
            prompt=pl.sum_horizontal(pl.col(name).sum() for name in PROMPT),
            cache_read=pl.col("cache_read").sum(),
            cache_write=written.sum(),
            answer=pl.sum_horizontal(pl.col(name).sum() for name in ANSWER),
            **{
                name: pl.col(name).cast(pl.Float64).sum()
                for name in ("cost", "input_cost", "cache_read_cost", "output_cost")
            },
            **squares(fresh, written),
        )
        .sort(CELL, nulls_last=True)
    )


def factors_of(cells: pl.DataFrame, fresh_price: Floats, write_price: Floats) -> Factors:
    """The factors of one period's ``cells``, which hold zeros for cells of the other period.

    Args:
        cells: As ``cells_of`` sums them.
        fresh_price: USD of a prompt token that was neither read from the cache nor written to it.
        write_price: USD of one that was written to it; see ``prices_apart``.
    """
    column = {name: cells[name].cast(pl.Float64).to_numpy() for name in cells.columns[len(CELL) :]}
    feature = cells["feature"].rank("dense").to_numpy().astype(np.int64) - 1
    attempts = _over(column["attempts"], feature)
    # Where a log holds repeats alone, each of them is a request.
    first = _over(column["first"], feature)
    first = np.where(first > 0, first, attempts)
    total = np.full(len(feature), (first / np.maximum(np.bincount(feature)[feature], 1)).sum())
    rest = column["prompt"] - column["cache_read"]
    parts = column["input_cost"] + column["cache_read_cost"] + column["output_cost"]
    # What no token tells: fees per call, and costs of an older release, which have no parts.
    fee = (column["cost"] - parts) + np.where(column["answer"] > 0, 0.0, column["output_cost"])
    fee += np.where(rest > 0, 0.0, column["input_cost"])
    return Factors(
        volume=total,
        mix=_ratio(first, total),
        retry_rate=_ratio(attempts, first),
        routing=_ratio(column["attempts"], attempts),
        prompt=_ratio(column["prompt"], column["attempts"]),
        cached=_ratio(column["cache_read"], column["prompt"]),
        written=_ratio(column["cache_write"], column["prompt"]),
        answer=_ratio(column["answer"], column["attempts"]),
        fresh_price=fresh_price,
        cache_price=_ratio(column["cache_read_cost"], column["cache_read"]),
        write_price=write_price,
        answer_price=_ratio(column["output_cost"], column["answer"]),
        fee=_ratio(fee, column["attempts"]),
    )


def _over(values: Floats, groups: NDArray[np.int64]) -> Floats:
    """The sum of each group, at each of its rows."""
    sums: Floats = np.bincount(groups, values).astype(np.float64)
    return sums[groups]


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where ``whole`` is 0: nothing tells the ratio."""
    ratio: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return ratio

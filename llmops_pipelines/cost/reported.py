"""Where the cost that a source reports is not ours, by how much, and the likely reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from llmops_pipelines.pricing import REQUESTED, price_tokens
from llmops_pipelines.tables import METERED, MONEY

MAX_DIFFERENCE: Final = 0.01
"""Part of our cost by which a reported one may differ."""

REPORTED_COLUMNS: Final = [
    *("call_id", "started_at", "team", "cost_reported"),
    *REQUESTED,
    *METERED,
]
"""The columns of ``LLM_CALLS`` that ``reported_differences`` needs."""

_ROUNDING: Final = 1e-6
"""Dollars: many sources report six decimals."""

_SAME: Final = 0.001
"""Part of a reported cost within which an explanation meets it."""

_EXAMINED: Final = 2000
"""Calls of a model that explanations are tried on."""

_MODEL: Final = ("provider", "model")

_UNEXPLAINED: Final = "no one reason explains most of them; compare a call with `llmops price`"


def reported_differences(
    llm_calls: pl.DataFrame, call_costs: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """Models of which a source reports costs that differ from ours by more than 1 %.

    Of calls with both costs. A difference of a millionth of a dollar is rounding. The reason is the
    explanation that comes to what was reported for most of the calls that differ: their own tokens
    priced as a source does that makes a known mistake, or in another service tier; else a constant
    ratio, which speaks of another price list.

    Args:
        llm_calls: ``REPORTED_COLUMNS`` of ``LLM_CALLS`` of some days.
        call_costs: ``CALL_COSTS`` of the same days.
        price_book: ``PRICE_BOOK``.

    Returns:
        One row per ``provider`` and ``model`` with such calls, the largest difference first:
        ``compared`` (calls with both costs), ``differ``, ``ours`` and ``reported`` (US dollars,
        sums over the compared calls), ``direction`` and ``reason``.
    """
    known = llm_calls.select(REPORTED_COLUMNS).filter(pl.col("cost_reported").is_not_null())
    both = known.join(
        call_costs.filter(pl.col("cost").is_not_null()).select(
            "call_id", "cost", "cache_read_cost"
        ),
        on="call_id",
    )
    differs = ~_close(pl.col("cost"), MAX_DIFFERENCE, of=pl.col("cost"))
    off = both.filter(differs)
    if off.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    sums = both.group_by(_MODEL).agg(
        compared=pl.len().cast(pl.Int64),
        differ=differs.sum().cast(pl.Int64),
        ours=pl.col("cost").sum(),
        reported=pl.col("cost_reported").sum(),
    )
    gap = pl.col("reported") - pl.col("ours")
    return (
        sums.filter(pl.col("differ") > 0)
        .join(_reasons(off, price_book), on=_MODEL, how="left", nulls_equal=True)
        .with_columns(
            direction=pl.when(gap > 0)
            .then(pl.lit("reported is higher"))
            .when(gap < 0)
            .then(pl.lit("reported is lower"))
            .otherwise(pl.lit("both ways, the sums are equal"))
        )
        .sort(gap.abs(), *_MODEL, descending=[True, False, False])
        .select(pl.col(name).cast(dtype) for name, dtype in _SCHEMA.items())
    )


_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    **dict.fromkeys(_MODEL, pl.String),
    **dict.fromkeys(("compared", "differ"), pl.Int64),
    **dict.fromkeys(("ours", "reported"), MONEY),
    **dict.fromkeys(("direction", "reason"), pl.String),
}


def _close(cost: pl.Expr, share: float, *, of: pl.Expr) -> pl.Expr:
    """Whether ``cost`` is the reported one, but for a ``share`` of another, or for rounding."""
    gap = (cost - pl.col("cost_reported")).cast(pl.Float64).abs()
    return gap <= pl.max_horizontal(of.cast(pl.Float64) * share, pl.lit(_ROUNDING))


def _reasons(off: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """``provider``, ``model`` and ``reason`` of calls whose costs differ."""
    some = off.sort("call_id").group_by(_MODEL, maintain_order=True).head(_EXAMINED)
    meets = []
    for order, (sentence, cost) in enumerate(_explanations(some, price_book)):
        told = pl.col("told").is_not_null() & _close(
            pl.col("told"), _SAME, of=pl.col("cost_reported")
        )
        # What comes to our own cost explains nothing, however near the reported one is.
        other = (pl.col("told") - pl.col("cost")).cast(pl.Float64).abs() > _ROUNDING
        meets.append(
            some.with_columns(told=cost)
            .group_by(_MODEL)
            .agg(calls=(told & other).sum(), of=pl.len())
            .with_columns(order=pl.lit(order), reason=pl.lit(sentence))
        )
    best = (
        pl.concat(meets)
        .filter(pl.col("calls") * 2 >= pl.col("of"))
        .sort("calls", "order", descending=[True, False])
        .group_by(_MODEL, maintain_order=True)
        .first()
        .select(*_MODEL, told=pl.format("{} ({} of {} calls)", "reason", "calls", "of"))
    )
    ratio = pl.col("cost_reported").cast(pl.Float64) / pl.col("cost").cast(pl.Float64)
    ratios = some.group_by(_MODEL).agg(low=ratio.min(), high=ratio.max(), ratio=ratio.median())
    constant = pl.col("high").is_finite() & (pl.col("high") <= pl.col("low") * (1 + 2 * _SAME))
    return ratios.join(best, on=_MODEL, how="left", nulls_equal=True).select(
        *_MODEL,
        reason=pl.when(pl.col("told").is_not_null())
        .then("told")
        .when(constant)
        .then(
            pl.format(
                "always {} times ours: another price list, a discount or a currency",
                pl.col("ratio").round(3),
            )
        )
        .otherwise(pl.lit(_UNEXPLAINED)),
    )


def _explanations(calls: pl.DataFrame, price_book: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    """What a source may have done, and what each call comes to then; the most usual first."""

    def priced(**changes: pl.Expr) -> pl.Series:
        return price_tokens(calls.with_columns(**changes), price_book)["cost"]

    cached = pl.col("cache_read").fill_null(0)
    written = pl.col("cache_write_5m").fill_null(0) + pl.col("cache_write_1h").fill_null(0)
    nothing, standard = pl.lit(0, pl.Int64), pl.lit(None, pl.String)
    whole = priced(uncached_input=pl.col("uncached_input") + cached, cache_read=nothing)
    yield "cached tokens are charged at the full input price", whole
    yield "cached tokens are charged twice, in full and as cached", whole + calls["cache_read_cost"]
    yield "cached tokens are not charged", calls["cost"] - calls["cache_read_cost"]
    yield (
        "cache writes are charged as plain input",
        priced(
            uncached_input=pl.col("uncached_input") + written,
            cache_write_5m=nothing,
            cache_write_1h=nothing,
        ),
    )
    yield "cache writes are not charged", priced(cache_write_5m=nothing, cache_write_1h=nothing)
    yield (
        "the batch discount is left out, or the service tier's price",
        priced(is_batch=pl.lit(value=False), service_tier=standard),
    )
    yield (
        "charged as a batch, which the log does not tell",
        priced(is_batch=pl.lit(value=True)),
    )
    for tier in ("flex", "priority", "fast"):
        yield (
            f"charged as service tier {tier}, which the log does not tell",
            priced(is_batch=pl.lit(value=False), service_tier=pl.lit(tier)),
        )
    yield "reasoning tokens are charged twice", priced(reasoning=pl.col("reasoning") * 2)
    yield "reasoning tokens are not charged", priced(reasoning=nothing)
    yield (
        "audio is charged as text",
        priced(
            uncached_input=pl.col("uncached_input") + pl.col("audio_input").fill_null(0),
            output_text=pl.col("output_text") + pl.col("audio_output").fill_null(0),
            audio_input=nothing,
            audio_output=nothing,
        ),
    )

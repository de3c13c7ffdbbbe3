"""Wilson's score interval of a rate, for one rate and for whole columns of them."""

from __future__ import annotations

from math import sqrt
from typing import overload

import polars as pl

from llmops_pipelines.statistics.interval import NOTHING, Interval, normal_critical


@overload
def wilson(successes: pl.Expr, n: pl.Expr, confidence: float = ...) -> tuple[pl.Expr, pl.Expr]: ...
@overload
def wilson(successes: float, n: float, confidence: float = ...) -> Interval: ...
def wilson(
    successes: float | pl.Expr, n: float | pl.Expr, confidence: float = 0.95
) -> Interval | tuple[pl.Expr, pl.Expr]:
    """How sure a rate is: Wilson's score interval, sound near 0 and 1 where Wald's is not.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.

    Args:
        successes: How often it happened; a column expression gives a pair of expressions back.
            Fractions are welcome: an effective sample is seldom a whole number.
        n: How often it could have.
        confidence: 0.95 by default.

    Returns:
        For numbers an `Interval`, all None for ``n`` = 0. For expressions ``(low, high)``, null
        where ``n`` is 0 or either is null.

    Raises:
        ValueError: Numbers that are no rate.
    """
    z = normal_critical(confidence)
    if isinstance(successes, pl.Expr) or isinstance(n, pl.Expr):
        return _columns(_expression(successes), _expression(n), z)
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}: expected 0 <= successes <= n")
    if n == 0:
        return NOTHING
    rate = successes / n
    return Interval(rate, *score_bounds(rate, n, z), n=round(n))


def score_bounds(mean: float, n: float, critical: float) -> tuple[float, float]:
    """Ends of the score interval of a ``mean`` between 0 and 1 that ``n`` draws are worth.

    They solve ``(mean - x)^2 = critical^2 x (1 - x) / n``, so they never leave 0 to 1 and have a
    width even where every draw was the same.
    """
    square = critical * critical
    spread = critical * sqrt(square + 4 * n * mean * (1 - mean))
    scale = 2 * (n + square)
    low = 0.0 if mean <= 0 else (2 * n * mean + square - spread) / scale
    high = 1.0 if mean >= 1 else (2 * n * mean + square + spread) / scale
    return low, high


def _expression(value: float | pl.Expr) -> pl.Expr:
    return value if isinstance(value, pl.Expr) else pl.lit(value)


def _columns(successes: pl.Expr, n: pl.Expr, z: float) -> tuple[pl.Expr, pl.Expr]:
    x, total = successes.cast(pl.Float64), n.cast(pl.Float64)
    square = z * z
    spread = z * (square + 4 * x * (1 - x / total)).sqrt()
    scale = 2 * (total + square)
    low = pl.when(x <= 0).then(0.0).otherwise((2 * x + square - spread) / scale)
    high = pl.when(x >= total).then(1.0).otherwise((2 * x + square + spread) / scale)
    known = (total > 0) & x.is_not_null()
    return pl.when(known).then(low), pl.when(known).then(high)

"""Which rung of a cache may be recommended: what surely saves, most, with few enough wrong hits."""

from __future__ import annotations

from typing import Any

import polars as pl

from llmops_pipelines.savings.recommendation import (
    CANNOT_TELL,
    NOTHING_SAVED,
    RECOMMENDED,
    in_all,
    unproven,
)
from llmops_pipelines.statistics import Interval, wilson

ALLOWED = 0.02
"""Share of hits that may be given a wrong answer."""


def least_hits(allowed: float) -> int:
    """With how many hits, none of them wrong, the share of wrong ones is proven small enough."""
    n = 1
    while (wilson(0, n, 0.9).high or 1.0) > allowed:
        n += 1
    return n


def recommend_rung(rungs: pl.DataFrame, allowed: float) -> tuple[str, str, str | None]:
    """Test the rungs from the strictest on and stop at the first that is not proven.

    A rung is proven where ``wrong_at_most`` is at most ``allowed`` and the judge does not say
    otherwise (``judged_wrong_at_least``). The order is fixed before any answer is looked at, so
    that with 95 % confidence each rung before the first failure keeps its promise. Rungs with too
    few hits to prove anything, by their number alone, are passed over. Recommended is, of the
    proven rungs whose interval of the saving lies above 0, the one that saves most (where no cost
    is known, the proven rung that answers most).

    Source: fixed-sequence testing, as in `recommend`.

    Args:
        rungs: Of one feature, from the strictest on, with ``rung``, ``requests``, ``hits``,
            ``sampled``, ``wrong_at_most``, ``judged_wrong_at_least`` and ``saved`` with its ends.
        allowed: Share of hits that may be wrong.

    Returns:
        State, reason and the recommended rung, None for none.
    """
    if not rungs["hits"].sum():
        return NOTHING_SAVED, "no question was asked again while an answer to it lived", None
    least = least_hits(allowed)
    proven: list[dict[str, Any]] = []
    stopped = None
    for row in rungs.filter(pl.col("sampled") >= least).iter_rows(named=True):
        bound = row["wrong_at_most"]
        if bound is None or bound > allowed or (row["judged_wrong_at_least"] or 0.0) > allowed:
            stopped = row
            break
        proven.append(row)
    if not proven:
        return CANNOT_TELL, _unproven(rungs, stopped, least, allowed), None
    worth = [row for row in proven if row["saved"] is None or row["saved"] > 0]
    if not worth:
        return NOTHING_SAVED, "embedding the questions costs more than the hits save", None
    sure = [row for row in worth if row["saved"] is None or (row["saved_low"] or 0) > 0]
    if not sure:
        best = max(worth, key=_worth)
        saved = Interval(
            float(best["saved"]), best["saved_low"], best["saved_high"], best["requests"]
        )
        return CANNOT_TELL, unproven(saved, "requests", in_all), None
    best = max(sure, key=_worth)
    return (
        RECOMMENDED,
        f"with 95 % confidence at most {100 * allowed:.3g} % of its hits, and of those of every "
        "stricter rung, are given a wrong answer",
        str(best["rung"]),
    )


def _worth(row: dict[str, Any]) -> tuple[bool, Any, int]:
    return row["saved"] is not None, row["saved"] or 0, row["hits"]


def _unproven(
    rungs: pl.DataFrame, stopped: dict[str, Any] | None, least: int, allowed: float
) -> str:
    if stopped is None:
        most = max(rungs["hits"].to_list())
        return (
            f"{most:,} hits at most; {least:,} without a wrong answer are needed to prove that at "
            f"most {100 * allowed:.3g} % are wrong"
        )
    bound, judged = stopped["wrong_at_most"], stopped["judged_wrong_at_least"]
    if bound is None:
        return f"all hits at {stopped['rung']} belong to one session: no bound can be given"
    if bound <= allowed:
        return (
            f"the judge finds at least {100 * judged:.3g} % of the hits at {stopped['rung']} wrong"
        )
    return (
        f"{stopped['wrong']:,} of {stopped['sampled']:,} hits looked at were given an answer "
        f"unlike the logged one at {stopped['rung']}, the strictest rung with enough hits: up to "
        f"{100 * bound:.3g} % may be wrong, {100 * allowed:.3g} % are allowed"
    )

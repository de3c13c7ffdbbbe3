"""Which threshold may be recommended: what surely saves, most, while its loss is proven small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from llmops_pipelines.statistics import Interval

RECOMMENDED, CANNOT_TELL, NOTHING_SAVED = "recommended", "cannot_tell", "nothing_saved"


@dataclass(frozen=True)
class Recommendation:
    """A row of the frontier, or why there is none."""

    state: str
    """``recommended``, ``cannot_tell`` (no step but step 0 is proven to lose little, or none of
    those to save) or ``nothing_saved``."""
    step: int
    """Step of the frontier; 0 (all calls to the large model) unless recommended."""
    reason: str
    """In a sentence."""


def recommend(points: pl.DataFrame, max_loss: float, questions: int) -> Recommendation:
    """Test the steps in the order of their number and stop at the first that is not proven.

    A step is proven where ``loss_at_most`` is at most ``max_loss``. The order is fixed before any
    outcome is seen, so that with 95 % confidence every step before the first failure keeps its
    promise: choosing among them on the same questions needs no further correction, and no questions
    are given away to a part that only tests. Recommended is, of the proven steps whose interval of
    the saving lies above 0, the one that saves most (where no cost is known, the proven step that
    asks the large model least).

    Source: fixed-sequence testing, W. Maurer, L. Hothorn and W. Lehmacher, Biometrie in der
    chemisch-pharmazeutischen Industrie 6 (1995) 3-18; for risks of a prediction: A. Angelopoulos et
    al., Learn then Test (2021).

    Args:
        points: ``FRONTIER``, by step.
        max_loss: Part of the large model's quality that may be lost, such as 0.05.
        questions: How many the frontier rests on, for the sentence.
    """
    failed = points.filter(~(pl.col("loss_at_most") <= max_loss).fill_null(value=False))
    first = failed["step"].min()
    proven = points.filter(pl.col("step") < (points.height if first is None else first))
    useful = proven.filter(pl.col("strong_share") < 1)
    if useful.is_empty():
        return Recommendation(CANNOT_TELL, 0, _unproven(points, max_loss, questions))
    worth = useful.filter((pl.col("saved") > 0) | pl.col("saved").is_null())
    if worth.is_empty():
        most = useful.sort("saved")["saved"][-1]
        return Recommendation(
            NOTHING_SAVED,
            0,
            f"no threshold with a loss of at most {100 * max_loss:.3g} % saves money: the best "
            f"comes to {_a_call(most)}; is the small model the cheaper one?",
        )
    sure = worth.filter(pl.col("saved").is_null() | is_proven("saved"))
    if sure.is_empty():
        best = worth.sort("saved", descending=True).row(0, named=True)
        saved = Interval(best["saved"], best["saved_low"], best["saved_high"], questions)
        return Recommendation(CANNOT_TELL, 0, unproven(saved, "questions", _a_call))
    best = sure.sort("saved", "strong_share", descending=[True, False], nulls_last=True).row(
        0, named=True
    )
    return Recommendation(
        RECOMMENDED,
        best["step"],
        f"with 95 % confidence the loss is at most {100 * max_loss:.3g} % at this step and all "
        "before",
    )


def is_proven(saving: str) -> pl.Expr:
    """Whether the 95 % interval of a saving lies above 0; not where it has none."""
    return (pl.col(f"{saving}_low") > 0).fill_null(value=False)


def unproven(
    saved: Interval,
    named: str,
    written: Callable[[float], str],
    cluster: str = "session or source",
) -> str:
    """Why not even what saves most is recommended: its interval, and how much data might do.

    Args:
        saved: The saving above 0 of what saves most, by ``n`` of what is ``named``.
        named: What the interval comes from, such as ``calls``.
        written: The amount in words.
        cluster: What they all belong to where there is no interval.
    """
    estimate, low, high, n = saved
    said = f"not proven to save anything: {written(estimate or 0)} at best"
    if not estimate or low is None or high is None:
        return f"{said}, by {n:,} {named} of one {cluster}: no interval can be given"
    wanted = n * ((estimate - low) / estimate) ** 2
    return (
        f"{said}, with 95 % confidence {written(low)} to {written(high)}, by {n:,} {named}; about "
        f"{wanted:,.0f} might do"
    )


def in_all(amount: float) -> str:
    """A sum of a window in words."""
    return f"{dollars(amount, 4)} in all"


def _a_call(amount: float) -> str:
    return f"{dollars(amount, 6)} a call"


def dollars(amount: float, digits: int) -> str:
    """US dollars, the sign in front."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{digits}f}"


def _unproven(points: pl.DataFrame, max_loss: float, questions: int) -> str:
    """Why not even the first step is proven, and about how many questions would do."""
    step = points.filter(pl.col("strong_share") < 1)
    if step.is_empty() or step["loss_at_most"][0] is None:
        return (
            f"{questions} question(s) of too few sources, or a large model without a positive mean "
            "score: no bound of the loss can be given"
        )
    loss, bound = step["loss"][0], step["loss_at_most"][0]
    if loss >= max_loss:
        return f"leaving the least needy calls to the small model loses {100 * loss:.3g} % already"
    wanted = questions * ((bound - loss) / (max_loss - loss)) ** 2
    return (
        f"{questions} questions bound the loss at {100 * bound:.3g} %, more than "
        f"{100 * max_loss:.3g} %; about {wanted:,.0f} might do"
    )

"""Which setting of a technique may be recommended: what surely saves, most, at a small loss."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.savings.compression.replay import UNUSED
from llmops_pipelines.savings.recommendation import (
    CANNOT_TELL,
    NOTHING_SAVED,
    RECOMMENDED,
    Recommendation,
    dollars,
    is_proven,
    unproven,
)
from llmops_pipelines.statistics import Interval

BOUND, NOTHING_TO_SHORTEN, LOSES_TOO_MUCH = "bound", "nothing_to_shorten", "loses_too_much"


def choose_setting(points: pl.DataFrame, max_loss: float) -> Recommendation:
    """Test the settings of one technique from the mildest on, and stop at the first not proven.

    A setting is proven where ``loss_at_most`` is at most ``max_loss``; one that changes no call
    loses nothing and proves nothing. The order is fixed before any score is seen, so the choice
    needs no correction (fixed-sequence testing, as for routing). Recommended is, of the proven
    settings whose interval of the saving lies above 0, the one that saves most money; most tokens
    where no price is known.

    Args:
        points: ``COMPRESSION_POINTS`` of one technique.
        max_loss: Part of the mean score that may be lost, such as 0.05.

    Returns:
        A ``Recommendation`` whose ``step`` is 0 unless recommended; its state may also be ``bound``
        (known only once the answer is there), ``nothing_to_shorten``, or ``loses_too_much`` where
        the whole interval of the mildest setting's loss lies above ``max_loss``.
    """
    changing = points.filter(pl.col("shortened") > 0).sort("step")
    if points["technique"].unique().to_list() == [UNUSED]:
        return Recommendation(BOUND, 0, "what an answer uses is known only once it is there")
    if changing.is_empty():
        return Recommendation(
            NOTHING_TO_SHORTEN, 0, "no call holds more of it than the mildest setting keeps"
        )
    failed = changing.filter(~(pl.col("loss_at_most") <= max_loss).fill_null(value=False))
    proven = changing.filter(pl.col("step") < failed["step"].min()) if failed.height else changing
    if proven.is_empty():
        first = failed.row(0, named=True)
        lost = first["loss_low"] is not None and first["loss_low"] > max_loss
        state = LOSES_TOO_MUCH if lost else CANNOT_TELL
        return Recommendation(state, 0, _unproven(first, max_loss))
    priced = proven["saved"].is_not_null().all()
    by = "saved" if priced else "tokens_saved"
    best = proven.sort(by, "step", descending=[True, False]).row(0, named=True)
    if best[by] <= 0:
        return Recommendation(
            NOTHING_SAVED,
            0,
            "what is cut costs no less: the prompts are read from the provider's cache, which a "
            "change in their middle loses, or summaries cost more than they save",
        )
    sure = proven.filter(is_proven(by))
    if sure.is_empty():
        n = best["calls"] - best["unpriced"] if priced else best["calls"]
        saved = Interval(best[by], best[f"{by}_low"], best[f"{by}_high"], n)
        return Recommendation(
            CANNOT_TELL, 0, unproven(saved, "calls", _dollars if priced else _tokens)
        )
    best = sure.sort(by, "step", descending=[True, False]).row(0, named=True)
    return Recommendation(
        RECOMMENDED,
        best["step"],
        f"with 95 % confidence the loss is at most {100 * max_loss:.3g} % at this setting and all "
        "milder",
    )


def _dollars(amount: float) -> str:
    return f"{dollars(amount, 6)} a call"


def _tokens(amount: float) -> str:
    return f"{amount:,.1f} tokens a call"


def _unproven(point: dict[str, float], max_loss: float) -> str:
    """Why not even the mildest setting is proven, and about how many answers would do."""
    scored = point["calls"] - point["unscored"]
    if not scored:
        return (
            "no score speaks of it: support is looked for in contexts and history, and needs "
            "answers that claim something; answer a sample anew and judge both"
        )
    if point["loss_at_most"] is None:
        return f"{scored:.0f} scored answer(s) of one session, or without any support: no bound"
    loss, bound = point["loss"], point["loss_at_most"]
    if loss >= max_loss:
        return (
            f"the mildest setting loses {100 * loss:.3g} % already, more than "
            f"{100 * max_loss:.3g} %"
        )
    wanted = scored * ((bound - loss) / (max_loss - loss)) ** 2
    return (
        f"{scored:.0f} scored answers bound the loss at {100 * bound:.3g} %, more than "
        f"{100 * max_loss:.3g} %; about {wanted:,.0f} might do"
    )

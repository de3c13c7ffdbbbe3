"""Cost against quality at every threshold, with intervals that hold for both at once."""

from __future__ import annotations

import numpy as np
import polars as pl

from llmops_pipelines.savings.routing.outcomes import Floats
from llmops_pipelines.savings.routing.sweep import STEPS, Sweep, Units
from llmops_pipelines.statistics.interval import Interval, t_critical

REPLICATES = 1_000
_SEED = 20_240_626

FRONTIER = pl.Schema(
    {
        "step": pl.Int64,
        "threshold": pl.Float64,
        "strong_share": pl.Float64,
        "quality": pl.Float64,
        "loss": pl.Float64,
        "loss_low": pl.Float64,
        "loss_high": pl.Float64,
        "loss_at_most": pl.Float64,
        "cost": pl.Float64,
        "saved": pl.Float64,
        "saved_low": pl.Float64,
        "saved_high": pl.Float64,
        "saved_share": pl.Float64,
        "saved_share_low": pl.Float64,
        "saved_share_high": pl.Float64,
    }
)
"""One row is one threshold. ``loss`` is the part of the large model's mean score that is lost (0.05
is 5 %, below 0 a gain); ``loss_at_most`` bounds it from above, one-sided, at 95 %. ``cost`` and
``saved`` are US dollars per question with known costs, against sending every call to the large
model without asking a router; null where no cost is known. Intervals of loss and saving hold
together: the true pair lies in both at once with 95 %."""


def draws(units: Units) -> Floats:
    """How often each resample of the bootstrap takes each unit, stratum by stratum."""
    draw = np.random.default_rng(_SEED)
    weights = np.zeros((REPLICATES, units.count))
    for stratum in np.unique(units.stratum):
        members = np.flatnonzero(units.stratum == stratum)
        weights[:, members] = draw.multinomial(
            len(members), np.full(len(members), 1 / len(members)), REPLICATES
        )
    return weights


def frontier(
    swept: Sweep, units: Units, weights: Floats, *, confidence: float = 0.95
) -> pl.DataFrame:
    """``FRONTIER`` of a sweep.

    Loss and saving are ratios of sums over the same resamples of whole units. Their joint interval
    at a step is a rectangle: both are studentised by their bootstrap spread, and the rectangle is
    widened until ``confidence`` of the resamples lie within.

    Args:
        swept: From `sweep`.
        units: What it was summed by.
        weights: From `draws`; the same for all routers, so that they can be compared.
        confidence: 0.95 by default.
    """
    quality, strong, cost, cost_strong, priced = _totals(swept, np.ones((1, units.count)))
    loss, saved, share = _figures(quality, strong, cost, cost_strong, priced)
    drawn = _figures(*_totals(swept, weights))
    bounds = _rectangles((loss[0], saved[0], share[0]), drawn, confidence)
    calls = swept.calls.sum()
    columns = {
        "step": np.arange(STEPS + 1),
        "threshold": swept.threshold,
        "strong_share": swept.strong.sum(axis=0) / calls,
        "quality": quality[0] / calls,
        "loss": loss[0],
        "loss_low": bounds[0][0],
        "loss_high": bounds[0][1],
        "loss_at_most": losses_at_most(swept, units),
        "cost": np.where(priced[0] > 0, cost[0] / np.maximum(priced[0], 1), np.nan),
        "saved": saved[0],
        "saved_low": bounds[1][0],
        "saved_high": bounds[1][1],
        "saved_share": share[0],
        "saved_share_low": bounds[2][0],
        "saved_share_high": bounds[2][1],
    }
    return pl.DataFrame(columns, schema=FRONTIER, nan_to_null=True)


def losses_at_most(swept: Sweep, units: Units, confidence: float = 0.95) -> Floats:
    """The one-sided upper bound of the loss at each step; NaN where there are too few units.

    The loss is a ratio of two means of the same questions. Its bound is where the paired difference
    ``kept quality - (1 - loss) * large model's`` stops being above 0 (Fieller), with a variance by
    unit within strata: what a one-sided test of non-inferiority at that margin uses.

    It is taken over what is seen and one more question lost to the small model. Where no loss was
    seen its spread is unknown, not 0; so bounded, it comes to about the rule of three. Losses are
    few and skewed, too, and Student's t alone promises too much. Simulated with 5 % allowed and the
    threshold chosen among all steps, a larger loss was recommended in 4 % of the worlds with 250 to
    1,000 questions, 6 % with 150 questions or 15 groups (without that question in 5 to 7 % and 8 to
    12 %).

    Source: E. C. Fieller, J. R. Statist. Soc. B 16 (1954) 175-185.
    """
    n = swept.calls.sum()
    lost = np.where(swept.strong.sum(axis=0) < n, swept.span / n, 0.0)
    kept, large = swept.quality.sum(axis=0) / n - lost, swept.quality_strong.sum() / n
    degrees = units.count - len(np.unique(units.stratum))
    if degrees < 1 or large <= 0:
        return np.full(STEPS + 1, np.nan)
    kept_residuals = _residuals(swept.quality, swept.calls, units) / n
    large_residuals = _residuals(swept.quality_strong[:, None], swept.calls, units) / n
    kept_residuals = np.vstack([kept_residuals, -lost])
    large_residuals = np.vstack([large_residuals, np.zeros((1, 1))])
    critical = t_critical(2 * confidence - 1, degrees)
    s_kk = (kept_residuals**2).sum(axis=0)
    s_ll = float((large_residuals**2).sum())
    s_kl = (kept_residuals * large_residuals).sum(axis=0)
    # The smaller root r of (kept - r large)^2 = t^2 (s_kk - 2 r s_kl + r^2 s_ll).
    a = large**2 - critical**2 * s_ll
    b = kept * large - critical**2 * s_kl
    c = kept**2 - critical**2 * s_kk
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (b - np.sqrt(np.maximum(b**2 - a * c, 0.0))) / a
    return np.where(a > 0, 1 - ratio, np.nan)


def _residuals(sums: Floats, calls: Floats, units: Units) -> Floats:
    """Each unit's sum less what its stratum's mean would make it, scaled by c / (c - 1)."""
    count = len(np.unique(units.stratum))
    per_stratum = np.bincount(units.stratum, minlength=count).astype(float)
    totals = np.zeros((count, sums.shape[1]))
    np.add.at(totals, units.stratum, sums)
    mean = totals / np.bincount(units.stratum, calls, count)[:, None]
    lonely = per_stratum == 1
    # A stratum of one unit shows no spread of its own: it is held against the mean of all.
    mean[lonely] = sums.sum(axis=0) / calls.sum()
    scale = np.sqrt(np.where(lonely, 1.0, per_stratum / np.maximum(per_stratum - 1, 1)))
    residuals: Floats = (sums - calls[:, None] * mean[units.stratum]) * scale[units.stratum, None]
    return residuals


def interval(estimate: float, drawn: Floats, n: int, confidence: float = 0.95) -> Interval:
    """A bootstrap percentile interval; both ends None where resamples do not define the figure."""
    if not np.isfinite(estimate):
        return Interval(None, None, None, n)
    known = drawn[np.isfinite(drawn)]
    # A figure that many resamples leave undefined has no interval that could be believed.
    if len(known) < 0.95 * len(drawn) or len(known) < 2:
        return Interval(estimate, None, None, n)
    low, high = np.quantile(known, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Interval(estimate, float(low), float(high), n)


def _totals(swept: Sweep, weights: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Weighted sums over units: quality, the large model's, cost, the large model's, priced."""
    return (
        weights @ swept.quality,
        (weights @ swept.quality_strong)[:, None],
        weights @ swept.cost,
        (weights @ swept.cost_strong)[:, None],
        (weights @ swept.priced)[:, None],
    )


def _figures(
    quality: Floats, strong: Floats, cost: Floats, cost_strong: Floats, priced: Floats
) -> tuple[Floats, Floats, Floats]:
    """Loss as a share; saving per question and as a share of what the large model costs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        loss = np.where(strong > 0, 1 - quality / strong, np.nan)
        saved = np.where(priced > 0, (cost_strong - cost) / priced, np.nan)
        share = np.where(cost_strong > 0, 1 - cost / cost_strong, np.nan)
    return loss, saved, share


def _rectangles(
    centre: tuple[Floats, ...], drawn: tuple[Floats, ...], confidence: float
) -> list[tuple[Floats, Floats]]:
    """Low and high of each figure at each step, wide enough for all figures of the step at once."""
    # Resamples without any cost, or with a large model that scores 0, define no figure.
    spreads = [
        np.nanstd(many, axis=0) if np.isfinite(many).any() else np.full(many.shape[1], np.nan)
        for many in drawn
    ]
    furthest = np.zeros(drawn[0].shape)
    for middle, draw, spread in zip(centre, drawn, spreads, strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            away = np.abs(draw - middle) / spread
        furthest = np.fmax(furthest, np.where(np.isfinite(away), away, 0.0))
    reach = np.quantile(furthest, confidence, axis=0)
    return [(m - reach * s, m + reach * s) for m, s in zip(centre, spreads, strict=True)]

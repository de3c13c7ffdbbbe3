"""Futures of a daily series: a level that moves, a weekday pattern, and noise.

The logarithm of spend is a weekday's effect plus a level that is smoothed exponentially (the local
level model in its innovations form; R. J. Hyndman et al., Forecasting with Exponential Smoothing,
2008, chapter 2). For a given smoothing the rest is a linear regression of the filtered series, with
a conjugate prior (A. Gelman et al., Bayesian Data Analysis, 2013, chapter 14), so that nothing is
optimised: smoothings and strengths of the weekday pattern are weighted by how well each explains
the series, and paths are drawn from all of them. Errors of the days of a path hang together, since
they share the level, the pattern and the smoothing that were drawn.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PATHS: Final = 1000
SEED: Final = 20_260

SEASONAL_DAYS: Final = 14
"""From two weeks on, weekdays are told apart."""
MIXED_DAYS: Final = 8
"""From here on some weekday has come back: every second future tells weekdays apart, the others do
not. Of both alone, one is twice as wide as it need be on services with weekdays, and the other too
narrow on those without (benchmarks/forecast.py)."""

_SMOOTHING: Final = np.array([0.0, 0.03, 0.07, 0.15, 0.3, 0.5, 0.75, 1.0])
_BELIEF: Final = 1 - 0.8 * _SMOOTHING
"""Prior weights: levels of spend mostly stay. Chosen with what follows in benchmarks/forecast.py:
intervals of sums hold at least what they promise on average over its worlds."""
_PULL: Final = np.array([0.3, 3.0, 30.0, 300.0])
"""How strongly the weekday pattern is pulled towards none, in precisions of a day's noise."""
_NOISE: Final = (1.0, 0.1)
"""Shape of the prior of the noise, and its standard deviation: 10 % a day."""
_OFFSET: Final = 0.2
"""Added to spend before the logarithm, as a share of its mean: a day of nothing has one."""
_FURTHEST: Final = 3.0
"""Paths stay below e^3 times the largest day seen: beyond, noise would be compounded, not known."""

_JUMPS: Final = (1 / 100, 0.5)
"""How often, per day, the level jumps (a release, a customer gained or lost), and by what standard
deviation of the logarithm: a history without jumps does not promise that none comes. Chosen as
above."""

_SPREAD: Final = 1.5
"""How much wider than a day's standard deviation days after a few days are taken to vary: weekdays
are not seen yet. Chosen as above."""
_DRIFT: Final = 0.2
"""By how much, as a variance in units of a day's, the level of the days to come may differ."""
_LEAST_SPREAD: Final = 0.1
"""Of the mean: a few equal days do not prove that no day differs."""


class _Fit(NamedTuple):
    """Posterior by smoothing and pull (cells). ``level`` and ``fade`` carry the filter's end."""

    mean: Floats
    """(smoothings, pulls, 8): initial level, then seven weekdays."""
    precision: Floats
    """(smoothings, pulls, 8, 8), in units of the noise's."""
    scale: Floats
    """(smoothings, pulls): rate of the noise's inverse gamma."""
    shape: float
    weight: Floats
    """(smoothings, pulls), adding up to 1."""
    level: Floats
    """(smoothings, 8): the filter's level of the series, and of each weekday's indicator."""
    fade: Floats
    """(smoothings,): what is left of the initial level."""


def future_paths(spent: Floats, weekdays: Ints, ahead: Ints) -> Floats:
    """Draw ``PATHS`` futures, always the same ones: by weekdays where two weeks are known.

    With ``MIXED_DAYS`` to two weeks half of them are drawn so, and half around the mean.

    Args:
        spent: USD of each day, oldest first, NaN where it is not known; at least two are.
        weekdays: Their weekdays, 0 to 6.
        ahead: Weekdays of the days that follow.

    Returns:
        USD, (paths, days ahead); never negative.
    """
    known = spent[~np.isnan(spent)]
    if len(known) >= SEASONAL_DAYS:
        return seasonal_paths(spent, weekdays, ahead)
    around = mean_paths(known, len(ahead))
    if len(known) >= MIXED_DAYS:
        around[::2] = seasonal_paths(spent, weekdays, ahead)[::2]
    return around


def seasonal_paths(spent: Floats, weekdays: Ints, ahead: Ints) -> Floats:
    """As ``future_paths``, by level and weekdays however few days there are."""
    mean = float(np.nanmean(spent))
    if mean <= 0:
        return np.zeros((PATHS, len(ahead)))
    logs = np.log(spent / mean + _OFFSET)
    drawn = _draw(_fit(logs, weekdays), ahead)
    drawn = np.minimum(drawn, np.nanmax(logs) + _FURTHEST)
    paths: Floats = np.maximum(np.exp(drawn) - _OFFSET, 0) * mean
    return paths


def mean_paths(spent: Floats, ahead: int) -> Floats:
    """As ``future_paths``, around the mean of a few known days: a t distribution, taken wider."""
    random = np.random.default_rng(SEED)
    freedom = len(spent) - 1
    spread = max(_SPREAD * float(spent.std(ddof=1)), _LEAST_SPREAD * float(spent.mean()))
    noise = spread * np.sqrt(freedom / random.chisquare(freedom, PATHS))
    off = noise * np.sqrt(1 / len(spent) + _DRIFT) * random.standard_normal(PATHS)
    level = spent.mean() + off
    drawn: Floats = level[:, None] + noise[:, None] * random.standard_normal((PATHS, ahead))
    return np.maximum(drawn, 0)


def _fit(logs: Floats, weekdays: Ints) -> _Fit:
    known = ~np.isnan(logs)
    series = np.column_stack([logs, np.eye(7)[weekdays]])[known]
    errors, fades, level, fade = _filtered(series)
    of_series = errors[:, :, 0].T
    explained_by = np.concatenate([fades[:, :, None], errors[:, :, 1:]], axis=2).transpose(1, 0, 2)
    pulls = np.zeros((len(_PULL), 8, 8))
    pulls[:, range(1, 8), range(1, 8)] = _PULL[:, None]
    pulls[:, 0, 0] = 1e-6  # nothing is known of the level beforehand
    products = np.einsum("atk,atl->akl", explained_by, explained_by)
    along = np.einsum("atk,at->ak", explained_by, of_series)
    precision = products[:, None] + pulls[None]
    wanted = np.broadcast_to(along[:, None, :, None], (*precision.shape[:3], 1))
    mean = np.linalg.solve(precision, wanted)[..., 0]
    shape = _NOISE[0] + (len(series) - 1) / 2
    left = (of_series**2).sum(axis=1)[:, None] - np.einsum("apk,ak->ap", mean, along)
    scale = _NOISE[0] * _NOISE[1] ** 2 + np.maximum(left, 0) / 2
    evidence = (
        3.5 * np.log(_PULL)[None]
        - np.linalg.slogdet(precision)[1] / 2
        - shape * np.log(scale)
        + np.log(_BELIEF)[:, None]
    )
    weight = np.exp(evidence - evidence.max())
    return _Fit(mean, precision, scale, shape, weight / weight.sum(), level, fade)


def _filtered(series: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """One-step errors of every column under every smoothing, and where the filter ends.

    The filter is linear: the errors of the series less a weekday pattern are its own less the
    pattern's, so one pass serves every pattern.
    """
    level = np.zeros((len(_SMOOTHING), series.shape[1]))
    fade = np.ones(len(_SMOOTHING))
    errors, fades = [], []
    for row in series:
        error = row - level
        errors.append(error)
        fades.append(fade)
        level = level + _SMOOTHING[:, None] * error
        fade = fade * (1 - _SMOOTHING)
    return np.array(errors), np.array(fades), level, fade


def _draw(fit: _Fit, ahead: Ints) -> Floats:
    random = np.random.default_rng(SEED)
    # One path from each thousandth of the cells' weights, in an order that hangs on nothing.
    places = random.permutation((np.arange(PATHS) + 0.5) / PATHS)
    cells = np.searchsorted(np.cumsum(fit.weight.ravel()), places)
    smoothing, pull = np.divmod(np.minimum(cells, fit.weight.size - 1), len(_PULL))
    noise = np.sqrt(fit.scale[smoothing, pull] / random.gamma(fit.shape, size=PATHS))
    roots = np.linalg.cholesky(np.linalg.inv(fit.precision))[smoothing, pull]
    off = np.einsum("pij,pj->pi", roots, random.standard_normal((PATHS, 8)))
    drawn = fit.mean[smoothing, pull] + noise[:, None] * off
    start, pattern = drawn[:, 0], drawn[:, 1:]
    ends = fit.level[smoothing]
    level = ends[:, 0] - (pattern * ends[:, 1:]).sum(axis=1) + start * fit.fade[smoothing]
    shocks = noise[:, None] * random.standard_normal((PATHS, len(ahead)))
    moved = _SMOOTHING[smoothing][:, None] * (np.cumsum(shocks, axis=1) - shocks)
    often, size = _JUMPS
    jumps = (random.random(shocks.shape) < often) * random.normal(0, size, shocks.shape)
    paths: Floats = level[:, None] + moved + np.cumsum(jumps, axis=1) + pattern[:, ahead] + shocks
    return paths

"""How much of the gap between two models a router closes, and with how many dear calls.

``PGR(a)``, the performance gap recovered with a share ``a`` of calls to the large model, is
``(Q(a) - Q_weak) / (Q_strong - Q_weak)``. ``APGR`` is its integral over ``a`` from 0 to 1: 0.5 for
routing at random. ``CPT(x)`` is the smallest ``a`` with ``PGR(a) >= x``: x for routing at random.

Source: I. Ong et al., RouteLLM: Learning to Route LLMs with Preference Data (2024), section 3.2,
with trapezoids and linear interpolation as in the authors' evaluation code.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from llmops_pipelines.savings.routing.frontier import interval
from llmops_pipelines.savings.routing.outcomes import Floats
from llmops_pipelines.savings.routing.sweep import Sweep
from llmops_pipelines.statistics.interval import Interval


class GapMetrics(NamedTuple):
    """What a sweep comes to as a whole; each with a bootstrap interval."""

    area: Interval
    """Mean score over all shares of large calls: the area under the frontier."""
    apgr: Interval
    """Average performance gap recovered."""
    cpt_50: Interval
    """Share of calls to the large model that recovers half of the gap."""
    cpt_80: Interval
    """The same for 80 %."""


def gap_metrics(swept: Sweep, weights: Floats) -> GapMetrics:
    """Area under the frontier, APGR, CPT(50 %) and CPT(80 %).

    All but the area are None where the large model is not better: there is no gap to recover.
    """
    n = int(swept.calls.sum())
    own = _metrics(swept, np.ones((1, len(swept.calls))))
    drawn = _metrics(swept, weights)
    return GapMetrics(
        *(interval(float(one[0]), many, n) for one, many in zip(own, drawn, strict=True))
    )


def _metrics(swept: Sweep, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    calls = (weights @ swept.calls)[:, None]
    quality = (weights @ swept.quality) / calls
    share = (weights @ swept.strong) / calls
    # From no large call upwards, as the integral runs.
    quality, share = quality[:, ::-1], share[:, ::-1]
    area: Floats = np.asarray(np.trapezoid(quality, share, axis=1))
    weak, strong = quality[:, :1], quality[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(strong > weak, strong - weak, np.nan)
        recovered = (quality - weak) / gap
    apgr = (area - weak[:, 0]) / gap[:, 0]
    return area, apgr, _first(recovered, share, 0.5), _first(recovered, share, 0.8)


def _first(recovered: Floats, share: Floats, wanted: float) -> Floats:
    """The least share at which ``wanted`` is recovered, between two steps by interpolation."""
    rows = np.arange(len(recovered))
    reached = recovered >= wanted
    after = np.where(reached.any(axis=1), reached.argmax(axis=1), 0)
    before = np.maximum(after - 1, 0)
    low, high = recovered[rows, before], recovered[rows, after]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(high > low, (wanted - low) / (high - low), 0.0)
    found = share[rows, before] + part * (share[rows, after] - share[rows, before])
    result: Floats = np.where(reached.any(axis=1), found, np.nan)
    return result

"""What the large model costs above the small one, told from the face of a question.

Where questions differ much in that, those that gain little for their price go to the small model
first, not those that gain little: a long prompt pays for many short ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from llmops_pipelines.savings.routing.complexity import Matrix, held_out, rounded
from llmops_pipelines.savings.routing.outcomes import Codes, Floats

LEAST_SPREAD = 0.5
"""Standard deviation of the logarithm of predicted extra costs, from which they are worth telling
apart. Below, errors of the prediction cost more than it brings."""

_PENALTY = 10.0
_FARTHEST = 50.0
"""Bound of the logarithm, against questions unlike all that were seen."""


@dataclass(frozen=True)
class ExtraCost:
    """A fitted line: the logarithm of the extra cost in US dollars is linear in the features."""

    features: Floats
    intercept: float

    def of(self, features: Matrix) -> Floats:
        """US dollars, above 0, per question."""
        log = (features * self.features).sum(axis=1) + self.intercept
        cost: Floats = np.exp(np.clip(log, -_FARTHEST, _FARTHEST))
        return cost


def cross_fitted_extra_cost(features: Matrix, pairs: pl.DataFrame) -> Floats | None:
    """Extra costs of ``PAIRED`` predicted out of fold, or None where they are not worth it.

    That is where some question has no costs, the large model is not the dearer one for all of them,
    or predictions spread less than ``LEAST_SPREAD``. No score is looked at, so that deciding this
    on the same questions takes nothing from a test of their scores.
    """
    extra = (pairs["cost_strong"] - pairs["cost_weak"]).to_numpy()
    if not (np.isfinite(extra) & (extra > 0)).all():
        return None
    predicted = np.zeros(len(extra))
    for train, test in held_out(pairs)[1]:
        predicted[test] = _line(features, extra, train).of(features[test])
    return predicted if np.log(predicted).std() >= LEAST_SPREAD else None


def fit_extra_cost(features: Matrix, pairs: pl.DataFrame) -> ExtraCost:
    """Fit the line to all of ``PAIRED``, whose extra costs are all above 0."""
    extra = (pairs["cost_strong"] - pairs["cost_weak"]).to_numpy()
    return _line(features, extra, np.arange(len(extra)))


def _line(features: Matrix, extra: Floats, rows: Codes) -> ExtraCost:
    from sklearn.linear_model import Ridge

    own = features[rows]
    mean, scale = own.mean(axis=0), own.std(axis=0)
    scale[scale == 0] = 1.0
    model = Ridge(alpha=_PENALTY).fit((own - mean) / scale, np.log(extra[rows]))
    coefficients = rounded(model.coef_ / scale)
    return ExtraCost(coefficients, float(model.intercept_ - (coefficients * mean).sum()))

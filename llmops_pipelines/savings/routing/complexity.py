"""A classifier of how much a question needs the large model, from its vector and its face.

Three logistic regressions estimate what the small model scores, what the large one scores, and what
the large one gains where it is better, each as a part of the scores' range. The need is the mean of
the gain and of the difference of the two scores, brought onto the scale of scores by a straight
line: among questions with a need of 0.2 the large model is better by 0.2. Two estimates of one
thing rank better than either, since their errors differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from llmops_pipelines.savings.routing.outcomes import Codes, Floats, question_numbers

Matrix = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32] | Matrix

FOLDS = 5
HEADS = ("score_weak", "score_strong", "gain")

_COMPONENTS = 16
_VECTOR_SHARE = 0.5
_STRENGTH = 0.1
"""Main components of the vectors, their spread beside that of the features, and the inverse
strength of the penalty. Fixed: choosing them inside each fold ranks groups left out no better than
these do, and takes twenty times as long."""

_DIGITS = 6
"""Significant digits of a coefficient: what is written to a policy is exactly what was replayed."""

_LEAST_FOR_FOLDS = 2
_LEAST_LEFT = 0.5
"""Part of a fold's rows to fit to that must be left without the questions it shares with others."""
_CONSTANT = 1e-9
"""A spread below this is none: the feature, the vectors or the needs are all alike."""


@dataclass(frozen=True)
class Need:
    """A fitted classifier: the logit of each head is linear in vector and features."""

    vector: Matrix
    """One row per head, one column per dimension of the vector."""
    features: Matrix
    """The same for the simple features."""
    intercept: Floats
    slope: float = 1.0
    shift: float = 0.0
    """The straight line that brings needs onto the scale of scores."""

    def of(self, vectors: Vectors, features: Matrix) -> Floats:
        """The need of each question; that of one does not depend on the others."""
        from scipy.special import expit

        wide = np.asarray(vectors, dtype=np.float64)
        # Sums by row rather than a matrix product, whose last bits depend on the number of rows.
        weak, strong, gain = (
            expit((wide * own).sum(axis=1) + (features * face).sum(axis=1) + constant)
            for own, face, constant in zip(self.vector, self.features, self.intercept, strict=True)
        )
        need: Floats = self.slope * (strong - weak + gain) / 2 + self.shift
        return need


@dataclass(frozen=True)
class CrossFitted:
    """Needs predicted for each question by a classifier that saw nothing of its fold."""

    need: Floats
    slope: float
    shift: float
    """The line that brought them onto the scale of scores; slope 0 where they tell nothing."""
    by_group: bool
    """No group is on both sides. False where there is but one, or where groups share so many
    questions that too little is left to fit to: questions are split instead."""
    calibration_error: float
    """Mean distance of need and gain over ten bins of equal size, on the scale of scores."""


def cross_fitted(vectors: Vectors, features: Matrix, pairs: pl.DataFrame) -> CrossFitted:
    """Predict every question of ``PAIRED`` by a classifier fitted without its group."""
    raw = np.zeros(pairs.height)
    by_group, folds = held_out(pairs)
    for train, test in folds:
        raw[test] = _heads(vectors[train], features[train], pairs[train]).of(
            vectors[test], features[test]
        )
    gain = pairs["score_strong"].to_numpy() - pairs["score_weak"].to_numpy()
    slope, shift = _line(raw, gain)
    need = slope * raw + shift
    return CrossFitted(need, slope, shift, by_group, _calibration_error(need, gain))


def fit(vectors: Vectors, features: Matrix, pairs: pl.DataFrame, crossed: CrossFitted) -> Need:
    """Fit the classifier to all of ``PAIRED``, with the line of questions not seen.

    Needs of questions that a classifier has seen are spread wider than those of new ones; a
    threshold speaks of new ones.
    """
    return replace(_heads(vectors, features, pairs), slope=crossed.slope, shift=crossed.shift)


def _heads(vectors: Vectors, features: Matrix, pairs: pl.DataFrame) -> Need:
    design = _Design(np.asarray(vectors, dtype=np.float64), features)
    weak, strong = (pairs[f"score_{name}"].to_numpy() for name in ("weak", "strong"))
    low = min(weak.min(), strong.min())
    span = max(weak.max(), strong.max()) - low or 1.0
    labels = ((weak - low) / span, (strong - low) / span, np.maximum(strong - weak, 0.0) / span)
    return design.folded_back([_logistic(design.columns, label) for label in labels])


class _Design:
    """Standardised features beside the main components of the vectors."""

    def __init__(self, vectors: Matrix, features: Matrix) -> None:
        from sklearn.decomposition import PCA

        self._mean, self._scale = features.mean(axis=0), features.std(axis=0)
        self._scale[self._scale < _CONSTANT] = 1.0
        self._centre = vectors.mean(axis=0)
        count = min(_COMPONENTS, len(vectors) - 1, vectors.shape[1])
        self._axes = np.zeros((0, vectors.shape[1]))
        if count > 0 and np.ptp(vectors, axis=0).max() > _CONSTANT:
            # Exact and without chance: the same vectors give the same axes.
            self._axes = PCA(count, svd_solver="covariance_eigh").fit(vectors).components_
        components = (vectors - self._centre) @ self._axes.T
        size = float(np.sqrt((components**2).sum(axis=1).mean())) if len(self._axes) else 0.0
        # One penalty for both: all components together spread as all features do, times the share.
        self._unit = _VECTOR_SHARE * np.sqrt(features.shape[1]) / size if size > 0 else 0.0
        self.columns = np.hstack([(features - self._mean) / self._scale, self._unit * components])

    def folded_back(self, fitted: list[tuple[Floats, float]]) -> Need:
        """The same classifiers in terms of raw vectors and features."""
        split = len(self._mean)
        features = np.stack([coefficients[:split] / self._scale for coefficients, _ in fitted])
        vector = np.stack(
            [(coefficients[split:] * self._unit) @ self._axes for coefficients, _ in fitted]
        )
        shifts = features @ self._mean + vector @ self._centre
        intercept = np.array([constant for _, constant in fitted]) - shifts
        return Need(rounded(vector), rounded(features), rounded(intercept))


def _logistic(columns: Matrix, label: Floats) -> tuple[Floats, float]:
    """Coefficients and intercept; a constant where all labels are alike."""
    from sklearn.linear_model import LogisticRegression

    won, rest = label > 0, label < 1
    if not won.any() or not rest.any():
        # One outcome was seen n times: the next one differs with 1 in n + 2 (rule of succession).
        rate = (label.sum() + 1) / (len(label) + 2)
        return np.zeros(columns.shape[1]), float(np.log(rate / (1 - rate)))
    # A share as label is a question that counts in part as won and in part as not.
    model = LogisticRegression(C=_STRENGTH, max_iter=1_000).fit(
        np.vstack([columns[won], columns[rest]]),
        np.repeat([1, 0], [won.sum(), rest.sum()]),
        sample_weight=np.concatenate([label[won], 1 - label[rest]]),
    )
    return model.coef_[0], float(model.intercept_[0])


def _line(raw: Floats, gain: Floats) -> tuple[float, float]:
    """Least squares of ``gain`` on ``raw``; flat where needs rank no better than chance does."""
    spread = float(raw.var())
    slope = float(np.cov(raw, gain, bias=True)[0, 1] / spread) if spread > _CONSTANT**2 else 0.0
    slope = max(slope, 0.0)
    return slope, float(gain.mean() - slope * raw.mean())


def _calibration_error(need: Floats, gain: Floats) -> float:
    order = np.argsort(need, kind="stable")
    parts = [part for part in np.array_split(order, 10) if len(part)]
    apart = sum(len(part) * abs(need[part].mean() - gain[part].mean()) for part in parts)
    return float(apart / len(need))


def held_out(pairs: pl.DataFrame) -> tuple[bool, list[tuple[Codes, Codes]]]:
    """Rows to fit to and rows to predict, fold by fold; no question of ``PAIRED`` is in both.

    Nor is a group, as the first value says. Questions that another group has too are left out of
    what is fitted to. Where there is but one group, or that leaves too little, questions are split
    instead.
    """
    question = question_numbers(pairs)
    groups = pairs["group"].rank("dense").to_numpy().astype(np.int64)
    if len(np.unique(groups)) >= _LEAST_FOR_FOLDS:
        whole = _folds(groups)
        apart = [(train[~np.isin(question[train], question[test])], test) for train, test in whole]
        if all(
            len(own) >= _LEAST_LEFT * len(train)
            for (own, _), (train, _) in zip(apart, whole, strict=True)
        ):
            return True, apart
    if len(np.unique(question)) < _LEAST_FOR_FOLDS:
        question = np.arange(len(question))  # one question only: nothing can be learned from texts
    return False, _folds(question)


def _folds(kept_together: Codes) -> list[tuple[Codes, Codes]]:
    from sklearn.model_selection import GroupKFold

    count = len(np.unique(kept_together))
    return list(GroupKFold(min(FOLDS, count)).split(kept_together, groups=kept_together))


def rounded(values: Matrix) -> Matrix:
    """``values`` to six significant digits."""
    with np.errstate(divide="ignore"):
        size = np.where(values == 0, 0, np.floor(np.log10(np.abs(values))))
    places = 10.0 ** (_DIGITS - 1 - size)
    return np.round(values * places) / places

"""A policy in words: a few rules over simple features that decide nearly as it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from llmops_pipelines.savings.routing.complexity import Matrix
from llmops_pipelines.savings.routing.features import FEATURES

RULES = pl.Schema(
    {
        "rule": pl.String,
        "model": pl.String,
        "questions": pl.Int64,
        "share": pl.Float64,
        "agreement": pl.Float64,
        "score_weak": pl.Float64,
        "score_strong": pl.Float64,
    }
)
"""One row is one rule; every question meets exactly one. ``model`` is where most of its questions
go, ``agreement`` the share of them that the policy sends there; scores are means over them."""

_DEPTH = 3
_LEAST_SHARE = 0.02


def rule_table(
    features: Matrix, asks_strong: npt.NDArray[np.bool_], pairs: pl.DataFrame
) -> pl.DataFrame:
    """``RULES`` that say what a policy does, largest first.

    A decision tree of depth three is fitted to the policy's decisions, without the vectors. It is
    there to be read: the agreement of its rows tells how much of the policy it explains.
    """
    from sklearn.tree import DecisionTreeClassifier

    least = max(1, int(_LEAST_SHARE * len(features)))
    tree = DecisionTreeClassifier(max_depth=_DEPTH, min_samples_leaf=least, random_state=0)
    fitted = tree.fit(features, asks_strong)
    leaf = fitted.apply(features)
    weak, strong = (pairs[f"score_{name}"].to_numpy() for name in ("weak", "strong"))
    merged: list[dict[str, Any]] = []
    for node, conditions in _leaves(fitted.tree_):
        here = leaf == node
        share = float(asks_strong[here].mean())
        merged.append(
            {
                "rule": _worded(conditions),
                "model": "large" if share >= 0.5 else "small",
                "questions": int(here.sum()),
                "share": float(here.mean()),
                "agreement": max(share, 1 - share),
                "score_weak": float(weak[here].mean()),
                "score_strong": float(strong[here].mean()),
            }
        )
    return pl.DataFrame(merged, schema=RULES).sort("questions", "rule", descending=[True, False])


class _Condition(NamedTuple):
    feature: int
    above: bool
    bound: float


def _leaves(
    tree: Any, node: int = 0, path: tuple[_Condition, ...] = ()
) -> Iterator[tuple[int, tuple[_Condition, ...]]]:
    if tree.children_left[node] == tree.children_right[node]:
        yield node, path
        return
    feature, bound = int(tree.feature[node]), float(tree.threshold[node])
    yield from _leaves(tree, tree.children_left[node], (*path, _Condition(feature, False, bound)))
    yield from _leaves(tree, tree.children_right[node], (*path, _Condition(feature, True, bound)))


def _worded(conditions: tuple[_Condition, ...]) -> str:
    """Only the tightest bounds of each feature: "characters 201 to 480, no digits"."""
    words = []
    for feature in dict.fromkeys(condition.feature for condition in conditions):
        own = [condition for condition in conditions if condition.feature == feature]
        low = max((c.bound for c in own if c.above), default=None)
        high = min((c.bound for c in own if not c.above), default=None)
        words.append(_between(FEATURES[feature], low, high))
    return ", ".join(words) or "every question"


def _between(name: str, low: float | None, high: float | None) -> str:
    if name.startswith("log "):
        # Counts: the logarithm is undone, and a bound between two counts becomes the counts.
        name = name.removeprefix("log ")
        least = None if low is None else int(np.floor(np.expm1(low))) + 1
        most = None if high is None else int(np.floor(np.expm1(high)))
        if least is None:
            return f"no {name}" if most == 0 else f"at most {most:,} {name}"
        if most is None:
            return f"{least:,} or more {name}"
        return f"{least:,} to {most:,} {name}"
    if low is None:
        return f"{name} at most {high:.3g}"
    return f"{name} above {low:.3g}" + ("" if high is None else f", at most {high:.3g}")

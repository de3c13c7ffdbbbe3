"""A routing policy as a small file: the need of a question, and above which it asks for more."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from llmops_pipelines.savings.routing.complexity import HEADS, Need, Vectors
from llmops_pipelines.savings.routing.extra_cost import ExtraCost
from llmops_pipelines.savings.routing.features import FEATURES, simple_features

KIND = "routing_policy"
VERSION = 1

_NEVER = sys.float_info.max
"""Written for a threshold that nothing reaches: JSON knows no infinity."""


class PolicyError(ValueError):
    """A file that is no policy of this kind and version."""


@dataclass(frozen=True)
class RoutingPolicy:
    """Sends a question to the large model where what it gains there is at least ``threshold``.

    The gain is its need or, with an ``extra_cost``, its need per US dollar that it costs more.
    """

    need: Need
    extra_cost: ExtraCost | None
    threshold: float
    embedding: str
    """Model and version that made the vectors; others mean nothing to this policy."""
    training: dict[str, Any] = field(default_factory=dict)
    """Digest and number of the questions it was fitted to."""
    promise: dict[str, Any] = field(default_factory=dict)
    """What was measured on questions that it had not seen."""
    rules: list[dict[str, Any]] = field(default_factory=list)
    """Rows of `rule_table`, for people."""

    def asks_strong(
        self, vectors: Vectors, texts: pl.Series | Sequence[str | None]
    ) -> npt.NDArray[np.bool_]:
        """Whether each question goes to the large model.

        Args:
            vectors: One unit vector per question, by the model that ``embedding`` names.
            texts: The questions.
        """
        features = simple_features(texts)
        gain = self.need.of(vectors, features)
        if self.extra_cost is not None:
            gain = gain / self.extra_cost.of(features)
        asked: npt.NDArray[np.bool_] = gain >= self.threshold
        return asked

    def to_json(self) -> str:
        """Write the policy; `from_json` of it decides the same, bit for bit."""
        return json.dumps(
            {
                "kind": KIND,
                "version": VERSION,
                "rule": "ask the large model where need / extra_cost >= threshold; need = slope * "
                "(score_strong - score_weak + gain) / 2 + shift; each of the three is "
                "1 / (1 + exp(-(intercept + features * values + vector * embedding))); "
                "extra_cost = exp(intercept + features * values), 1 where it is null",
                "threshold": self.threshold,
                "slope": self.need.slope,
                "shift": self.need.shift,
                "embedding": self.embedding,
                "feature_names": list(FEATURES),
                "heads": {
                    head: {
                        "intercept": float(self.need.intercept[row]),
                        "features": self.need.features[row].tolist(),
                        "vector": self.need.vector[row].tolist(),
                    }
                    for row, head in enumerate(HEADS)
                },
                "extra_cost": self.extra_cost
                and {
                    "intercept": self.extra_cost.intercept,
                    "features": self.extra_cost.features.tolist(),
                },
                "training": self.training,
                "promise": self.promise,
                "rules": self.rules,
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> RoutingPolicy:
        """Read what `to_json` wrote.

        Raises:
            PolicyError: It is something else, or was written for other features.
        """
        try:
            read = json.loads(text)
            kind = (read["kind"], read["version"])
            if kind != (KIND, VERSION):
                raise PolicyError(f"kind and version are {kind}, expected {(KIND, VERSION)}")
            if tuple(read["feature_names"]) != FEATURES:
                raise PolicyError(
                    f"fitted to other features ({', '.join(read['feature_names'])}); fit it again"
                )
            heads = [read["heads"][head] for head in HEADS]
            return cls(
                need=Need(
                    vector=np.array([head["vector"] for head in heads], dtype=np.float64),
                    features=np.array([head["features"] for head in heads], dtype=np.float64),
                    intercept=np.array([head["intercept"] for head in heads], dtype=np.float64),
                    slope=float(read["slope"]),
                    shift=float(read["shift"]),
                ),
                extra_cost=read["extra_cost"]
                and ExtraCost(
                    np.array(read["extra_cost"]["features"], dtype=np.float64),
                    float(read["extra_cost"]["intercept"]),
                ),
                threshold=float(read["threshold"]),
                embedding=read["embedding"],
                training=read["training"],
                promise=read["promise"],
                rules=read["rules"],
            )
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise PolicyError(f"not a routing policy: {type(error).__name__}: {error}") from error


def finite_threshold(threshold: float) -> float:
    """``threshold``, or a number that no need reaches in place of infinity."""
    return threshold if np.isfinite(threshold) else _NEVER


def training_digest(pairs: pl.DataFrame) -> str:
    """SHA-256 of texts, groups and scores that a policy was fitted to, 16 hex digits."""
    rows = pairs.select("text", "group", "score_weak", "score_strong").write_ndjson()
    return hashlib.sha256(rows.encode()).hexdigest()[:16]

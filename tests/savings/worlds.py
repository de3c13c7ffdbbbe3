"""Questions that two models answered, and a planted reason why some need the large one."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from llmops_pipelines.savings import Outcomes, paired_outcomes


def pairs(*rows: dict[str, Any]) -> pl.DataFrame:
    """``PAIRED`` with plain values where a row says nothing."""
    plain = {"text": "q", "group": "g", "score_weak": 1.0, "score_strong": 1.0,
             "cost_weak": 1.0, "cost_strong": 10.0}  # fmt: skip
    return paired_outcomes(pl.DataFrame([plain | row for row in rows])).pairs


def world(
    count: int = 600, groups: int = 20, *, seed: int = 1, hard: float = 0.3
) -> tuple[Outcomes, np.ndarray[Any, Any]]:
    """Hard questions, which the small model fails half of the time, show in vector and length.

    Returns the outcomes, and vectors in their order: the first of eight dimensions tells.
    """
    draw = np.random.default_rng(seed)
    is_hard = draw.random(count) < hard
    strong = draw.random(count) < 0.9
    weak = strong & ~(is_hard & (draw.random(count) < 0.6))
    vectors = draw.normal(0, 0.3, (count, 8))
    vectors[:, 0] += np.where(is_hard, 1.0, -1.0)
    words = np.where(is_hard, 40, 15) + draw.integers(0, 30, count)
    outcomes = paired_outcomes(
        pl.DataFrame(
            {
                "id": [f"{n:05}" for n in range(count)],
                "text": [f"{n} " + "word " * size for n, size in enumerate(words)],
                "group": [f"source {n % groups}" for n in range(count)],
                "score_weak": weak,
                "score_strong": strong,
                "cost_weak": 0.001,
                "cost_strong": 0.01,
            }
        )
    )
    return outcomes, vectors[outcomes.pairs["id"].cast(pl.Int64).to_numpy()]

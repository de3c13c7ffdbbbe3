"""The lines that nearly all prompts of a scope have in common, wherever they stand."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from llmops_pipelines.savings.prompt_cache.marks import Whole

STATIC_PERCENT: Final = 90
"""A line is static where this percentage of a scope's prompts hold it."""

LEAST_PROMPTS: Final = 10
"""Fewer prompts do not show what is static."""


def static_bytes(held: pl.DataFrame, lines: pl.DataFrame, scope: Whole) -> Whole:
    """How many bytes of each prompt are static lines of its scope; 0 in scopes too small to tell.

    A line that two messages of one prompt hold counts for two prompts.

    Args:
        held: ``prompt`` and ``message`` (hash), as ``PromptMarks.held``.
        lines: ``message``, ``line`` and ``bytes``, as ``PromptMarks.lines``.
        scope: Number of each prompt's scope.
    """
    messages = held.with_columns(scope=pl.lit(pl.Series(scope)).gather("prompt"))
    prompts = pl.DataFrame({"scope": scope}).group_by("scope").agg(prompts=pl.len())
    counted = (
        messages.unique(["prompt", "message"])
        .group_by("scope", "message")
        .agg(holders=pl.len())
        .join(lines, on="message")
    )
    static = (
        counted.group_by("scope", "line")
        .agg(pl.col("holders").sum())
        .join(prompts, on="scope")
        .filter(
            pl.col("prompts") >= LEAST_PROMPTS,
            100 * pl.col("holders") >= STATIC_PERCENT * pl.col("prompts"),
        )
    )
    per_message = (
        counted.join(static, on=["scope", "line"], how="semi")
        .group_by("scope", "message")
        .agg(pl.col("bytes").sum())
    )
    found = (
        messages.join(per_message, on=["scope", "message"])
        .group_by("prompt")
        .agg(pl.col("bytes").sum())
    )
    total = np.zeros(len(scope), np.int64)
    total[found["prompt"].to_numpy()] = found["bytes"].to_numpy()
    return total

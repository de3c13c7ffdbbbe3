"""Totals that a tool logged beside the counts of both sides: what they explain, what they doubt.

A provider's total that contradicts its counts is a fault. A tracing tool or a gateway copies counts
from SDKs of many versions, and its record is often the only one of a call that was paid for: there
the call is kept, with its sides as they were told, and what the total says otherwise is counted.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.formats.engine.reading import Reading
from llmops_pipelines.formats.engine.tokens import given_input

THINKS_BESIDE: Final = (
    r"(?i)(?:^|[/.:@])(?:gemini-(?:2[.-]5|[3-9]|[1-9][0-9]|2\.0-flash-thinking|(?:pro|flash)(?:-lite)?-latest)"
    r"|grok-(?:3-mini|[4-9]|[1-9][0-9]|code))"
)
"""Models whose provider counts the reasoning beside the answer, and in the total: many versions of
tools copy both and leave the reasoning out."""

_MOST_REASONING: Final = 65_536
"""Gemini's limit of an answer, reasoning included. What goes beyond it are no thoughts: prompts of
tools, which are input."""


def with_told_totals(frame: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """``frame`` with sides that agree with their totals where these explain how they were counted.

    Args:
        frame: As ``decode`` makes it.
        reading: Whose counts they are: a tool's, some provider's, or those of the format's own.

    Returns:
        With ``tokens_doubted``: by how much a tool's total exceeds both sides (less than 0: falls
        short of them), null where it does not.
    """
    if reading.second_hand:
        return _copied(frame)
    known = frame.with_columns(tokens_doubted=pl.lit(None, pl.Int64))
    if not reading.of_any_model:
        return known
    untold, left = _untold(), _left()
    # So Gemini counts behind its endpoint for OpenAI's clients, which has no place for reasoning.
    return known.with_columns(
        output_tokens=pl.col("output_tokens") + pl.when(untold).then(left).otherwise(0),
        reasoning=pl.when(untold).then(left).otherwise("reasoning"),
    )


def _copied(frame: pl.DataFrame) -> pl.DataFrame:
    """The counts that a tool copied from whoever made them.

    Reasoning beside the output is added to it: where it exceeds the output, where only so the sides
    add up to the total, and, of models that count it so, where nothing but a total tells of it. Of
    these models reasoning that a tool added twice is taken off once. A missing side follows from a
    total that is no less than the other. ``total_tokens`` are left where they tell a side, and
    where they are no count, which is a fault whoever logged them.
    """
    total, output = pl.col("total_tokens"), pl.col("output_tokens")
    given, reasoning = given_input(), pl.col("reasoning").fill_null(0)
    thinks, left, untold = _thinks(), _left(), _untold()
    beside = (reasoning > 0) & ((reasoning > output) | (left == reasoning))
    twice = thinks & (reasoning > 0) & (left == -reasoning) & (output >= 2 * reasoning)
    added = (
        pl.when(beside)
        .then(reasoning)
        .when(twice)
        .then(-reasoning)
        .when(untold)
        .then(left)
        .otherwise(0)
    )
    beyond = pl.coalesce(left - added, total - pl.coalesce(given, output))
    told = left.is_null() & (beyond >= 0)
    return frame.with_columns(
        pl.when(told | total.is_null()).then(pl.col("total_tokens", "raw:total_tokens")),
        output_tokens=output + added,
        reasoning=pl.when(untold).then(left).otherwise("reasoning"),
        tokens_doubted=pl.when(~told & (beyond != 0)).then(beyond),
    )


def _thinks() -> pl.Expr:
    return pl.coalesce("model", "model_requested").str.contains(THINKS_BESIDE)


def _left() -> pl.Expr:
    """What the total has beyond both sides."""
    return pl.col("total_tokens") - given_input() - pl.col("output_tokens")


def _untold() -> pl.Expr:
    nothing_told = pl.col("reasoning").fill_null(0) == 0
    return _thinks() & nothing_told & _left().is_between(1, _MOST_REASONING)

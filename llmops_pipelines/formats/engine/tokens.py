"""Token counts of a source to disjoint buckets that add up to the source's own total."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.formats.engine.faults import Fault, sentence
from llmops_pipelines.tables import TOKEN_BUCKETS

INPUT_PARTS: Final = ("cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
OUTPUT_PARTS: Final = ("reasoning", "audio_output")


def token_buckets(failed: pl.Expr) -> dict[str, pl.Expr]:
    """Expressions for each of ``TOKEN_BUCKETS``, over whole-number columns named as in ``FIELDS``.

    ``input_tokens`` includes cached and audio tokens, ``output_tokens`` includes reasoning and
    audio ones (rejected predictions stay in the text output, where they are billed); it leaves
    reasoning out, as xAI counts, where only so it adds up to ``total_tokens``. A source that
    counts apart gives ``uncached_input`` instead. A side that was not recorded is null in all its
    buckets; a part that was not broken out of a recorded side is 0. An answer that is billed with
    tokens of no bucket is unknown. A failed call whose counts are
    all 0 has recorded no usage.
    """
    known_input, known_output = _input().is_not_null(), _output().is_not_null()
    nothing = failed & (_input().fill_null(0) + _output().fill_null(0) == 0)
    buckets = {"uncached_input": _uncached(), "output_text": _output() - _parts(OUTPUT_PARTS)}
    for name in INPUT_PARTS:
        buckets[name] = pl.when(known_input).then(pl.col(name).fill_null(0))
    for name in OUTPUT_PARTS:
        buckets[name] = pl.when(known_output).then(pl.col(name).fill_null(0))
    return {name: pl.when(~nothing).then(buckets[name]).alias(name) for name in TOKEN_BUCKETS}


def token_faults(shown: dict[str, str]) -> list[Fault]:
    """How the counts of a call can contradict each other.

    Args:
        shown: What the source calls each field, for the message.
    """
    total = pl.col("total_tokens")
    other = _parts(INPUT_PARTS)
    return [
        Fault(
            _uncached() < 0,
            sentence(
                f"{shown['cache_read']}: ",
                other,
                " cached and audio tokens exceed the ",
                _input(),
                f" of {shown['input_tokens']}, which must include them",
            ),
        ),
        Fault(
            _output() < _parts(OUTPUT_PARTS),
            sentence(
                f"{shown['reasoning']}: ",
                _parts(OUTPUT_PARTS),
                " reasoning and audio tokens exceed the ",
                _output(),
                f" of {shown['output_tokens']}, which must include them",
            ),
        ),
        Fault(
            pl.col("input_tokens") != pl.col("uncached_input") + other,
            sentence(
                f"{shown['input_tokens']}: ",
                pl.col("input_tokens"),
                " is not the ",
                pl.col("uncached_input"),
                " uncached and ",
                other,
                " other input tokens together; check which counts include which",
            ),
        ),
        Fault(
            _input() + _output() != total,
            sentence(
                f"{shown['total_tokens']}: ",
                total,
                " is not the sum of ",
                _input(),
                " input and ",
                _output(),
                " output tokens; check which counts include which",
            ),
        ),
    ]


def _parts(names: tuple[str, ...]) -> pl.Expr:
    return pl.sum_horizontal(pl.col(name).fill_null(0) for name in names)


def given_input() -> pl.Expr:
    """The input side as far as its own counts tell it; null where they do not."""
    return pl.coalesce("input_tokens", pl.col("uncached_input") + _parts(INPUT_PARTS))


def _input() -> pl.Expr:
    return pl.coalesce(given_input(), pl.col("total_tokens") - pl.col("output_tokens"))


def _output() -> pl.Expr:
    output, reasoning, total = (
        pl.col(name) for name in ("output_tokens", "reasoning", "total_tokens")
    )
    beside = (reasoning > 0) & (given_input() + output + reasoning == total)
    counted = (
        pl.when(beside)
        .then(output + reasoning)
        .otherwise(pl.coalesce(output, total - given_input()))
    )
    return pl.when(pl.col("beside_output").fill_null(0) == 0).then(counted)


def _uncached() -> pl.Expr:
    return _input() - _parts(INPUT_PARTS)

"""Marks of prompts whose texts nobody has: traces that tell a hash for each block of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np
import polars as pl

from llmops_pipelines.savings.prompt_cache.marks import Chains, PromptMarks, chained

_BITS: Final = 2**64 - 1


def block_marks(
    call_ids: Sequence[str], tokens: Sequence[int], hashes: Sequence[Sequence[int]], block: int
) -> PromptMarks:
    """The marks of prompts known by ``hashes`` of their blocks; positions are tokens, not bytes.

    Two prompts share what whole blocks from their start have equal hashes; the last one, if it is
    not full, is nobody else's. A breakpoint may be set after every whole block.

    Args:
        call_ids: A name per prompt, in the order of time.
        tokens: How long each prompt is.
        hashes: Of each prompt's blocks, the last one of what is left.
        block: Tokens of a block.

    Raises:
        ValueError: A prompt has more or fewer hashes than blocks.
    """
    length = np.array(tokens, np.int64)
    told = np.array([len(own) for own in hashes], np.int64)
    wrong = np.flatnonzero(told != -(-length // block))
    if wrong.size:
        at = wrong[0]
        raise ValueError(
            f"{call_ids[at]}: {told[at]:,} hashes for {length[at]:,} tokens, expected "
            f"{-(-length[at] // block):,} with {block:,} tokens a block"
        )
    whole = length // block
    prompt = np.repeat(np.arange(len(length)), whole)
    kept = chain.from_iterable(own[:count] for own, count in zip(hashes, whole, strict=True))
    code = chained(prompt, np.fromiter((one & _BITS for one in kept), np.uint64, len(prompt)))
    place = np.arange(1, len(prompt) + 1) - np.repeat(np.cumsum(whole) - whole, whole)
    # Who sets a breakpoint at the end pays for writing all of the prompt.
    last = place == whole[prompt]
    calls = pl.DataFrame(
        {"call_id": call_ids, "bytes": length},
        schema_overrides={"call_id": pl.String},
    ).with_columns(
        system_bytes=pl.lit(0, pl.Int64),
        mark_at=pl.lit(None, pl.Int64),
        messages=pl.lit(1, pl.Int64),
    )
    return PromptMarks(
        calls,
        Chains(prompt, place * block, code),
        Chains(prompt, np.where(last, length[prompt], place * block), code),
        pl.DataFrame(schema={"prompt": pl.Int64, "message": pl.UInt64}),
        pl.DataFrame(schema={"message": pl.UInt64, "line": pl.UInt64, "bytes": pl.Int64}),
    )

"""Traces of hashed blocks, held against the obvious cache."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.savings import block_marks
from llmops_pipelines.savings.prompt_cache.replay import Moments, Occurrences

BLOCK = 8


def obvious(prompts, sent, lifetime):
    """Whole blocks that a cache held of each prompt: walk until one is missing or too old."""
    used, read = {}, []
    for (tokens, hashes), now in zip(prompts, sent, strict=True):
        whole = [tuple(hashes[: at + 1]) for at in range(tokens // BLOCK)]
        hits = 0
        while hits < len(whole) and now - used.get(whole[hits], -(10**9)) <= lifetime:
            hits += 1
        used.update(dict.fromkeys(whole, now))
        read.append(hits * BLOCK)
    return read


@st.composite
def traces(draw):
    """Prompts of few hashes, so that beginnings are shared, some of them not full at the end."""
    lengths = draw(st.lists(st.integers(0, 40), max_size=30))
    prompts = [
        (tokens, draw(st.lists(st.integers(-2, 2), min_size=blocks, max_size=blocks)))
        for tokens in lengths
        for blocks in [-(-tokens // BLOCK)]
    ]
    waits = draw(st.lists(st.integers(0, 5), min_size=len(lengths), max_size=len(lengths)))
    return prompts, np.cumsum(np.array(waits, np.int64)), draw(st.integers(0, 8))


@settings(max_examples=200, deadline=None)
@given(traces())
def test_what_is_shared_is_what_the_obvious_cache_holds(trace):
    prompts, sent, lifetime = trace
    names = [str(at) for at in range(len(prompts))]
    marks = block_marks(names, *(zip(*prompts, strict=True) if prompts else ((), ())), BLOCK)
    assert marks.calls["bytes"].to_list() == [tokens for tokens, _ in prompts]
    found = Occurrences(marks.blocks, Moments.of(sent, np.zeros_like(sent)))
    shared = found.shared(np.full(len(prompts), lifetime))
    assert shared.tolist() == obvious(prompts, sent.tolist(), lifetime)


def test_a_breakpoint_at_the_end_writes_all_of_the_prompt():
    marks = block_marks(["a"], [1_029], [[7, 8, 9]], 512)
    assert marks.blocks.end.tolist() == [512, 1_024]
    assert marks.ends.end.tolist() == [512, 1_029]


def test_too_many_or_too_few_hashes_are_named():
    with pytest.raises(ValueError, match=r"b: 1 hashes for 9 tokens, expected 2 with 8 tokens a"):
        block_marks(["a", "b"], [8, 9], [[1], [1]], BLOCK)

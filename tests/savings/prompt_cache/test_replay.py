"""The replay of all prompts at once against the obvious cache, prompt by prompt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.savings.prompt_cache.marks import Chains
from llmops_pipelines.savings.prompt_cache.replay import Moments, Occurrences

WORLDS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 1), max_size=4),  # which way the prompt goes at each block
        st.integers(0, 40),  # seconds since the one before
        st.integers(0, 30),  # seconds until its answer begins
    ),
    max_size=14,
)


def codes(ways):
    """A prefix's code holds all ways up to it."""
    return [sum(2 * 3**place + way * 3**place for place, way in enumerate(ways[: end + 1]))
            for end in range(len(ways))]  # fmt: skip


def chains_of(prompts):
    flat = [(n, end + 1, code) for n, own in enumerate(prompts) for end, code in enumerate(own)]
    columns = np.array(flat, np.int64).reshape(-1, 3).T
    return Chains(columns[0], columns[1], columns[2].astype(np.uint64))


def obvious(prompts, sent, ready, lifetime, awaited):
    """Each block's entry: last used, and first readable since it was last lost."""
    cache, found = {}, []
    for own, now, then in zip(prompts, sent, ready, strict=True):
        held = [
            code in cache
            and now - cache[code][0] <= lifetime
            and (not awaited or cache[code][1] <= now)
            for code in own
        ]
        found.append(held.index(False) if False in held else len(own))
        for code in own:
            used, first = cache.get(code, (-(10**9), 0))
            cache[code] = (now, min(first, then) if now - used <= lifetime else then)
    return found


@given(WORLDS, st.integers(0, 60), st.booleans())
def test_it_finds_what_a_cache_would_hold(world, lifetime, awaited):
    prompts = [codes(ways) for ways, _, _ in world]
    sent = np.cumsum([gap for _, gap, _ in world], dtype=np.int64)
    delay = np.array([wait for _, _, wait in world], np.int64)
    found = Occurrences(chains_of(prompts), Moments.of(sent, delay)).shared(
        np.full(len(world), lifetime), awaited=awaited
    )
    assert found.tolist() == obvious(prompts, sent, sent + delay, lifetime, awaited)


@given(WORLDS)
def test_for_ever_is_as_long_as_a_lifetime_beyond_all_gaps(world):
    chains = chains_of([codes(ways) for ways, _, _ in world])
    sent = np.cumsum([gap for _, gap, _ in world], dtype=np.int64)
    found = Occurrences(chains, Moments.of(sent, np.zeros_like(sent)))
    assert np.array_equal(found.shared(), found.shared(np.full(len(world), 10**6)))


def test_only_what_was_written_is_read_and_reading_does_not_renew():
    # One prefix, asked for every 40 s; only the first asks for it to be kept.
    chains = chains_of([[5], [5], [5]])
    found = Occurrences(chains, Moments.of(np.array([0, 40, 80]), np.zeros(3, np.int64)))
    written = np.array([True, False, False])
    assert found.shared(np.full(3, 60), written).tolist() == [0, 1, 0]
    assert found.shared(np.full(3, 60), ~written).tolist() == [0, 0, 1]


def test_what_must_agree_besides_keeps_prompts_apart():
    chains = chains_of([[5, 6], [5, 6]])
    moments = Moments.of(np.array([0, 1]), np.zeros(2, np.int64))
    assert Occurrences(chains, moments).shared().tolist() == [0, 2]
    apart = np.array([1, 1, 1, 2], np.uint64)
    assert Occurrences(chains, moments, apart).shared().tolist() == [0, 1]


@pytest.mark.parametrize("sent", [[5, 3], [0, 3 * 365 * 86_400_000]])
def test_prompts_out_of_order_or_years_apart_are_refused(sent):
    with pytest.raises(ValueError, match=r"2 prompts from .* sort them, or replay a shorter"):
        Moments.of(np.array(sent), np.zeros(2, np.int64))

"""Caches replayed in the order of time, held against a reference that anyone can read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.savings.answer_cache.replay import Requests, replay_exact, replay_similar
from llmops_pipelines.vectors import VectorsError

THRESHOLDS = (0.7, 0.9, 1.0)


def requests(keys, at=None, *, ready=None, namespace=None):
    at = np.arange(len(keys)) if at is None else np.asarray(at)
    return Requests(
        np.zeros(len(keys), np.int64) if namespace is None else np.asarray(namespace),
        np.asarray(keys, dtype=np.int64),
        at.astype(np.int64),
        (at if ready is None else np.asarray(ready)).astype(np.int64),
    )


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def plane(*degrees):
    """Unit vectors at angles: their cosines are known."""
    angles = np.deg2rad(degrees)
    return unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))


def reference(asked, alike, cut, ttl):
    """One request after the other, every living answer looked at."""
    answered, kept = [], []
    for i, at in enumerate(asked.at):
        usable = [
            (-alike(i, j), j)
            for j in kept
            if asked.namespace[j] == asked.namespace[i]
            and asked.ready[j] <= at
            and (ttl is None or at < asked.ready[j] + ttl)
            and alike(i, j) >= cut
        ]
        answered.append(min(usable)[1] if usable else -1)
        if not usable:
            kept.append(i)
    return answered


def cosine(asked, vectors):
    rows = vectors[asked.key].astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    table = np.round(np.clip(rows @ rows.T, -1, 1), 9)
    return lambda i, j: table[i, j]


@st.composite
def worlds(draw):
    """Crowded directions, gaps of all sizes, several at one instant, answers still under way."""
    count = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    centres = rng.standard_normal((draw(st.integers(1, 4)), 12))
    spread = draw(st.sampled_from([0.0, 0.3, 1.0]))
    vectors = centres[rng.integers(0, len(centres), 30)] + spread * rng.standard_normal((30, 12))
    at = np.cumsum(rng.integers(0, 3, count))
    return (
        requests(
            rng.integers(0, 30, count),
            at,
            ready=at + rng.integers(0, draw(st.integers(1, 6)), count),
            namespace=rng.integers(0, draw(st.integers(1, 3)), count),
        ),
        unit(vectors),
        draw(st.sampled_from([None, 1, 5, 20])),
        draw(st.sampled_from([1, 7, 64])),
    )


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_every_threshold_is_what_a_plain_loop_finds(world):
    asked, vectors, ttl, block = world
    found = replay_similar(asked, vectors, THRESHOLDS, ttl=ttl, block=block)
    alike = cosine(asked, vectors)
    for cut, row in zip(THRESHOLDS, found.tolist(), strict=True):
        assert row == reference(asked, alike, cut, ttl)
    same = reference(asked, lambda i, j: float(asked.key[i] == asked.key[j]), 1.0, ttl)
    assert replay_exact(asked, ttl=ttl).tolist() == same


@pytest.mark.parametrize("ttl", [None, 300_000])
def test_heads_and_chunks_change_nothing(monkeypatch, ttl):
    from llmops_pipelines.savings.answer_cache import heads as cache_heads
    from llmops_pipelines.savings.answer_cache import replay as cache_replay
    from llmops_pipelines.savings.answer_cache import shelf as cache_shelf

    monkeypatch.setattr(cache_replay, "_SHORT", 10)
    monkeypatch.setattr(cache_heads, "_GROUPS", (5,))
    monkeypatch.setattr(cache_shelf, "_CHUNK", 64)
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((40, 64))
    noise = rng.uniform(0, 0.8, (600, 1)) * rng.standard_normal((600, 64))
    vectors = unit(centres[rng.integers(0, 40, 600)] + noise)
    asked = requests(np.arange(600), np.arange(600) * 1_000, namespace=rng.integers(0, 2, 600))
    found = replay_similar(asked, vectors, THRESHOLDS[:2], ttl=ttl, block=32)
    assert 0.2 < (found >= 0).mean() < 0.9
    for cut, row in zip(THRESHOLDS, found.tolist(), strict=False):
        assert row == reference(asked, cosine(asked, vectors), cut, ttl)


def test_a_hit_keeps_nothing_so_a_lower_threshold_may_miss_what_a_higher_one_hits():
    # 0 keeps; 20 is near 0 and answered by it at 0.9, so 40 finds nobody there but at 0.95 does.
    asked, vectors = requests([0, 1, 2]), plane(0, 24, 42)
    loose, strict = replay_similar(asked, vectors, (0.9, 0.95), ttl=None).tolist()
    assert loose == [-1, 0, -1]
    assert strict == [-1, -1, 1]


def test_the_nearest_answers_and_of_equally_near_ones_the_oldest():
    asked = requests([0, 1, 2, 3])
    assert replay_similar(asked, plane(0, 30, 60, 55), (0.9,), ttl=None)[0].tolist() == [
        -1, -1, -1, 2,
    ]  # fmt: skip
    assert (
        replay_similar(requests([0, 1, 2]), unit([[1, 0], [0, 1], [1, 1]]), (0.7,), ttl=None)[0, 2]
        == 0
    )


def test_an_answer_lives_until_it_is_as_old_as_the_ttl_and_hits_do_not_refresh_it():
    asked = requests([0, 0, 0, 0], [0, 9, 10, 19])
    vectors = plane(0)
    for found in (replay_exact(asked, ttl=10), replay_similar(asked, vectors, (0.9,), ttl=10)[0]):
        assert found.tolist() == [-1, 0, -1, 2]


def test_an_answer_under_way_answers_nobody():
    asked = requests([0, 0, 0, 0], [0, 4, 5, 6], ready=[5, 9, 8, 7])
    for found in (
        replay_exact(asked, ttl=None),
        replay_similar(asked, plane(0), (1.0,), ttl=None)[0],
    ):
        assert found.tolist() == [-1, -1, 0, 0]


def test_namespaces_never_mix():
    asked = requests([0, 0, 0], namespace=[1, 2, 1])
    for found in (
        replay_exact(asked, ttl=None),
        replay_similar(asked, plane(0), (0.5,), ttl=None)[0],
    ):
        assert found.tolist() == [-1, -1, 0]


def test_none_and_one():
    for keys in ([], [0]):
        asked = requests(keys)
        assert replay_exact(asked, ttl=5).tolist() == [-1] * len(keys)
        assert replay_similar(asked, plane(0), (0.9,), ttl=5).tolist() == [[-1] * len(keys)]


@pytest.mark.parametrize(
    ("vectors", "thresholds", "message"),
    [
        ([[np.nan, 1.0]], (0.9,), "NaN"),
        ([[2.0, 0.0]], (0.9,), "not unit vectors"),
        (np.zeros((0, 2)), (0.9,), "there are 0 vectors"),
        ([[1.0, 0.0]], (0.9, 0.9), "ascending"),
        ([[1.0, 0.0]], (), "ascending"),
        ([[1.0, 0.0]], (0.0, 0.5), "above 0"),
        ([[1.0, 0.0]], (0.9, 1.1), "up to 1"),
    ],
)
def test_what_is_no_replay_is_refused(vectors, thresholds, message):
    with pytest.raises(VectorsError, match=message):
        replay_similar(requests([0]), vectors, thresholds, ttl=None)


@pytest.mark.parametrize(
    ("at", "ready", "message"),
    [
        ([1, 0], [1, 1], "order of time"),
        ([1, 2], [1, 1], "before it was asked"),
        ([1, 2], [1], "length"),
    ],
)
def test_requests_out_of_order_are_refused(at, ready, message):
    with pytest.raises(ValueError, match=message):
        requests([0, 0], at, ready=ready)


def test_a_ttl_of_nothing_is_refused():
    with pytest.raises(ValueError, match="ttl"):
        replay_exact(requests([0]), ttl=0)

"""How long stand-ins are, and which requests are compared together."""

import numpy as np
import pytest

from llmops_pipelines.savings.answer_cache.heads import alike, chosen_heads
from llmops_pipelines.vectors import unit_vectors

CUTS = np.array([0.75, 0.85, 0.95])
COUNT, DIMS = 3_000, 64


def unit(rows):
    return unit_vectors(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def template(rng, directions, dims=DIMS):
    """Questions of one template, that differ in ``directions`` only."""
    varied = rng.standard_normal((COUNT, directions)) @ rng.standard_normal((directions, dims))
    return unit(unit(rng.standard_normal((1, dims))) + 0.5 * unit(varied))


def length(vectors):
    return chosen_heads(vectors, np.arange(len(vectors)), CUTS).short.shape[1]


def test_questions_of_few_directions_are_told_apart_by_these():
    rng = np.random.default_rng(0)
    # One is the template's own, and the last column is the length of the rest.
    assert 8 <= length(template(rng, 10)) <= 17
    assert length(template(rng, 30)) > length(template(rng, 10))


def test_questions_unlike_in_all_directions_need_more_of_them():
    assert 30 < length(unit(np.random.default_rng(0).standard_normal((COUNT, DIMS)))) < DIMS


def test_where_nothing_can_be_passed_over_heads_are_as_short_as_they_can_be():
    rng = np.random.default_rng(0)
    # One topic in ever other words, all of them near the lowest threshold.
    topics = rng.standard_normal((1, DIMS))
    vectors = unit(topics + 0.06 * rng.standard_normal((COUNT, DIMS)))
    assert length(vectors) <= 3
    assert chosen_heads(vectors, np.arange(COUNT), CUTS).group == 256


@pytest.mark.parametrize("count", [1, 2, 9, 300])
def test_few_requests_and_equal_ones_have_heads(count):
    vectors = unit(np.random.default_rng(0).standard_normal((count, 12)))
    assert chosen_heads(vectors, np.arange(count), CUTS).short.shape[0] == count
    assert chosen_heads(vectors, np.zeros(count, np.int64), CUTS).short.shape[0] == count


@pytest.mark.parametrize("count", [0, 1, 128, 129, 1_000])
def test_each_request_is_in_one_group(count):
    groups = alike(np.random.default_rng(0).standard_normal((count, 9), dtype=np.float32), 128)
    assert sorted(np.concatenate(groups).tolist()) == list(range(count))
    assert all((np.diff(rows) > 0).all() and len(rows) <= 128 for rows in groups)


def test_groups_hold_what_is_alike():
    rng = np.random.default_rng(0)
    topic = rng.permutation(np.repeat(np.arange(2), 10))
    rows = unit(rng.standard_normal((2, 9))[topic] + 0.1 * rng.standard_normal((20, 9)))
    assert [set(topic[group]) for group in alike(rows, 10)] in ([{0}, {1}], [{1}, {0}])

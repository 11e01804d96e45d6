"""The two-loop recursion against the BFGS formula written as matrices."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.optim.lbfgs import CurvaturePairs

SIZE = 7


def make_variable(shape, dtype, name):
    """What an optimizer gives: an object with ``value``, ``assign`` and ``assign_add``."""
    import keras

    return keras.Variable(np.zeros(shape), dtype=dtype, trainable=False, name=name)


def dense_inverse(pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """H = V^T H V + s s^T / (y.s) over the pairs, from (y.s)/(y.y): Nocedal and Wright, (7.16)."""
    if not pairs:
        return np.eye(SIZE)
    s, y = pairs[-1]
    inverse = (s @ y) / (y @ y) * np.eye(SIZE)
    for s, y in pairs:
        v = np.eye(SIZE) - np.outer(y, s) / (y @ s)
        inverse = v.T @ inverse @ v + np.outer(s, s) / (y @ s)
    return inverse


def pairs_of_a_quadratic(random: np.random.Generator, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    root = random.standard_normal((SIZE, SIZE))
    hessian = root @ root.T + np.eye(SIZE)
    return [(s, hessian @ s) for s in random.standard_normal((count, SIZE))]


def filled(pairs, room: int) -> CurvaturePairs:
    memory = CurvaturePairs(make_variable, room, SIZE)
    for s, y in pairs:
        memory.push_if(tf.constant(True), tf.constant(s, tf.float32), tf.constant(y, tf.float32))
    return memory


def product(memory: CurvaturePairs, vector: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
    mask = None if free is None else tf.constant(free, tf.float32)
    return memory.times_inverse_hessian(tf.constant(vector, tf.float32), mask).numpy()


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 11])
def test_the_last_four_pairs_count(random, count):
    pairs = pairs_of_a_quadratic(random, count)
    vector = random.standard_normal(SIZE)
    expected = dense_inverse(pairs[-4:]) @ vector
    np.testing.assert_allclose(product(filled(pairs, 4), vector), expected, rtol=1e-3, atol=1e-4)


def test_clearing_leaves_the_identity(random):
    memory = filled(pairs_of_a_quadratic(random, 3), 4)
    memory.clear_if(tf.constant(True))
    vector = random.standard_normal(SIZE).astype(np.float32)
    np.testing.assert_array_equal(product(memory, vector), vector)


def test_the_newest_pair_is_satisfied(random):
    pairs = pairs_of_a_quadratic(random, 6)
    s, y = pairs[-1]
    np.testing.assert_allclose(
        product(filled(pairs, 4), y), s, rtol=1e-3, atol=1e-3
    )  # the secant equation H y = s


def test_in_a_subspace_pairs_are_cut_to_it(random):
    pairs = pairs_of_a_quadratic(random, 4)
    free = np.array([1, 0, 1, 1, 0, 1, 1.0])
    cut = [(s * free, y * free) for s, y in pairs]
    # pairs without positive curvature inside of the subspace are passed over, so choose the ones with it
    usable = [(s, y) for s, y in cut if s @ y > 0]
    vector = random.standard_normal(SIZE) * free
    found = product(filled(pairs, 4), vector, free)
    np.testing.assert_allclose(found, dense_inverse(usable) @ vector, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(found[free == 0], 0)


def test_a_pair_that_bends_downwards_in_the_subspace_is_passed_over(random):
    good = pairs_of_a_quadratic(random, 1)[0]
    free = np.array([0, 1, 1, 1, 1, 1, 1.0])
    step = np.array([3.0, 1, 0, 0, 0, 0, 0])
    bad = (step, np.array([3.0, -2, 0, 0, 0, 0, 0]))  # s.y = 7, and -2 without the first coordinate
    s, y = good[0] * free, good[1] * free
    assert s @ y > 0
    vector = random.standard_normal(SIZE) * free
    found = product(filled([good, bad], 4), vector, free)
    np.testing.assert_allclose(found, dense_inverse([(s, y)]) @ vector, rtol=1e-3, atol=1e-4)

"""The correlation matrix against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from style_distances import awkward, distance

from nst_tf.errors import InputError
from nst_tf.statistics import Correlation


def described(layer: np.ndarray) -> np.ndarray:
    return Correlation().describe(tf.constant(layer[np.newaxis])).numpy()


def test_it_is_numpys_correlation(random):
    layer = random.normal(3, 2, (5, 6, 7)) @ random.normal(size=(7, 7))
    # epsilon is 1e-8 beside variances above 1
    np.testing.assert_allclose(described(layer), np.corrcoef(layer.reshape(30, 7).T), rtol=1e-7, atol=1e-8)


def test_it_is_blind_to_means_and_strengths(random):
    layer = random.normal(3, 2, (5, 6, 7))
    other = layer * random.uniform(0.5, 3, 7) + random.normal(size=7)
    assert distance(Correlation(), layer, other) < 1e-14


def test_a_channel_correlates_fully_with_its_copy_and_against_its_negative(random):
    channel = random.normal(3, 2, (5, 6, 1))
    found = described(np.concatenate([channel, 2 * channel + 1, -channel], -1))
    np.testing.assert_allclose(found, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-7)


def test_the_diagonal_is_one_and_a_dead_channel_correlates_with_nothing(random):
    for dtype in (np.float32, np.float64):
        found = described(awkward(random, 8, 9).astype(dtype))
        np.testing.assert_array_equal(np.diag(found), np.ones(6))
        for silent in (2, 3):  # dead, constant
            np.testing.assert_allclose(np.delete(found[silent], silent), np.zeros(5), atol=1e-6)


@pytest.mark.parametrize("epsilon", [0.0, -1e-8, float("nan"), float("inf"), "small", True])
def test_an_epsilon_that_is_not_above_zero_is_refused(epsilon):
    with pytest.raises(InputError, match=rf"epsilon of the correlation.*above 0.*{epsilon}"):
        Correlation(epsilon)

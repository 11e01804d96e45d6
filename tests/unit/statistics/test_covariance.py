"""The covariance matrix against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from style_distances import distance

from nst_tf.statistics import Covariance, Gram, SquaredError


def described(layer: np.ndarray) -> np.ndarray:
    return Covariance().describe(tf.constant(layer[np.newaxis])).numpy()


def test_it_is_numpys_covariance(random):
    layer = random.normal(3, 2, (5, 6, 7))
    np.testing.assert_allclose(described(layer), np.cov(layer.reshape(30, 7).T), rtol=1e-10, atol=1e-12)


def test_two_positions_by_hand():
    # channels (1, 3) and (2, 8): means 2 and 5, centred (-1, 1) and (-3, 3), over M - 1 = 1
    np.testing.assert_allclose(described(np.array([[[1.0, 2.0], [3.0, 8.0]]])), [[2, 6], [6, 18]])


def test_it_is_blind_to_means_and_the_gram_matrix_is_not(random):
    layer, shift = random.normal(3, 2, (5, 6, 7)), random.normal(size=7)
    assert distance(Covariance(), layer, layer + shift) < 1e-20
    assert distance(Gram(), layer, layer + shift) > 1


def test_the_distance_is_the_mean_of_squares_or_what_is_asked_for(random):
    one, other = random.normal(3, 2, (5, 6, 7)), random.normal(1, 1, (4, 4, 7))
    errors = np.cov(one.reshape(-1, 7).T) - np.cov(other.reshape(-1, 7).T)
    assert distance(Covariance(), one, other) == pytest.approx(np.mean(errors**2))
    assert distance(Covariance(SquaredError("sum", 0.25)), one, other) == pytest.approx(np.sum(errors**2) / 4)


def test_a_small_variance_beside_a_large_mean_survives_float32(random):
    layer = random.normal(1000, 0.1, (20, 20, 2)).astype(np.float32)
    exact = np.cov(layer.reshape(400, 2).T.astype(np.float64))
    # E[f f^T] - mu mu^T would be off by 1e6 * 1e-7 = 0.1, ten times the variance
    np.testing.assert_allclose(np.diag(described(layer)), np.diag(exact), rtol=1e-3)


def test_one_position_has_covariance_zero():
    np.testing.assert_array_equal(described(np.full((1, 1, 3), 7.0)), np.zeros((3, 3)))

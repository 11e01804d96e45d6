"""The channels' means, and the linear kernel that they are the same as."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from style_distances import distance

from nst_tf.statistics import ChannelMeans, MaximumMeanDiscrepancy, PolynomialKernel, SquaredError


def test_means_by_hand():
    layer = np.array([[[1.0, 2.0], [3.0, 8.0]], [[2.0, 0.0], [2.0, 2.0]]])
    np.testing.assert_array_equal(ChannelMeans().describe(tf.constant(layer[np.newaxis])), [2, 3])


def test_the_distance_is_the_mean_of_squares(random):
    layer, shift = random.normal(3, 2, (5, 6, 7)), random.normal(size=7)
    assert distance(ChannelMeans(), layer, layer + shift) == pytest.approx(np.mean(shift**2))


def test_summed_it_is_the_discrepancy_under_the_linear_kernel(random):
    one, other = random.normal(3, 2, (5, 6, 7)), random.normal(1, 1, (4, 4, 7))
    f, s = one.reshape(-1, 7), other.reshape(-1, 7)
    pairs = np.mean(f @ f.T) - 2 * np.mean(f @ s.T) + np.mean(s @ s.T)
    assert distance(ChannelMeans(SquaredError("sum")), one, other) == pytest.approx(pairs)
    assert distance(MaximumMeanDiscrepancy(PolynomialKernel(1)), one, other) == pytest.approx(pairs)

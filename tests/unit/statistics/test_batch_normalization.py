"""Means and standard deviations against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from style_distances import distance

from nst_tf.errors import InputError
from nst_tf.statistics import BatchNormalizationStatistics


def test_they_are_numpys_mean_and_deviation(random):
    layer = random.normal(3, 2, (5, 6, 7))
    found = BatchNormalizationStatistics().describe(tf.constant(layer[np.newaxis]))
    np.testing.assert_allclose(found.means, layer.mean((0, 1)), rtol=1e-12)
    np.testing.assert_allclose(found.deviations, layer.std((0, 1)), rtol=1e-8)  # epsilon 1e-8 of about 4


def test_a_stretched_and_shifted_layer_has_a_closed_form(random):
    layer = random.normal(size=(5, 6, 7))
    layer = (layer - layer.mean((0, 1))) / layer.std((0, 1))
    factor, shift = random.uniform(1, 3, 7), random.normal(size=7)
    # mean 0 -> shift, deviation 1 -> factor
    expected = sum(shift**2 + (factor - 1) ** 2) / 7
    assert distance(BatchNormalizationStatistics(), layer, factor * layer + shift) == pytest.approx(expected)


def test_two_dead_channels_agree(random):
    layer = random.normal(3, 2, (5, 6, 3))
    layer[..., 1] = 0
    assert distance(BatchNormalizationStatistics(), layer, layer[::-1]) < 1e-25


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan"), None])
def test_an_epsilon_that_is_not_above_zero_is_refused(epsilon):
    with pytest.raises(InputError, match=rf"epsilon of the batch normalization.*above 0.*{epsilon}"):
        BatchNormalizationStatistics(epsilon)

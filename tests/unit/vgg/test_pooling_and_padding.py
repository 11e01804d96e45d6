"""Poolings and paddings against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.numpy_vgg import windows_of_four

from nst_tf.vgg.convolution import reflect, replicate
from nst_tf.vgg.layers import positions_factor
from nst_tf.vgg.network import POOLINGS

EXPECTED = {
    "max": lambda four: four.max(-1),
    "avg": lambda four: four.sum(-1) / 4,
    "l2": lambda four: np.sqrt((four**2).sum(-1)),
    "avg_rescaled": lambda four: four.sum(-1) / 2,
    "l2_rescaled": lambda four: 0.78 * np.sqrt((four**2).sum(-1)),
}


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("shape", [(6, 8, 3), (7, 5, 2)])  # an odd last row or column is dropped
def test_poolings(random, name, shape):
    image = random.uniform(0.1, 2, shape)
    found = POOLINGS[name](tf.constant(image[np.newaxis], tf.float32))[0]
    np.testing.assert_allclose(found, EXPECTED[name](windows_of_four(image)), rtol=1e-4)


@pytest.mark.parametrize("name", POOLINGS)
def test_poolings_of_dead_activations_have_a_finite_gradient(name):
    dead = tf.zeros([1, 4, 4, 1])
    with tf.GradientTape() as tape:
        tape.watch(dead)
        pooled = tf.reduce_sum(POOLINGS[name](dead))
    assert np.isfinite(tape.gradient(pooled, dead)).all()
    assert float(pooled) < 0.01


@pytest.mark.parametrize(("pad", "mode"), [(reflect, "reflect"), (replicate, "edge")])
def test_paddings(random, pad, mode):
    image = random.standard_normal((2, 4, 5, 3))
    expected = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)), mode)
    np.testing.assert_array_equal(pad(tf.constant(image)), expected)


def test_poolings_before_a_layer_halve_the_sides():
    factors = [positions_factor(f"block{block}_conv1") for block in range(1, 6)]
    assert factors == [1, 2, 4, 8, 16]
    assert positions_factor("block4_conv2_before_relu") == 8

"""Distances between two made-up layers, their gradients, and layers that are awkward."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from reference.finite_differences import central_gradient


def distance(statistic, generated: np.ndarray, style: np.ndarray) -> float:
    """Two layers [H, W, C] of any sizes -> their distance."""
    described = (statistic.describe(tf.constant(layer[np.newaxis])) for layer in (generated, style))
    return float(statistic.compare(*described))


def gradient(statistic, generated: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Two layers [H, W, C] -> derivative of their distance by the generated one, [H, W, C]."""
    target = statistic.describe(tf.constant(style[np.newaxis]))
    variable = tf.constant(generated[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(variable)
        loss = statistic.compare(statistic.describe(variable), target)
    return tape.gradient(loss, variable).numpy()[0]


def assert_derivative(statistic, generated: np.ndarray, style: np.ndarray) -> None:
    """The gradient is that of central differences; both layers in float64."""
    target = statistic.describe(tf.constant(style[np.newaxis]))

    def loss(at: np.ndarray) -> float:
        return float(statistic.compare(statistic.describe(tf.constant(at[np.newaxis])), target))

    slopes = central_gradient(loss, generated)
    assert np.abs(slopes).max() > 0
    # 1e-6 is what differences of step 1e-6 are good for
    np.testing.assert_allclose(
        gradient(statistic, generated, style), slopes, rtol=2e-6, atol=2e-7 * np.abs(slopes).max()
    )


def shuffled(random: np.random.Generator, layer: np.ndarray) -> np.ndarray:
    """The layer with its positions in another order."""
    return random.permutation(layer.reshape(-1, layer.shape[-1])).reshape(layer.shape)


def awkward(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Six channels after a ReLU: two alive, one dead, one constant, one a copy, one alive at one position."""
    alive = np.maximum(random.normal(20, 30, (height, width, 2)), 0)
    lonely = np.zeros((height, width, 1))
    lonely[0, 0] = 5
    dead = np.zeros((height, width, 1))
    return np.concatenate([alive, dead, dead + 300, alive[..., :1], lonely], -1)

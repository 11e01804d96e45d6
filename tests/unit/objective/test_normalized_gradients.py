"""neural-style's gradient normalisation: the force of each layer is its weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses import ContentLoss, StyleLoss, with_normalized_gradient
from nst_tf.objective import Objective, StyleImage
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.weights import load_weights


def test_the_gradient_has_the_norm_of_the_strength_and_its_old_direction() -> None:
    values = tf.Variable([1.0, -2.0, 3.0])
    with tf.GradientTape() as tape:
        loss = 1e6 * tf.reduce_sum(with_normalized_gradient(values, tf.constant(5.0)) ** 2)
    gradient = tape.gradient(loss, values).numpy()
    np.testing.assert_allclose(np.abs(gradient).sum(), 5, rtol=1e-5)
    np.testing.assert_allclose(gradient / gradient[0], [1, -2, 3], rtol=1e-5)
    assert float(loss) == pytest.approx(14e6)


def test_a_gradient_of_zero_stays_zero() -> None:
    values = tf.Variable([1.0])
    with tf.GradientTape() as tape:
        loss = 0 * tf.reduce_sum(with_normalized_gradient(values, tf.constant(5.0)))
    assert float(tape.gradient(loss, values)[0]) == 0


@pytest.mark.parametrize("term", ["content", "style"])
def test_the_loss_stays_and_the_force_of_a_layer_is_proportional_to_its_weight(term: str) -> None:
    extractor = FeatureExtractor(load_weights("vgg19", "random"), ["block1_conv2"])
    content, style, image = np.random.default_rng(0).uniform(size=(3, 32, 32, 3)).astype(np.float32)
    plain = {"content": ContentLoss, "style": StyleLoss}[term]({"block1_conv2": 1.0}, 1.0)

    def evaluated(loss) -> tuple[float, np.ndarray]:
        bound = Objective(extractor, **{term: loss}).bind(content, [StyleImage(style)])
        value, _, gradient = bound.value_and_gradient(tf.constant(image[np.newaxis]))
        return float(value), gradient.numpy()

    value, gradient = evaluated(plain)
    normalized_value, normalized = evaluated(replace(plain, normalize_gradients=True))
    _, thrice = evaluated(replace(plain, weight=3.0, normalize_gradients=True))
    assert normalized_value == value
    np.testing.assert_allclose(thrice, 3 * normalized, rtol=1e-4, atol=1e-5)  # of gradients up to 0.2
    direction = (gradient * normalized).sum() / np.linalg.norm(gradient) / np.linalg.norm(normalized)
    assert direction == pytest.approx(1, abs=1e-5)

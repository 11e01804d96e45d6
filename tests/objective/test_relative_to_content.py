"""A style loss in units of the distance between content and style."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from nst_tf.losses import StyleLoss
from nst_tf.objective import Objective, StyleImage
from nst_tf.statistics import Gram, SquaredError
from nst_tf.vgg.extractor import FeatureExtractor
from nst_tf.weights import load_weights

LAYERS = {"block1_conv1": 0.25, "block2_conv1": 0.75}


def bound(factor: float, content: np.ndarray, styles: list[StyleImage]):
    extractor = FeatureExtractor(load_weights("vgg19", "random"), LAYERS)
    statistic = Gram(1, 1, SquaredError("mean", factor))
    style = StyleLoss(LAYERS, 3.0, statistic, relative_to_content=True)
    return Objective(extractor, style=style).bind(content, styles)


def test_it_begins_at_the_weight_whatever_the_unit_of_the_statistic() -> None:
    random = np.random.default_rng(0)
    content, one, other = random.uniform(size=(3, 32, 32, 3)).astype(np.float32)
    styles = [StyleImage(one, 2.0), StyleImage(other**3, 1.0)]
    for factor in (1.0, 1e6):
        loss, parts, _ = bound(factor, content, styles).value_and_gradient(tf.constant(content[np.newaxis]))
        np.testing.assert_allclose(loss, 3.0, rtol=1e-5)
        np.testing.assert_allclose(parts, [0.75, 2.25], rtol=1e-5)


def test_a_content_that_is_its_own_style_has_loss_zero() -> None:
    content = np.random.default_rng(1).uniform(size=(32, 32, 3)).astype(np.float32)
    loss, _, gradient = bound(1.0, content, [StyleImage(content)]).value_and_gradient(
        tf.constant(content[np.newaxis])
    )
    assert float(loss) == 0
    assert np.isfinite(gradient).all()

"""An objective that sees a grey or other colors of the image: its value, and its gradient by the image."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.evaluation import WholePicture
from nst_tf.objective.tiles import Tiles
from nst_tf.statistics import Gram, SquaredError
from nst_tf.vgg.recompute import read_recomputing

EVALUATIONS = [WholePicture(), WholePicture(read_recomputing), Tiles(16)]


@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=["plain", "recompute", "tiles"])
def test_value_and_gradient(evaluation, small_extractor, random: np.random.Generator) -> None:
    content, style, image = (random.uniform(0, 1, (24, 20, 3)).astype(np.float32) for _ in range(3))
    base, span = random.uniform(0, 0.4, (24, 20, 1)), random.uniform(0, 0.6, (24, 20, 1))
    terms = (
        ContentLoss({"block2_conv2": 1.0}, 1.0, SquaredError()),
        StyleLoss({"block1_conv1": 1.0, "block2_conv1": 1.0}, 1.0, Gram(), relative_to_content=True),
        TotalVariation(0.01),
    )
    objective = Objective(small_extractor, *terms, evaluation=evaluation)
    plain = objective.bind(content, [StyleImage(style)])
    bound = objective.bind(content, [StyleImage(style)], (base, span))
    seen = np.repeat(base + span * image.mean(-1, keepdims=True), 3, axis=-1).astype(np.float32)
    loss, parts, gradient = plain.value_and_gradient(tf.constant(seen[np.newaxis]))
    found_loss, found_parts, found = bound.value_and_gradient(tf.constant(image[np.newaxis]))
    np.testing.assert_allclose(found_parts, parts, rtol=1e-5)
    assert float(found_loss) == pytest.approx(float(loss), rel=1e-5)
    # the chain rule by hand: each of an image's channels moves all three that are seen, by span / 3
    expected = np.repeat(span * gradient.numpy()[0].sum(-1, keepdims=True) / 3, 3, axis=-1)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())
    again = objective.weighted_parts(tf.constant(image[np.newaxis]), bound.targets, bound.weights)
    np.testing.assert_allclose(again, parts, rtol=1e-4)
    direct = bound.seeing_all
    assert direct.compile_key == bound.compile_key != plain.compile_key
    of_grey = objective.weighted_parts(tf.constant(seen[np.newaxis]), direct.targets, direct.weights)
    np.testing.assert_allclose(of_grey, parts, rtol=1e-4)


@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=["plain", "recompute", "tiles"])
def test_other_colors(evaluation, small_extractor, random: np.random.Generator) -> None:
    content, style, image = (random.uniform(0, 1, (24, 20, 3)).astype(np.float32) for _ in range(3))
    base, matrix = random.uniform(0, 0.4, (1, 1, 3)), random.uniform(0, 0.2, (3, 3))
    terms = (
        ContentLoss({"block2_conv2": 1.0}, 1.0, SquaredError()),
        StyleLoss({"block1_conv1": 1.0}, 1.0, Gram(), relative_to_content=True),
        TotalVariation(0.01),
    )
    objective = Objective(small_extractor, *terms, evaluation=evaluation)
    plain = objective.bind(content, [StyleImage(style)])
    bound = objective.bind(content, [StyleImage(style)], (base, matrix))
    seen = (base + np.einsum("hwi,ic->hwc", image, matrix)).astype(np.float32)
    loss, parts, gradient = plain.value_and_gradient(tf.constant(seen[np.newaxis]))
    found_loss, found_parts, found = bound.value_and_gradient(tf.constant(image[np.newaxis]))
    np.testing.assert_allclose(found_parts, parts, rtol=1e-5)
    assert float(found_loss) == pytest.approx(float(loss), rel=1e-5)
    expected = np.einsum("hwc,ic->hwi", gradient.numpy()[0], matrix)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())
    direct = bound.seeing_all
    assert direct.compile_key == bound.compile_key != plain.compile_key
    of_colors = objective.weighted_parts(tf.constant(seen[np.newaxis]), direct.targets, direct.weights)
    np.testing.assert_allclose(of_colors, parts, rtol=1e-4)

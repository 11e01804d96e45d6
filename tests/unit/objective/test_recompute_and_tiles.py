"""Recomputed and tiled: the value and the gradient of the whole picture, whatever the objective."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.evaluation import Evaluation, WholePicture
from nst_tf.objective.tiles import Tiles, tiles_of
from nst_tf.statistics import (
    AbsoluteError,
    BatchNormalizationStatistics,
    ChannelMeans,
    Contextual,
    Correlation,
    Covariance,
    GaussianWasserstein,
    Gram,
    HistogramMatching,
    MaximumMeanDiscrepancy,
    NearestPatches,
    PolynomialKernel,
    RelativeSquaredError,
    SquaredError,
)
from nst_tf.vgg import recompute
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.recompute import read_recomputing

RECOMPUTE = WholePicture(read_recomputing)
SHALLOW = ("block1_conv1", "block2_conv1_before_relu"), "block2_conv2", 16
SUMMABLE = [
    Gram(),
    Covariance(),
    Correlation(),
    ChannelMeans(),
    BatchNormalizationStatistics(),
    GaussianWasserstein(),
    MaximumMeanDiscrepancy(PolynomialKernel(2, 0.5)),
]
# float32 sums of products in another order: measured 3e-7 for shallow layers, 2e-6 for block5_conv1
_FLOAT32 = 5e-6


@pytest.fixture(autouse=True)
def bands_of_a_few_rows(monkeypatch):
    """Of 16 rows of block1 in a picture 83 wide, where a real picture has hundreds."""
    monkeypatch.setattr(recompute, "BAND_BYTES", 4 * 83 * 64 * 16)


def evaluated(evaluation: Evaluation, extractor, terms, pictures) -> tuple[float, np.ndarray, np.ndarray]:
    content, style, image = pictures
    bound = Objective(extractor, *terms, evaluation=evaluation).bind(content, [StyleImage(style)])
    function = bound.value_and_gradient
    if not evaluation.on_host:
        function = tf.function(function, autograph=False)
    loss, parts, gradient = function(tf.constant(image[np.newaxis]))
    again = bound.objective.weighted_parts(tf.constant(image[np.newaxis]), bound.targets, bound.weights)
    np.testing.assert_allclose(again, parts, rtol=1e-4)
    return float(loss), parts.numpy(), gradient.numpy()


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def terms_of(layers, content, statistic, distance=None) -> tuple:
    style = StyleLoss(dict.fromkeys(layers, 1.0), 1.0, statistic, relative_to_content=True)
    return ContentLoss({content: 1.0}, 1e-4, distance or SquaredError()), style, TotalVariation(0.01)


def pictures_of(random, height: int, width: int) -> list[np.ndarray]:
    """Content, style and image, of different contrast: a distance near 0 would be all rounding."""
    shapes = (height, width), (height - 31, width + 2), (height, width)
    return [
        (random.uniform(0, 1, (*shape, 3)) ** power).astype(np.float32)
        for shape, power in zip(shapes, (2, 4, 1), strict=True)
    ]


def assert_exact(extractor, terms, random, shape: tuple[int, int], tile_size: int) -> None:
    pictures = pictures_of(random, *shape)
    loss, _, gradient = evaluated(WholePicture(), extractor, terms, pictures)
    for evaluation in (RECOMPUTE, Tiles(tile_size)):
        found_loss, _, found = evaluated(evaluation, extractor, terms, pictures)
        assert found_loss == pytest.approx(loss, rel=1e-5)
        assert apart(found, gradient) < _FLOAT32


@pytest.fixture(scope="module")
def shallow(random_weights) -> FeatureExtractor:
    layers, content, _ = SHALLOW
    return FeatureExtractor(random_weights, [*layers, content])


@pytest.mark.parametrize(
    "statistic",
    [
        pytest.param(one, marks=() if isinstance(one, (Gram, GaussianWasserstein)) else pytest.mark.slow)
        for one in SUMMABLE
    ],
    ids=lambda one: type(one).__name__,
)
def test_shallow_layers_with_many_pieces(random, shallow, statistic):
    layers, content, _ = SHALLOW
    # 4 x 6 tiles, the last ones narrower, and no side a multiple of anything
    assert len(tiles_of(61, 83, 16, shallow)) == 4 * 6
    pictures = pictures_of(random, 61, 83)
    terms = terms_of(layers, content, statistic)
    loss, parts, gradient = evaluated(WholePicture(), shallow, terms, pictures)
    for evaluation in (RECOMPUTE, Tiles(16)):
        found_loss, found_parts, found_gradient = evaluated(evaluation, shallow, terms, pictures)
        assert found_loss == pytest.approx(loss, rel=1e-5)
        np.testing.assert_allclose(found_parts, parts, rtol=1e-4)
        assert apart(found_gradient, gradient) < _FLOAT32


@pytest.mark.parametrize(("padding", "pooling"), [("reflect", "max"), ("replicate", "l2")])
def test_other_paddings_and_poolings(random, random_weights, padding, pooling):
    extractor = FeatureExtractor(
        random_weights, ["block2_conv2", "block3_conv1"], padding=padding, pooling=pooling
    )
    assert_exact(extractor, terms_of(["block3_conv1"], "block2_conv2", Gram()), random, (61, 83), 32)


def test_bfloat16_to_its_rounding(random, random_weights):
    layers, content, _ = SHALLOW
    extractor = FeatureExtractor(random_weights, [*layers, content], precision="bfloat16")
    pictures, terms = pictures_of(random, 61, 83), terms_of(layers, content, Covariance())
    loss, _, gradient = evaluated(WholePicture(), extractor, terms, pictures)
    for evaluation in (RECOMPUTE, Tiles(16)):
        found_loss, _, found = evaluated(evaluation, extractor, terms, pictures)
        assert found_loss == pytest.approx(loss, rel=1e-4)
        assert apart(found, gradient) < 2**-7  # one step of bfloat16; its relative rounding is half of that


@pytest.mark.parametrize(
    "distance", [AbsoluteError("sum"), RelativeSquaredError(), SquaredError("half_sum_over_root_size")]
)
def test_every_distance_of_the_content(random, shallow, distance):
    layers, content, size = SHALLOW
    terms = terms_of(layers, content, Gram(), distance)[0], None, None
    assert_exact(shallow, terms, random, (61, 83), size)


@pytest.mark.parametrize(
    ("statistic", "normalize"),
    [(HistogramMatching(), False), (NearestPatches(), False), (Contextual(), False), (Gram(), True)],
)
def test_what_needs_whole_layers_is_recomputed(random, shallow, statistic, normalize):
    layers, content, _ = SHALLOW
    pictures = pictures_of(random, 61, 83)
    terms = tuple(
        dataclasses.replace(term, normalize_gradients=normalize)
        for term in terms_of(layers, content, statistic)[:2]
    )
    loss, _, gradient = evaluated(WholePicture(), shallow, terms, pictures)
    found_loss, _, found = evaluated(RECOMPUTE, shallow, terms, pictures)
    assert found_loss == pytest.approx(loss, rel=1e-5)
    assert apart(found, gradient) < _FLOAT32


def test_smoothness_alone_needs_no_network(random):
    image = random.uniform(0, 1, (1, 40, 50, 3)).astype(np.float32)
    expected, found = (
        Objective(None, None, None, TotalVariation(0.5), evaluation=one).bind(image[0], [])
        for one in (WholePicture(), Tiles(16))
    )
    for one, other in zip(
        found.value_and_gradient(tf.constant(image)),
        expected.value_and_gradient(tf.constant(image)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("statistic", SUMMABLE, ids=lambda one: type(one).__name__)
def test_sums_of_pieces_are_those_of_the_whole(random, statistic):
    # a mean a thousand times the deviation: E[f^2] - mu^2 in float32 would have no digit of the variance
    activations = tf.constant(random.normal(1000, 1, (1, 12, 9, 4)), tf.float32)
    pieces = [statistic.sums(activations[:, first : first + 5]) for first in (0, 5, 10)]
    total = tf.nest.map_structure(lambda *some: tf.add_n(some), *pieces)
    whole = statistic.describe(tf.cast(activations, tf.float64))
    for one, other in zip(tf.nest.flatten(statistic.described(total)), tf.nest.flatten(whole), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)

"""model.padding=circular: the picture is a torus, on which no place is a border."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.init import enlarged
from nst_tf.losses import ContentLoss, NinePointTotalVariation, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.evaluation import WholePicture
from nst_tf.optim.lbfgs import over_octaves
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.recompute import read_recomputing

STYLE = {"block1_conv1": 0.4, "block2_conv1": 0.3, "block3_conv1": 0.3}
SHAPE = (32, 48, 3)
STRIDE = 4  # of block3


@pytest.fixture(scope="module")
def torus(random_weights) -> FeatureExtractor:
    return FeatureExtractor(random_weights, STYLE, padding="circular")


@pytest.fixture(scope="module")
def zeros(random_weights) -> FeatureExtractor:
    return FeatureExtractor(random_weights, STYLE)


@pytest.fixture(scope="module")
def style() -> StyleImage:
    return StyleImage(np.random.default_rng(2).uniform(size=(40, 36, 3)).astype(np.float32))


def bound(extractor, style, smoothness, read=None):
    evaluation = WholePicture(read) if read else None
    objective = Objective(extractor, None, StyleLoss(STYLE), smoothness, evaluation=evaluation)
    return objective.bind(np.zeros(SHAPE, np.float32), [style])


def image(random: np.random.Generator) -> np.ndarray:
    return random.uniform(size=(1, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize(
    "smoothness",
    [
        TotalVariation(weight=0.1, circular=True),
        TotalVariation(weight=0.1, power=2.5, coupled=True, reduction="mean", circular=True),
        NinePointTotalVariation(weight=10, circular=True),
    ],
    ids=["squared", "coupled", "nine_point"],
)
def test_rolling_changes_no_loss_and_rolls_the_gradient(torus, style, smoothness, random):
    objective, pixels = bound(torus, style, smoothness), image(random)
    loss, parts, gradient = objective.value_and_gradient(tf.constant(pixels))
    for shift in ((STRIDE, 0), (0, -3 * STRIDE), (5 * STRIDE, 2 * STRIDE)):
        rolled = np.roll(pixels, shift, (1, 2))
        rolled_loss, rolled_parts, rolled_gradient = objective.value_and_gradient(tf.constant(rolled))
        # sums in float32, in another order
        assert float(rolled_loss) == pytest.approx(float(loss), rel=1e-5)
        np.testing.assert_allclose(rolled_parts, parts, rtol=1e-5)
        expected = np.roll(gradient, shift, (1, 2))
        np.testing.assert_allclose(rolled_gradient, expected, atol=1e-4 * np.abs(expected).max())


def test_with_vgg_s_own_padding_rolling_does_matter(zeros, style, random):
    """Or the test before would say nothing."""
    objective, pixels = bound(zeros, style, TotalVariation(weight=0.1)), image(random)
    loss = float(objective.value_and_gradient(tf.constant(pixels))[0])
    rolled = np.roll(pixels, (2 * STRIDE, STRIDE), (1, 2))
    assert abs(float(objective.value_and_gradient(tf.constant(rolled))[0]) / loss - 1) > 1e-4


def test_activations_are_those_of_the_middle_of_copies_side_by_side(torus, zeros, random):
    pixels = image(random)
    tiled = zeros(tf.constant(np.tile(pixels, (1, 3, 3, 1))))
    for name, found in torus(tf.constant(pixels)).items():
        _, height, width, _ = found.shape
        expected = tiled[name][:, height : 2 * height, width : 2 * width]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_recomputing_is_exact(torus, style, random):
    pixels = tf.constant(image(random))
    smoothness = TotalVariation(weight=0.1, circular=True)
    whole = bound(torus, style, smoothness).value_and_gradient(pixels)
    again = bound(torus, style, smoothness, read_recomputing).value_and_gradient(pixels)
    assert float(again[0]) == pytest.approx(float(whole[0]), rel=1e-5)
    np.testing.assert_allclose(again[2], whole[2], atol=1e-4 * np.abs(whole[2]).max())
    objective = Objective(torus, ContentLoss({"block3_conv1": 1.0}), StyleLoss(STYLE))
    assert objective.extractor is torus


def test_a_style_is_no_torus(torus, random_weights, style):
    """Its statistics are those of a network that repeats its borders, with the same weights."""
    repeating = FeatureExtractor(random_weights, STYLE, padding="replicate")
    for layer, found in bound(torus, style, None).targets["style"].items():
        np.testing.assert_allclose(
            found[0], bound(repeating, style, None).targets["style"][layer][0], rtol=1e-5
        )


def test_the_metric_of_the_torus_is_symmetric_and_rolls(random):
    one, other = (random.standard_normal((1, 32, 64, 3)).astype(np.float32) for _ in range(2))
    metric = partial(over_octaves, octaves=5, circular=True)
    first, second = metric(tf.constant(one)).numpy(), metric(tf.constant(other)).numpy()
    assert np.vdot(first, other) == pytest.approx(np.vdot(one, second), rel=1e-4)
    rolled = metric(tf.constant(np.roll(one, (32, -32), (1, 2))))
    np.testing.assert_allclose(rolled, np.roll(first, (32, -32), (1, 2)), atol=1e-5)
    # far from borders it is that of the plane
    inside = np.zeros_like(one)
    inside[:, 14:18, 30:34] = one[:, 14:18, 30:34]
    np.testing.assert_allclose(
        over_octaves(tf.constant(inside), 3, circular=True), over_octaves(tf.constant(inside), 3), atol=1e-5
    )
    # sides that 2^3 does not divide have no third octave on a torus
    odd = tf.constant(random.standard_normal((1, 12, 20, 3)), tf.float32)
    np.testing.assert_array_equal(over_octaves(odd, 3, circular=True), over_octaves(odd, 2, circular=True))


@pytest.mark.parametrize("shape", [(64, 96), (48, 80), (37, 51)])
def test_enlarging_a_torus_is_that_of_copies_side_by_side(shape, random):
    pixels = image(random)[0]
    expected = tf.image.resize(np.tile(pixels, (3, 3, 1)), (3 * shape[0], 3 * shape[1]), "bicubic").numpy()
    expected = np.clip(expected[shape[0] : -shape[0], shape[1] : -shape[1]], pixels.min(), pixels.max())
    np.testing.assert_allclose(enlarged(pixels, *shape, circular=True), expected, atol=1e-5)


@pytest.mark.parametrize("smoothness", [TotalVariation, NinePointTotalVariation])
def test_a_jump_at_the_seam_is_as_a_jump_inside(smoothness, random):
    """Half black, half white: on a torus both edges count, in the open one of them."""
    halves = np.zeros((1, 16, 16, 3), np.float32)
    halves[:, :, 8:] = 1
    edge = 1 * 16 * 3 if smoothness is TotalVariation else None  # sum of dx^2 over one edge
    on_torus, in_the_open = float(smoothness(circular=True)(halves)), float(smoothness()(halves))
    if edge:
        assert (in_the_open, on_torus) == (edge, 2 * edge)
    else:  # 2 (dx^2 / 3 + both diagonals' / 12): a share of 2 / 16 of the pixels is at an edge
        assert on_torus == pytest.approx(2 * (1 / 3 + 2 / 12) * 2 / 16)

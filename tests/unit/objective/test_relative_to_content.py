"""A style loss in units of the distance between content and style."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hydra.utils import instantiate
from omegaconf import OmegaConf

from nst_tf.guidance import Regions
from nst_tf.losses import StyleLoss
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.evaluation import KnownPictures, WholePicture
from nst_tf.objective.style_targets import PictureReader, unit_of
from nst_tf.statistics import Gram, SquaredError, Statistic
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.weights import load_weights

LAYERS = {"block1_conv1": 0.25, "block2_conv1": 0.75}
OPTIONS = Path(__file__).parents[3] / "conf" / "objective" / "style"
# the palette is of pixels alone
NAMES = sorted(option.stem for option in OPTIONS.glob("*.yaml") if option.stem != "palette")
# they see other positions of the image than of the style, or the style turned as well
NEVER_EQUAL = ("hypercolumn_moments", "nearest_features", "relaxed_transport")


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    return FeatureExtractor(load_weights("vgg19", "random"), LAYERS)


def statistic_of(name: str) -> Statistic:
    """That of ``objective/style=NAME``."""
    return instantiate(OmegaConf.load(OPTIONS / f"{name}.yaml").statistic)


def style_alone(extractor: FeatureExtractor, statistic: Statistic) -> Objective:
    return Objective(extractor, style=StyleLoss(LAYERS, 3.0, statistic, relative_to_content=True))


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


@pytest.mark.parametrize("name", NAMES)
def test_a_content_that_is_its_own_style_has_a_loss_that_can_be_optimized(extractor, name) -> None:
    random = np.random.default_rng(1)
    content = random.uniform(size=(32, 40, 3)).astype(np.float32)
    noise = random.normal(0.5, 0.1, content.shape).astype(np.float32)
    rounding = (content + random.uniform(-1e-7, 1e-7, content.shape)).astype(np.float32)
    for style in (content, rounding):
        found = style_alone(extractor, statistic_of(name)).bind(content, [StyleImage(style)])
        least_there_is = 1.0 if name in NEVER_EQUAL else 1e-3
        for image, least, most in ((content, 0.0, least_there_is), (noise, 1e-4, 1e3)):
            loss, parts, gradient = found.value_and_gradient(tf.constant(image[np.newaxis]))
            assert least <= loss <= most
            assert (parts.numpy() >= 0).all()
            assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0  # of the noise


@pytest.mark.parametrize("name", ["covariance", "wasserstein"])
def test_a_flat_picture_that_is_its_own_style_has_one_too(name) -> None:
    """Without borders, nothing varies in it: what is left of its covariance is rounding."""
    extractor = FeatureExtractor(load_weights("vgg19", "random"), LAYERS, padding="circular")
    flat = np.full((32, 32, 3), 0.5, np.float32)
    noise = np.random.default_rng(2).normal(0.5, 0.1, flat.shape).astype(np.float32)
    found = style_alone(extractor, statistic_of(name)).bind(flat, [StyleImage(flat)])
    for image in (flat, noise):
        loss, _, gradient = found.value_and_gradient(tf.constant(image[np.newaxis]))
        assert 0 <= loss < 1e15
        assert np.isfinite(gradient).all()


def test_of_two_styles_the_one_that_is_the_content_counts_no_more_than_the_other(extractor) -> None:
    content, other = np.random.default_rng(3).uniform(size=(2, 32, 32, 3)).astype(np.float32)
    styles = [StyleImage(content), StyleImage(other**3)]
    found = style_alone(extractor, statistic_of("wasserstein")).bind(content, styles)
    for (shares,) in found.targets["style_shares"].values():
        own, others = shares.numpy()
        assert 0.01 < own / others < 10


def test_each_region_has_a_unit_of_its_own(extractor) -> None:
    """Left, the style's region is the content's; right, another picture: there it begins at its share."""
    content, other = np.random.default_rng(4).uniform(size=(2, 32, 64, 3)).astype(np.float32)
    style = np.concatenate([content[:, :32], other[:, 32:] ** 3], 1)
    mask = np.zeros((32, 64, 2), np.float32)
    mask[:, :20, 0] = mask[:, 32:, 1] = 1  # with room between, for what the network sees around a position
    regions = Regions(("left", "right"), mask, (mask,), ((0,), (0,)), (0.5, 0.5))
    found = style_alone(extractor, statistic_of("wasserstein")).bind(
        content, [StyleImage(style)], regions=regions
    )
    loss, _, gradient = found.value_and_gradient(tf.constant(content[np.newaxis]))
    np.testing.assert_allclose(loss, 1.5, rtol=0.02)  # half of 3, and next to nothing on the left
    assert np.isfinite(gradient).all()


class Known:
    """A statistic that is the mean of a layer, with the distance that is asked for; not a dataclass."""

    def describe(self, activations: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.abs(activations))

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        return tf.abs(generated - style)


def test_the_unit_is_the_distance_bit_for_bit_unless_that_is_next_to_nothing(extractor) -> None:
    reader, strength = PictureReader(extractor, WholePicture(), KnownPictures()), 80.0
    style = tf.constant(strength)

    def unit(distance: float) -> float:
        return unit_of(Known(), tf.constant(strength + float(distance)), style, "block1_conv1", reader)

    for distance in (0.125, 1.0, 4096.0):  # from 1/640 of the strength
        assert unit(distance) == distance
    assert unit(0.0) == strength
    assert unit(0.04) == pytest.approx(strength / 2, rel=2e-3)  # half way to a thousandth
    fallen = [unit(distance) for distance in np.linspace(0, 0.0799, 9)]
    assert fallen == sorted(fallen, reverse=True)

"""Starting images: their distributions, their blends, and that a seed repeats them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from omegaconf import OmegaConf
from PIL import Image

from nst_tf.config.schema import CONF_FOLDER
from nst_tf.errors import InputError
from nst_tf.init import ContentStart, MeanColorStart, NoiseStart, StyleStart
from nst_tf.losses import StyleLoss
from nst_tf.objective import Objective, StyleImage
from nst_tf.vgg.network import FeatureExtractor

SHAPE = (60, 80, 3)


@pytest.fixture
def content(random) -> np.ndarray:
    return random.uniform(0, 1, SHAPE).astype(np.float32)


@pytest.fixture
def style(random) -> np.ndarray:
    """Smooth, of another size and aspect."""
    coarse = Image.fromarray(random.integers(0, 256, (5, 4, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((50, 90), Image.Resampling.BICUBIC), np.float32) / 255


def generator(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    "start", [NoiseStart(), NoiseStart(uniform=True), ContentStart(0.4), StyleStart(0.4)]
)
def test_a_seed_repeats_the_start_and_another_does_not(start, content, style):
    first, again, other = (start(content, [style], generator(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01
    assert first.shape == SHAPE
    assert first.dtype == np.float32


def test_normal_noise_has_the_mean_color_and_deviation_asked_for(content):
    noise = NoiseStart(deviation=0.1)(content, [], generator())
    # zero in the pixels that the network takes: the mean of ImageNet
    mean = 255 * noise.mean((0, 1))
    assert np.abs(keras.applications.vgg19.preprocess_input(mean[np.newaxis])).max() < 2
    # 4800 values a channel: the mean is known to 0.1 / sqrt(4800) = 0.0014, the deviation to 0.001
    np.testing.assert_allclose(noise.std((0, 1)), 0.1, atol=0.005)
    assert np.mean(np.abs(noise - noise.mean((0, 1))) < 0.1) == pytest.approx(0.683, abs=0.02)  # one sigma


def test_uniform_noise_around_a_number(content):
    noise = NoiseStart(center=0.5, deviation=0.2, uniform=True)(content, [], generator())
    assert noise.min() >= 0.3
    assert noise.max() <= 0.7
    assert noise.mean() == pytest.approx(0.5, abs=0.005)
    assert noise.std() == pytest.approx(0.2 / 3**0.5, abs=0.003)
    np.testing.assert_allclose(np.histogram(noise, 4, (0.3, 0.7))[0] / noise.size, 0.25, atol=0.02)


def test_noise_without_deviation_is_flat_and_not_clipped(content):
    np.testing.assert_array_equal(
        NoiseStart(center=-2, deviation=0)(content, [], generator()), np.full(SHAPE, -2)
    )
    assert NoiseStart(center=0.5, deviation=1)(content, [], generator()).min() < 0


def test_the_noise_does_not_look_at_the_pictures(content, style):
    first = NoiseStart()(content, [style], generator())
    np.testing.assert_array_equal(first, NoiseStart()(np.zeros(SHAPE), [], generator()))


def test_the_content_start_is_the_content(content):
    np.testing.assert_array_equal(ContentStart()(content, [], generator()), content)


def test_dither_touches_nothing_but_what_is_flat(content):
    content[:, :30] = 0.5
    content[40:, :30] = 1.0
    found = ContentStart(dither=0.001)(content, [], generator())
    np.testing.assert_array_equal(found[:, 30:], content[:, 30:])
    changed = np.abs(found - content)[:40, :29]
    assert 0.0009 < changed.max() <= 0.001
    assert (changed > 0).mean() > 0.99
    assert found.max() <= 1


def test_the_dither_of_the_default_is_not_seen_in_a_picture_of_8_bits(content):
    levels = np.round(content * 255) / 255
    levels[:, :30] = 100 / 255
    dither = OmegaConf.load(CONF_FOLDER / "init" / "content.yaml").dither
    found = ContentStart(dither=dither)(levels, [], generator())
    assert (found != levels).any()
    np.testing.assert_array_equal(np.round(found * 255), np.round(levels * 255))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_dither_keeps_the_gradient_from_a_grid(random_weights, precision):
    """At a flat picture, max pooling gives its gradient to the first of four."""
    extractor = FeatureExtractor(random_weights, ("block2_conv1",), precision=precision)
    flat = np.full((64, 64, 3), 0.5, np.float32)
    style = np.random.default_rng(1).uniform(size=flat.shape).astype(np.float32)
    bound = Objective(extractor, style=StyleLoss({"block2_conv1": 1.0})).bind(flat, [StyleImage(style)])

    def on_the_grid(start) -> float:
        """The share of what varies inside of the gradient that repeats every 2 pixels: of 1024 terms 3."""
        image = start(flat, [], generator())
        gradient = bound.value_and_gradient(tf.constant(image[np.newaxis]))[2].numpy()[0, 16:-16, 16:-16, 0]
        energy = np.abs(np.fft.fft2(gradient - gradient.mean())) ** 2
        return energy[::16, ::16].sum() / energy.sum()

    assert on_the_grid(ContentStart()) > 0.5
    assert on_the_grid(ContentStart(dither=0.0019)) < 0.05


def test_blends_are_a_share_of_uniform_noise(content):
    blended = ContentStart(0.25)(content, [], generator())
    white = (blended - 0.75 * content) / 0.25
    assert white.min() >= -1e-5
    assert white.max() <= 1 + 1e-5
    assert white.mean() == pytest.approx(0.5, abs=0.01)
    assert white.std() == pytest.approx(12**-0.5, abs=0.01)
    assert np.corrcoef(white.ravel(), content.ravel())[0, 1] == pytest.approx(0, abs=0.05)
    alone = ContentStart(1.0)(content, [], generator())
    np.testing.assert_array_equal(alone, ContentStart(1.0)(np.zeros(SHAPE), [], generator()))


def test_the_style_start_is_the_first_style_stretched(content, style):
    found = StyleStart()(content, [style, np.zeros((20, 20, 3), np.float32)], generator())
    expected = np.stack(
        [
            np.asarray(Image.fromarray(style[..., channel]).resize((80, 60), Image.Resampling.BICUBIC))
            for channel in range(3)
        ],
        -1,
    )
    # the same cubic (a = -1/2) widened with the reduction, in two programs
    np.testing.assert_allclose(found, np.clip(expected, 0, 1), atol=1e-3)


def test_a_style_of_the_same_size_is_the_start_itself(content, random):
    style = random.uniform(0, 1, SHAPE).astype(np.float32)
    np.testing.assert_allclose(StyleStart()(content, [style], generator()), style, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (NoiseStart, {"center": "grey"}, "'mean'.*'grey'"),
        (NoiseStart, {"deviation": -0.1}, r"deviation.*at least 0.*-0\.1"),
        (NoiseStart, {"deviation": float("nan")}, "deviation.*nan"),
        (ContentStart, {"noise": 1.1}, r"noise.*between 0 and 1.*1\.1"),
        (StyleStart, {"noise": -0.5}, r"noise.*between 0 and 1.*-0\.5"),
        (ContentStart, {"noise": float("nan")}, "noise.*nan"),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(kind, wrong, said):
    with pytest.raises(InputError, match=said):
        kind(**wrong)


def test_the_finest_band_of_the_content_on_the_mean_color_of_the_style(random):
    style = np.full((6, 8, 3), (0.2, 0.4, 0.6), np.float32)
    flat = np.full((12, 10, 3), 0.7, np.float32)
    np.testing.assert_allclose(
        MeanColorStart()(flat, [style], random), np.full((12, 10, 3), (0.2, 0.4, 0.6)), atol=1e-6
    )
    checks = np.indices((12, 10)).sum(axis=0)[..., np.newaxis] % 2 * np.ones(3, np.float32)
    # halved, a checkerboard is grey: all of it is in the finest band
    expected = checks - 0.5 + np.array([0.2, 0.4, 0.6])
    np.testing.assert_allclose(
        MeanColorStart()(checks.astype(np.float32), [style], random), expected, atol=1e-6
    )

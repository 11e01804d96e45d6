"""Nine-point total variation against closed forms and a transcription of its source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hydra.utils import instantiate
from omegaconf import OmegaConf
from reference.finite_differences import central_gradient
from reference.numpy_objectives import coupled_total_variation

from nst_tf.errors import InputError
from nst_tf.losses import NinePointTotalVariation

OPTIONS = Path(__file__).parents[3] / "conf" / "objective" / "smoothness"


def value(image: np.ndarray) -> float:
    """Image [H, W, 3] -> its total variation."""
    return float(NinePointTotalVariation()(tf.constant(image[np.newaxis])))


def transcribed(image: np.ndarray) -> float:
    """TVLoss of crowsonkb/style-transfer-pytorch, its slices on the axes [H, W]."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), "edge")
    s1, s2, s3, s4 = slice(1, -1), slice(2, None), slice(None, -1), slice(1, None)
    d1 = ((padded[s1, s2] - padded[s1, s1]) ** 2).mean() / 3
    d2 = ((padded[s2, s1] - padded[s1, s1]) ** 2).mean() / 3
    d3 = ((padded[s4, s4] - padded[s3, s3]) ** 2).mean() / 12
    d4 = ((padded[s4, s3] - padded[s3, s4]) ** 2).mean() / 12
    return 2 * (d1 + d2 + d3 + d4)


@pytest.mark.parametrize("size", [(6, 7), (1, 1), (1, 5), (8, 2)])
def test_it_is_its_source(random, size):
    image = random.uniform(0, 1, (*size, 3))
    assert value(image) == pytest.approx(transcribed(image), rel=1e-12, abs=1e-15)


def test_a_ramp_by_hand():
    # rises by 0.1 a column, 7 x 10 pixels: 9 of 10 dx are 0.1, all dy are 0; of the 8 x 11 differences on
    # each diagonal, those of 9 columns are 0.1
    ramp = np.tile(np.arange(10.0)[np.newaxis, :, np.newaxis] / 10, (7, 1, 3))
    assert value(ramp) == pytest.approx(2 * 0.01 * (9 / 10 / 3 + 2 * 9 / 11 / 12))
    assert value(ramp.transpose(1, 0, 2)) == pytest.approx(value(ramp))


def test_a_flat_picture_has_none():
    assert value(np.full((5, 5, 3), 0.3)) == 0


def test_turned_and_mirrored_pictures_have_the_same(random):
    image = random.uniform(0, 1, (6, 7, 3))
    expected = value(image)
    for turned in (image[::-1], image[:, ::-1], image.transpose(1, 0, 2)):
        assert value(turned) == pytest.approx(expected, rel=1e-12)


def test_the_gradient_is_a_nine_point_laplace_operator():
    # of a point of height 1 in a picture so large that H W and (H + 1) (W + 1) are nearly the same
    point = np.zeros((1, 61, 61, 1))
    point[0, 30, 30] = 1
    variable = tf.constant(point)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        loss = NinePointTotalVariation()(variable)
    stencil = tape.gradient(loss, variable).numpy()[0, 29:32, 29:32, 0] * 61 * 61
    np.testing.assert_allclose(stencil, -np.array([[1, 4, 1], [4, -20, 4], [1, 4, 1]]) / 3, rtol=0.04)


def test_derivatives(random):
    image = random.uniform(0, 1, (1, 4, 3, 3))
    variable = tf.constant(image)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        loss = NinePointTotalVariation()(variable)
    slopes = central_gradient(lambda at: value(at[0]), image)
    np.testing.assert_allclose(tape.gradient(loss, variable), slopes, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_wrong_weight_is_refused(weight):
    with pytest.raises(InputError, match=f"smoothness.*{weight}"):
        NinePointTotalVariation(weight)


def test_the_options_of_smoothness_are_off_until_they_get_a_weight(random):
    image = random.uniform(0, 1, (6, 7, 3))
    for name, expected in (
        ("nine_point", transcribed(image)),
        ("power_1_25", coupled_total_variation(255 * image, 1.25)),
    ):
        term = instantiate(OmegaConf.load(OPTIONS / f"{name}.yaml"))
        assert term.weight == 0
        assert float(term(tf.constant(image[np.newaxis]))) == pytest.approx(expected, rel=1e-9)

"""Total variation against closed forms, plain sums and central differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_gradient
from reference.numpy_objectives import coupled_total_variation, total_variation

from nst_tf.errors import InputError
from nst_tf.losses import TotalVariation


def checkerboard(height: int, width: int) -> np.ndarray:
    """Black and white squares of one pixel, [1, H, W, 3]: every neighbour differs by exactly 1."""
    board = np.indices((height, width)).sum(0) % 2
    return np.repeat(board[np.newaxis, :, :, np.newaxis], 3, 3).astype(np.float64)


def value(term: TotalVariation, image: np.ndarray) -> float:
    return float(term(tf.constant(image)))


@pytest.mark.parametrize("power", [1.0, 1.7, 2.0])
def test_a_checkerboard_counts_its_neighbours(power):
    # 3 channels, 4 x 5 horizontal and 3 x 6 vertical pairs
    assert value(TotalVariation(power=power), checkerboard(4, 6)) == 3 * (4 * 5 + 3 * 6)
    # pystiche, tests/integration/loss/test_functional.py: 128 x 128 in 3 channels, mean over pairs, is 2.0
    assert value(TotalVariation(power=power, reduction="mean"), checkerboard(128, 128)) == 2
    assert value(TotalVariation(power=power, reduction="half_sum"), checkerboard(4, 6)) == 57


def test_a_coupled_checkerboard_has_root_two_everywhere():
    term = TotalVariation(power=1, coupled=True)
    assert value(term, checkerboard(4, 6)) == pytest.approx(3 * 3 * 5 * 2**0.5, rel=1e-9)
    term = TotalVariation(power=2.5, coupled=True)  # the exponent 1.25 of the Keras example
    assert value(term, checkerboard(4, 6)) == pytest.approx(3 * 3 * 5 * 2**1.25, rel=1e-9)


def test_a_ramp_has_the_variation_of_its_slope():
    # rises by 0.1 a column: 7 x 9 horizontal pairs in 3 channels, no vertical difference
    ramp = np.tile(np.arange(10.0)[np.newaxis, np.newaxis, :, np.newaxis] / 10, (1, 7, 1, 3))
    assert value(TotalVariation(power=1), ramp) == pytest.approx(3 * 7 * 9 * 0.1)
    assert value(TotalVariation(power=2), ramp) == pytest.approx(3 * 7 * 9 * 0.01)
    assert value(TotalVariation(power=2.5, coupled=True), ramp) == pytest.approx(
        3 * 6 * 9 * 0.01**1.25, rel=1e-6
    )


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 3.0])
def test_pairs_against_a_plain_sum(random, power):
    image = random.uniform(0, 1, (6, 7, 3))
    assert value(TotalVariation(power=power), image[np.newaxis]) == pytest.approx(
        total_variation(image, power)
    )
    scaled = TotalVariation(power=power, pixel_scale=255)
    assert value(scaled, image[np.newaxis]) == pytest.approx(255**power * total_variation(image, power))


def test_each_channel_may_have_a_scale_of_its_own(random):
    # d2l.ai: half of mean |dx| + mean |dy|, where each channel is divided by its deviation on ImageNet
    image = random.uniform(0, 1, (6, 7, 3))
    seen = (image - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    expected = 0.5 * (np.abs(seen[1:] - seen[:-1]).mean() + np.abs(seen[:, 1:] - seen[:, :-1]).mean())
    term = TotalVariation(power=1, reduction="mean", pixel_scale=[1 / 0.229, 1 / 0.224, 1 / 0.225])
    assert 0.5 * value(term, image[np.newaxis]) == pytest.approx(expected, rel=1e-9)


def test_means_of_squares_on_8_bit_pixels_against_a_plain_mean(random):
    # anishathalye/neural-style: each direction has its own number of differences
    image = 255 * random.uniform(0, 1, (6, 7, 3))
    expected = np.mean((image[1:] - image[:-1]) ** 2) + np.mean((image[:, 1:] - image[:, :-1]) ** 2)
    term = TotalVariation(power=2, reduction="mean", pixel_scale=255)
    assert value(term, image[np.newaxis] / 255) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("power", [1.0, 2.0, 2.5])
def test_coupled_pairs_against_a_plain_sum(random, power):
    image = random.uniform(0, 1, (6, 7, 3))
    term = TotalVariation(power=power, coupled=True, pixel_scale=255)
    expected = coupled_total_variation(255 * image, power / 2)
    assert value(term, image[np.newaxis]) == pytest.approx(expected, rel=1e-9)


def test_power_one_is_tensorflows_own_total_variation(random):
    image = tf.constant(random.uniform(0, 1, (1, 9, 8, 3)), tf.float32)
    assert float(TotalVariation(power=1)(image)) == pytest.approx(float(tf.image.total_variation(image)[0]))


@pytest.mark.parametrize("reduction", ["sum", "mean", "half_sum", "half_sum_over_root_size"])
@pytest.mark.parametrize(
    ("power", "coupled"), [(1.0, False), (1.5, False), (2.0, False), (1.0, True), (2.5, True)]
)
def test_derivatives(random, power, coupled, reduction):
    term = TotalVariation(power=power, coupled=coupled, reduction=reduction)
    point = random.uniform(0, 1, (1, 4, 3, 3))
    variable = tf.constant(point)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        loss = term(variable)
    slopes = central_gradient(lambda at: value(term, at), point)
    np.testing.assert_allclose(
        tape.gradient(loss, variable), slopes, rtol=1e-6, atol=1e-7 * np.abs(slopes).max()
    )


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 2.5])
def test_the_gradient_of_a_flat_picture_is_zero(power, coupled):
    flat = tf.fill([1, 5, 5, 3], 0.3)
    with tf.GradientTape() as tape:
        tape.watch(flat)
        loss = TotalVariation(power=power, coupled=coupled, pixel_scale=255)(flat)
    # a coupled difference has 1e-12 under its root: 1e-6 each for power 1, over 4 x 4 x 3 pixels
    assert float(loss) <= 48 * 1.01e-6
    np.testing.assert_array_equal(tape.gradient(loss, flat), np.zeros(flat.shape))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"power": 0.5}, r"at least 1.*0\.5"),
        ({"power": float("nan")}, "at least 1.*nan"),
        ({"reduction": "median"}, "'median'.*sum, half_sum, mean"),
        ({"weight": -1.0}, r"smoothness.*at least 0.*-1"),
        ({"weight": float("inf")}, r"smoothness.*finite.*inf"),
        ({"pixel_scale": 0.0}, r"pixel_scale.*positive.*0"),
        ({"pixel_scale": [1.0, -2.0, 1.0]}, r"pixel_scale.*positive.*-2"),
        ({"pixel_scale": [1.0, 2.0]}, r"pixel_scale.*one number or three.*\[1\.0, 2\.0\]"),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(wrong, said):
    with pytest.raises(InputError, match=said):
        TotalVariation(**wrong)

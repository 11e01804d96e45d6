"""The metric over octaves against its definition in NumPy, and what L-BFGS does with it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.optim import LBFGS
from nst_tf.optim.lbfgs import over_octaves, weight_of_pair


def interpolation(coarse: int, side: int) -> np.ndarray:
    """The matrix [coarse * side, coarse] of linear interpolation between the middles of pixels."""
    matrix = np.zeros((coarse * side, coarse))
    for pixel in range(coarse * side):
        position = np.clip((pixel + 0.5) / side - 0.5, 0, coarse - 1)
        before = min(int(position), max(coarse - 2, 0))
        matrix[pixel, before] += 1 - (position - before)
        if coarse > 1:
            matrix[pixel, before + 1] += position - before
    return matrix


def by_matrices(image: np.ndarray, octaves: int, weight: float = 1.0) -> np.ndarray:
    _, height, width, _ = image.shape
    total = image.copy()
    for octave in range(1, octaves + 1):
        side = 2**octave
        down = interpolation(-(-height // side), side)[:height]
        across = interpolation(-(-width // side), side)[:width]
        means = np.einsum("ij,kl,njlc->nikc", down @ down.T, across @ across.T, image) / side**2
        total += weight**octave * means
    return total


@pytest.mark.parametrize("shape", [(1, 8, 8, 3), (1, 7, 10, 1), (1, 1, 5, 2)])
@pytest.mark.parametrize("octaves", [0, 1, 3])
def test_each_pixel_gains_the_means_around_it(random, shape, octaves):
    image = random.standard_normal(shape).astype(np.float32)
    np.testing.assert_allclose(
        over_octaves(tf.constant(image), octaves), by_matrices(image, octaves), atol=1e-5
    )


def test_every_octave_weighs_more_than_the_next_finer_one(random):
    image = random.standard_normal((1, 7, 10, 1)).astype(np.float32)
    np.testing.assert_allclose(
        over_octaves(tf.constant(image), 3, weight=1.5), by_matrices(image, 3, 1.5), atol=1e-5
    )


def test_it_is_symmetric_and_never_shrinks(random):
    shape = (1, 5, 6, 1)
    columns = [
        over_octaves(tf.reshape(row, shape), 3).numpy().ravel() for row in np.eye(30, dtype=np.float32)
    ]
    matrix = np.array(columns)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    assert np.linalg.eigvalsh(matrix).min() > 1 - 1e-5


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 1.75, 2.5])
def test_the_weight_of_a_pair_is_that_of_the_inverse_hessian(random, weight, circular):
    """Where the inverse Hessian is the metric times any length, s = 3 P y tells its weight exactly."""
    change = tf.constant(random.standard_normal((1, 16, 24, 3)), tf.float32)
    step = 3 * over_octaves(change, 3, weight=weight, circular=circular)
    assert weight_of_pair(step, change, 3, circular=circular) == weight


def test_the_middle_of_a_large_picture_tells_the_weight(random):
    change = random.standard_normal((1, 20, 1200, 1)).astype(np.float32)
    step = by_matrices(change, 2, 1.5)
    step[:, :, :300] = change[:, :, :300]
    assert weight_of_pair(tf.constant(step), tf.constant(change), 2) == 1.5


def evaluations_to_fit_a_coarse_target(octaves: int, weight: float | None = 1.0) -> int:
    """A loss that is 100 times stiffer in differences of neighbours than in means."""
    height = width = 16
    down, across = np.mgrid[0:height, 0:width] / 16
    target = tf.constant(0.5 + 0.3 * np.sin(5 * down + 3 * across)[np.newaxis, ..., np.newaxis], tf.float32)
    image = tf.Variable(tf.fill(target.shape, 0.5))
    optimizer = LBFGS(history_size=5, octaves=octaves, octave_weight=weight)
    for evaluation in range(200):
        with tf.GradientTape() as tape:
            rest = image - target
            fine = tf.reduce_sum(tf.square(rest[:, 1:] - rest[:, :-1]))
            fine += tf.reduce_sum(tf.square(rest[:, :, 1:] - rest[:, :, :-1]))
            loss = tf.reduce_sum(tf.square(rest)) + 100 * fine
        if loss < 1e-3:
            return evaluation
        optimizer.apply([tape.gradient(loss, image)], [image], loss=loss)
    return 200


@pytest.mark.slow
def test_it_saves_evaluations_where_the_loss_is_soft_in_what_is_coarse():
    plain, with_octaves = (evaluations_to_fit_a_coarse_target(octaves) for octaves in (0, 4))
    assert with_octaves < 0.8 * plain < 200
    assert evaluations_to_fit_a_coarse_target(4, weight=None) < 0.8 * plain


def test_it_is_kept_in_the_configuration_and_bad_values_are_refused():
    assert LBFGS.from_config(LBFGS(octaves=3).get_config()).octaves == 3
    for octaves in (-1, 1.5, True):
        with pytest.raises(InputError, match="octaves"):
            LBFGS(octaves=octaves)


def test_weight_and_scale_of_the_metric_are_kept_and_bad_ones_are_refused():
    twin = LBFGS.from_config(LBFGS(octave_weight=1.5, scale=2.0).get_config())
    assert (twin.octave_weight, twin.scale) == (1.5, 2.0)
    assert LBFGS.from_config(LBFGS(octave_weight=None).get_config()).octave_weight is None
    for option in ("octave_weight", "scale"):
        for value in (0.0, -1.0, float("inf"), float("nan")):
            with pytest.raises(InputError, match=f"{option} must be positive, but is {value}"):
                LBFGS(**{option: value})

"""The Gram matrix and the distances between tensors."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_gradient
from reference.numpy_objectives import gram

from nst_tf.errors import InputError
from nst_tf.statistics import AbsoluteError, Gram, SquaredError

# as the sums are written in the sources; n is the number of elements
REDUCTIONS = {
    "sum": lambda errors: sum(errors.ravel()),
    "half_sum": lambda errors: sum(errors.ravel()) / 2,
    "mean": lambda errors: sum(errors.ravel()) / errors.size,
    "half_sum_over_root_size": lambda errors: sum(errors.ravel()) / (2 * errors.size**0.5),
}
DISTANCES = [kind(name, 3.0) for kind in (SquaredError, AbsoluteError) for name in REDUCTIONS]


def test_gram_of_one_hot_activations_counts_positions():
    # of six positions three fire channel 0, two channel 1, one channel 3 and none channel 2
    one_hot = np.eye(4, dtype=np.float32)[[0, 3, 0, 1, 1, 0]].reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(Gram(0, 0).describe(tf.constant(one_hot)), np.diag([3, 2, 0, 1]))


def test_gram_of_the_course_notes_is_eight_by_eight(random):
    # a 4 x 4 picture seen by 8 filters: feature maps flattened to 8 x 16, times their transpose
    maps = random.standard_normal((8, 4, 4))
    flat = maps.reshape(8, 16)
    found = Gram(0, 0).describe(tf.constant(maps.transpose(1, 2, 0)[np.newaxis]))
    assert found.shape == (8, 8)
    np.testing.assert_allclose(found, flat @ flat.T, rtol=1e-12)


@pytest.mark.parametrize(("positions_power", "channels_power"), [(0, 0), (1, 0), (1, 1), (2, 0.5), (0, 2)])
def test_gram_is_divided_by_powers_of_positions_and_channels(random, positions_power, channels_power):
    features = random.standard_normal((5, 6, 7))
    found = Gram(positions_power, channels_power).describe(tf.constant(features[np.newaxis]))
    np.testing.assert_allclose(found, gram(features) / 30**positions_power / 7**channels_power, rtol=1e-10)


def test_gram_of_shuffled_positions_is_the_same(random):
    features = random.standard_normal((6 * 8, 5))
    shuffled = random.permutation(features)
    first, second = (Gram().describe(tf.constant(one.reshape(1, 6, 8, 5))) for one in (features, shuffled))
    np.testing.assert_allclose(first, second, rtol=1e-12, atol=1e-12)


def test_gram_per_position_of_a_tiled_picture_is_that_of_one_tile(random):
    tile = random.standard_normal((1, 3, 4, 5))
    np.testing.assert_allclose(
        Gram(1).describe(tf.constant(np.tile(tile, (1, 2, 3, 1)))),
        Gram(1).describe(tf.constant(tile)),
        rtol=1e-12,
    )


@pytest.mark.parametrize("kind", [SquaredError, AbsoluteError])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_distances_against_the_written_sum(random, kind, reduction):
    left, right = random.standard_normal((2, 1, 4, 3, 5))
    errors = (left - right) ** 2 if kind is SquaredError else np.abs(left - right)
    found = kind(reduction, 0.7)(tf.constant(left), tf.constant(right))
    assert float(found) == pytest.approx(0.7 * REDUCTIONS[reduction](errors), rel=1e-12)


@pytest.mark.parametrize("distance", DISTANCES, ids=str)
def test_derivatives_of_distances(random, distance):
    left, right = random.standard_normal((2, 1, 3, 2, 4))
    _assert_derivative(lambda point: distance(point, tf.constant(right)), left)


@pytest.mark.parametrize(
    "statistic",
    [*(Gram(1, 0, distance) for distance in DISTANCES), Gram(0, 0), Gram(1, 1), Gram(0.5, 2)],
    ids=str,
)
def test_derivatives_of_gram(random, statistic):
    features, style = random.standard_normal((1, 3, 2, 3)), random.standard_normal((1, 5, 2, 3))
    target = statistic.describe(tf.constant(style))
    _assert_derivative(lambda point: statistic.compare(statistic.describe(point), target), features)


@pytest.mark.parametrize("distance", DISTANCES, ids=str)
def test_equal_tensors_are_at_distance_zero_with_gradient_zero(random, distance):
    same = tf.constant(random.standard_normal((1, 2, 3, 4)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(same)
        loss = distance(same, tf.identity(tf.stop_gradient(same)))
    assert float(loss) == 0
    np.testing.assert_array_equal(tape.gradient(loss, same), np.zeros(same.shape))


@pytest.mark.parametrize("kind", [SquaredError, AbsoluteError])
def test_an_unknown_reduction_is_refused_and_the_known_ones_named(kind):
    with pytest.raises(InputError, match=r"'median'.*sum, half_sum, mean, half_sum_over_root_size"):
        kind("median")


def _assert_derivative(function, point: np.ndarray) -> None:
    variable = tf.constant(point)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        loss = function(variable)
    assert loss.dtype == tf.float64  # else the differences below would drown in rounding
    slopes = central_gradient(lambda at: float(function(tf.constant(at))), point)
    np.testing.assert_allclose(
        tape.gradient(loss, variable), slopes, rtol=1e-6, atol=1e-7 * np.abs(slopes).max()
    )

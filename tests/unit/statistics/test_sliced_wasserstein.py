"""The sliced Wasserstein distance against sorted projections in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from style_distances import distance, gradient

from nst_tf.errors import InputError
from nst_tf.statistics import SlicedWasserstein


def directions(statistic: SlicedWasserstein, channels: int) -> np.ndarray:
    """The directions [D, C]: a layer of one position on an axis is projected to one of their coordinates."""
    axes = np.eye(channels)[:, np.newaxis, np.newaxis, np.newaxis]
    return np.concatenate([statistic.describe(tf.constant(axis)).numpy() for axis in axes], axis=1)


def test_directions_are_of_length_one_and_as_many_as_asked_for():
    assert directions(SlicedWasserstein(), 6).shape == (6, 6)
    found = directions(SlicedWasserstein(500), 6)
    assert found.shape == (500, 6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.ones(500))
    # evenly from the sphere: mean 0 and covariance 1/C, each within four standard errors
    assert np.abs(found.mean(0)).max() < 4 / np.sqrt(500 * 6)
    np.testing.assert_allclose(found.T @ found / 500, np.eye(6) / 6, atol=4 / 6 / np.sqrt(500))


def test_directions_are_those_of_the_seed():
    assert (directions(SlicedWasserstein(5, seed=3), 6) == directions(SlicedWasserstein(5, seed=3), 6)).all()
    assert (directions(SlicedWasserstein(5, seed=3), 6) != directions(SlicedWasserstein(5, seed=4), 6)).all()


def test_a_shifted_layer_is_as_far_as_its_shift_along_the_directions(random):
    layer, shift = random.normal(3, 2, (5, 6, 4)), random.normal(size=4)
    statistic = SlicedWasserstein(9)
    expected = np.mean((directions(statistic, 4) @ shift) ** 2)
    assert distance(statistic, layer, layer + shift) == pytest.approx(expected)


def test_sorted_projections_in_numpy(random):
    one, other = random.normal(3, 2, (5, 6, 4)), random.normal(1, 4, (6, 5, 4))
    statistic = SlicedWasserstein(9)
    expected = np.mean(
        [
            np.mean(
                (np.sort(one.reshape(30, 4) @ direction) - np.sort(other.reshape(30, 4) @ direction)) ** 2
            )
            for direction in directions(statistic, 4)
        ]
    )
    assert distance(statistic, one, other) == pytest.approx(expected)


@pytest.mark.parametrize("style_size", [(2, 3), (8, 9), (1, 1)])
def test_a_style_of_another_size_is_resampled_to_numpys_quantiles(random, style_size):
    one, other = random.normal(3, 2, (5, 6, 4)), random.normal(1, 4, (*style_size, 4))
    statistic = SlicedWasserstein(9)
    levels = (np.arange(30) + 0.5) / 30
    expected = np.mean(
        [
            (np.sort(one.reshape(30, 4) @ d) - np.quantile(other.reshape(-1, 4) @ d, levels, method="hazen"))
            ** 2
            for d in directions(statistic, 4)
        ]
    )
    assert distance(statistic, one, other) == pytest.approx(expected)


def test_a_repeated_style_is_the_same_style_but_for_interpolation(random):
    # the 30 quantiles of every number twice are the 30 numbers
    one, other = random.normal(3, 2, (5, 6, 4)), random.normal(1, 4, (5, 6, 4))
    expected = distance(SlicedWasserstein(), one, other)
    assert distance(SlicedWasserstein(), one, np.tile(other, (2, 1, 1))) == pytest.approx(expected)


def test_the_gradient_takes_each_position_to_its_match():
    # one channel: d is 1 or -1, and the sorted numbers 1, 4, 6 go to 0, 5, 7
    generated = np.array([6.0, 1.0, 4.0]).reshape(1, 3, 1)
    style = np.array([5.0, 7.0, 0.0]).reshape(1, 3, 1)
    found = gradient(SlicedWasserstein(), generated, style)
    np.testing.assert_allclose(found.ravel(), 2 / 3 * np.array([6 - 7, 1 - 0, 4 - 5]))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"directions": 0}, "directions.*null.*at least 1.*0"),
        ({"directions": 2.5}, "directions.*whole.*2.5"),
        ({"directions": "many"}, "directions.*'many'"),
        ({"seed": -1}, "seed.*at least 0.*-1"),
        ({"seed": None}, "seed.*whole.*None"),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(wrong, said):
    with pytest.raises(InputError, match=said):
        SlicedWasserstein(**wrong)

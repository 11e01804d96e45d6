"""STROTSS' terms against float64 NumPy written from the formulas."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_slope

from nst_tf.errors import InputError
from nst_tf.statistics import HypercolumnMoments, RelaxedTransport, SelfSimilarity
from nst_tf.statistics.hypercolumns import columns_at, drawn_positions


def cosine_costs(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    mine, theirs = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (mine, theirs))
    return 1 - mine @ theirs.T


def relaxed(costs: np.ndarray) -> float:
    return max(costs.min(axis=1).mean(), costs.min(axis=0).mean())


def cosine_transport(mine: np.ndarray, theirs: np.ndarray) -> float:
    return relaxed(cosine_costs(mine, theirs))


def palette_transport(mine: np.ndarray, theirs: np.ndarray) -> float:
    third = 1 / np.sqrt(3)
    rows = np.array([[third, third, third], [-third, 0.788675, -0.211325], [-third, -0.211325, 0.788675]])
    mine, theirs = mine @ rows.T, theirs @ rows.T
    squares = ((mine[:, None] - theirs[None]) ** 2).sum(axis=2)
    return relaxed(cosine_costs(mine, theirs) + np.sqrt(np.maximum(squares, 1e-5) / 3))


def moments(mine: np.ndarray, theirs: np.ndarray) -> float:
    means = np.abs(mine.mean(axis=0) - theirs.mean(axis=0)).mean()
    return means + np.abs(np.cov(mine.T, bias=True) - np.cov(theirs.T, bias=True)).mean()


def self_similarity(mine: np.ndarray, theirs: np.ndarray) -> float:
    both = [cosine_costs(one, one) for one in (mine, theirs)]
    both = [one / one.sum(axis=0, keepdims=True) for one in both]
    return np.abs(both[0] - both[1]).sum() / len(mine)


def in_float32(columns: np.ndarray) -> tuple[tf.Tensor, ...]:
    """Columns [n, D] as those of two layers."""
    return tuple(tf.constant(part, tf.float32) for part in np.split(columns, [columns.shape[1] // 2], axis=1))


def assert_value_and_gradient(compare, formula, generated, style, random):
    parts = in_float32(generated)
    with tf.GradientTape() as tape:
        tape.watch(parts)
        value = compare(parts, in_float32(style))
    assert float(value) == pytest.approx(formula(generated, style), rel=1e-5)
    slopes = np.concatenate([one.numpy() for one in tape.gradient(value, parts)], axis=1)
    direction = random.normal(0, 1, generated.shape)
    expected = central_slope(lambda at: formula(at, style), generated, direction)
    assert np.sum(slopes * direction) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("mine", "theirs"), [(9, 14), (14, 9)])
def test_relaxed_transport_by_cosines(random, mine, theirs):
    generated, style = random.normal(1, 2, (mine, 6)), random.normal(2, 3, (theirs, 6))
    assert_value_and_gradient(RelaxedTransport().compare, cosine_transport, generated, style, random)


@pytest.mark.parametrize(("mine", "theirs"), [(9, 14), (14, 9)])
def test_relaxed_transport_of_colors(random, mine, theirs):
    generated, style = random.uniform(0, 1, (mine, 3)), random.uniform(0, 1, (theirs, 3))
    compare = RelaxedTransport(cost="palette").compare
    assert_value_and_gradient(compare, palette_transport, generated, style, random)


def test_moments_in_the_units_of_the_style(random):
    generated, style = random.normal(1, 2, (9, 6)), 50 * random.normal(2, 3, (14, 6))
    units = np.repeat([np.sqrt(np.mean(half**2)) for half in np.split(style, 2, axis=1)], 3)
    statistic = HypercolumnMoments()

    def compare(mine, theirs):
        return statistic.compare(mine, statistic.target(theirs))

    def formula(mine, theirs):
        return moments(mine / units, theirs / units)

    assert_value_and_gradient(compare, formula, 40 * generated, style, random)


def constants(layers: list[np.ndarray]) -> list[tf.Tensor]:
    return [tf.constant(one) for one in layers]


def layers_of(random, height=16, width=24) -> list[np.ndarray]:
    shapes = [(height, width, 3), (height, width, 4), (height // 2, width // 2, 5)]
    return [random.normal(1, 2, (1, *shape)).astype(np.float32) for shape in shapes]


def test_self_similarity_of_the_same_positions_in_both(random):
    mine, theirs = constants(layers_of(random)), constants(layers_of(random))
    distance = SelfSimilarity(positions=30, seed=2)
    places = drawn_positions(16, 24, 30, 2, tf.constant(5), most_a_side=128)
    columns = [np.concatenate(columns_at(one, places), axis=1) for one in (mine, theirs)]
    assert float(distance(mine, theirs, tf.constant(5))) == pytest.approx(self_similarity(*columns), rel=1e-5)
    assert float(distance(mine, theirs, tf.constant(6))) != float(distance(mine, theirs, tf.constant(5)))
    fixed = SelfSimilarity(positions=30, seed=2, resample=False)
    assert float(fixed(mine, theirs, tf.constant(6))) == float(fixed(mine, theirs, tf.constant(5)))
    # colors do not count: a picture of any tone that keeps what is alike is at distance 0
    assert float(distance([7 * one for one in theirs], theirs, tf.constant(1))) == pytest.approx(0, abs=1e-5)


def test_of_a_flat_picture_everything_stays_finite():
    flat = constants([np.ones((1, 8, 8, 3), np.float32), np.zeros((1, 4, 4, 2), np.float32)])
    distance, image = SelfSimilarity(positions=20), [tf.identity(one) for one in flat]
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = distance(image, flat, tf.constant(0))
    assert all(np.isfinite(one).all() for one in (value, *tape.gradient(value, image)))
    for statistic in (RelaxedTransport(positions=20), HypercolumnMoments(positions=20)):
        theirs = statistic.describe(image)
        if hasattr(statistic, "target"):
            theirs = statistic.target(theirs)
        assert np.isfinite(statistic.compare(statistic.describe(image, draw=tf.constant(0)), theirs))


def test_a_style_has_more_positions_and_its_own(random):
    layers = [tf.constant(one) for one in layers_of(random)]
    statistic = RelaxedTransport(positions=10, style_positions=25)
    assert [len(one) for one in statistic.describe(layers)] == [25] * 3
    assert [len(one) for one in statistic.describe(layers, draw=tf.constant(0))] == [10] * 3


def test_a_region_is_looked_at_alone(random):
    layers = layers_of(random)
    layers[0][:, :, :12] = 1000
    right = np.zeros((1, 16, 24, 1), np.float32)
    right[:, :, 12:] = 1
    found = RelaxedTransport(positions=200).describe(constants(layers), tf.constant(right), tf.constant(3))
    assert found[0].numpy().max() < 1000
    assert len(found[0]) == 200


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (RelaxedTransport, {"cost": "taxi"}, "cost of the relaxed transport='taxi'"),
        (RelaxedTransport, {"positions": 0}, "positions of RelaxedTransport .* but is 0"),
        (HypercolumnMoments, {"style_positions": 1.5}, "style_positions of HypercolumnMoments .* but is 1.5"),
        (SelfSimilarity, {"positions": 1}, "positions of the self-similarity .* but is 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(kind, options, sentence):
    with pytest.raises(InputError, match=sentence):
        kind(**options)

"""Hypercolumns: positions that are drawn, and what all layers have there, against NumPy written anew."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.statistics.hypercolumns import at_quarter_size, columns_at, drawn_positions


def test_positions_are_those_of_seed_and_draw_alone():
    first = drawn_positions(40, 60, 50, 3, tf.constant(7)).numpy()
    np.testing.assert_array_equal(first, drawn_positions(40, 60, 50, 3, tf.constant(7)).numpy())
    for seed, draw in ((3, 8), (4, 7)):
        assert not np.array_equal(first, drawn_positions(40, 60, 50, seed, tf.constant(draw)).numpy())
    assert first.min() >= 0
    assert (first.max(axis=0) < (40, 60)).all()


def test_every_position_can_be_drawn_and_none_beyond():
    drawn = drawn_positions(3, 5, 4000, 0, tf.constant(0)).numpy()
    counts = np.zeros((3, 5))
    np.add.at(counts, tuple(drawn.T), 1)
    # the standard deviation of a count is 16
    np.testing.assert_allclose(counts, 4000 / 15, atol=80)


def test_a_grid_has_at_most_so_many_points_a_side_and_begins_anywhere():
    beginnings = set()
    for draw in range(60):
        drawn = drawn_positions(64, 96, 300, 0, tf.constant(draw), most_a_side=20).numpy()
        stride = int(np.sqrt(64 * 96) / 20)
        begin = drawn.min(axis=0) % stride
        assert ((drawn - begin) % stride == 0).all()
        assert (drawn < (64, 96)).all()
        beginnings.add(tuple(begin))
    assert len(beginnings) == stride**2


def test_weights_say_how_often_a_position_is_drawn(random):
    weights = random.uniform(0, 1, (1, 4, 3, 1)).astype(np.float32)
    weights[0, 1] = 0
    drawn = drawn_positions(4, 3, 20000, 0, tf.constant(0), tf.constant(weights)).numpy()
    counts = np.zeros((4, 3))
    np.add.at(counts, tuple(drawn.T), 1)
    assert not counts[1].any()
    np.testing.assert_allclose(counts / 20000, weights[0, :, :, 0] / weights.sum(), atol=0.015)


def bilinear(layer: np.ndarray, row: float, column: float) -> np.ndarray:
    """A layer [H, W, C] between its positions, its border beyond."""
    height, width = layer.shape[:2]
    row, column = min(row, height - 1), min(column, width - 1)
    top, left = int(row), int(column)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = row - top, column - left
    upper = (1 - across) * layer[top, left] + across * layer[top, right]
    return (1 - down) * upper + down * ((1 - across) * layer[bottom, left] + across * layer[bottom, right])


@pytest.mark.parametrize(("height", "width"), [(16, 24), (17, 23)])
def test_columns_are_read_between_the_positions_of_pooled_layers(random, height, width):
    layers = [
        random.normal(0, 1, (1, height // 2**poolings, width // 2**poolings, channels)).astype(np.float32)
        for poolings, channels in ((0, 3), (0, 2), (1, 4), (3, 5))
    ]
    positions = np.array([[0, 0], [height - 1, width - 1], [5, 7], [6, 2]], np.int32)
    found = columns_at([tf.constant(layer) for layer in layers], tf.constant(positions))
    for layer, scale, columns in zip(layers, (1, 1, 2, 8), found, strict=True):
        expected = [bilinear(layer[0], row / scale, column / scale) for row, column in positions]
        np.testing.assert_allclose(columns, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(16, 24), (18, 31)])
def test_quarter_size_puts_corners_on_corners(random, height, width):
    layers = [
        random.normal(0, 1, (1, height // 2**poolings, width // 2**poolings, channels)).astype(np.float32)
        for poolings, channels in ((0, 2), (1, 3), (3, 4))
    ]
    found = at_quarter_size([tf.constant(layer) for layer in layers]).numpy()
    rows, columns = height // 4, width // 4
    assert found.shape == (rows * columns, 9)
    expected = []
    for row in range(rows):
        for column in range(columns):
            places = [
                (row * (layer.shape[1] - 1) / (rows - 1), column * (layer.shape[2] - 1) / (columns - 1))
                for layer in layers
            ]
            expected.append(
                np.concatenate(
                    [
                        bilinear(layer[0], *place) / layer.shape[3]
                        for layer, place in zip(layers, places, strict=True)
                    ]
                )
            )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

"""Hypercolumns: what all layers have at one position of the picture, and which positions are looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from nst_tf.statistics.statistic import sizes


def drawn_positions(
    height: int,
    width: int,
    count: int,
    seed: int,
    draw: tf.Tensor | int,
    weights: tf.Tensor | None = None,
    most_a_side: int | None = None,
) -> tf.Tensor:
    """``count`` positions of a picture -> rows and columns, [count, 2] int32, drawn by seed and draw alone.

    With ``most_a_side`` they are those of a grid of at most so many points a side, which begins anywhere.
    ``weights`` [1, H, W, 1] say how likely each position is; it is then drawn among all of them. A position
    can be drawn twice.
    """
    key = tf.stack([tf.constant(seed), tf.cast(draw, tf.int32)])
    if weights is not None:
        reached = tf.cumsum(tf.reshape(weights, [-1]))
        found = tf.searchsorted(
            reached, reached[-1] * tf.random.stateless_uniform([count], key), side="right"
        )
        found = tf.minimum(found, height * width - 1)
        return tf.stack([found // width, found % width], axis=1)
    stride = 1 if most_a_side is None else max(1, math.floor(math.sqrt(height * width) / most_a_side))
    points = [max(1, side // stride) for side in (height, width)]
    # one draw for the points and one for where the grid begins
    shares = tf.random.stateless_uniform([count + 1, 2], key)
    drawn = [
        stride * _below(shares[:-1, axis], points[axis])
        + _below(shares[-1:, axis], min(stride, (height, width)[axis]))
        for axis in (0, 1)
    ]
    return tf.stack(drawn, axis=1)


def _below(shares: tf.Tensor, count: int) -> tf.Tensor:
    """Numbers in [0, 1) -> whole numbers in [0, count)."""
    return tf.minimum(tf.cast(shares * count, tf.int32), count - 1)


def columns_at(layers: Sequence[tf.Tensor], positions: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Activations [1, h, w, C] of each layer and positions [n, 2] in the first of them -> [n, C] of each.

    A layer after k more poolings is read at p / 2^k, between four of its positions by bilinear
    interpolation, and at its border where that is beyond: STROTSS, Kolkin et al. 2019, section 2.1.
    """
    finest = max(sizes(layers[0])[1:3])
    found = []
    for layer in layers:
        _, height, width, channels = sizes(layer)
        poolings = (finest // max(height, width)).bit_length() - 1  # each halves a side and rounds it down
        vectors = tf.reshape(layer, [height * width, channels])
        if poolings == 0:
            found.append(tf.gather(vectors, positions[:, 0] * width + positions[:, 1]))
            continue
        place = tf.cast(positions, tf.float32) / 2.0**poolings
        place = tf.minimum(place, tf.constant([height - 1.0, width - 1.0]))
        low = tf.cast(place, tf.int32)
        share = place - tf.cast(low, tf.float32)
        high = tf.minimum(low + 1, tf.constant([height - 1, width - 1]))
        rows, columns = (low[:, 0], high[:, 0]), (low[:, 1], high[:, 1])
        down, right = (share[:, axis : axis + 1] for axis in (0, 1))
        upper, lower = (
            tf.gather(vectors, row * width + columns[0]) * (1 - right)
            + tf.gather(vectors, row * width + columns[1]) * right
            for row in rows
        )
        found.append(upper * (1 - down) + lower * down)
    return tuple(found)


def at_quarter_size(layers: Sequence[tf.Tensor]) -> tf.Tensor:
    """Activations [1, h, w, C] of each layer -> [P, sum C]: all at a quarter of the first layer's sides.

    Each is divided by its number of channels and resized bilinearly, the corners of both on each other: the
    feature of Kolkin et al. 2022, "Neural neighbor style transfer", section 3.1.
    """
    _, height, width, _ = sizes(layers[0])
    wanted = max(1, height // 4), max(1, width // 4)
    resized = [
        tf.compat.v1.image.resize_bilinear(layer, wanted, align_corners=True) / layer.shape[-1]
        for layer in layers
    ]
    return tf.reshape(tf.concat(resized, axis=-1), [wanted[0] * wanted[1], -1])


def cosines(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Vectors [n, D] and [n, D] -> the cosine of the angle in each pair, [n]."""
    return tf.reduce_sum(tf.math.l2_normalize(one, axis=1) * tf.math.l2_normalize(other, axis=1), axis=1)

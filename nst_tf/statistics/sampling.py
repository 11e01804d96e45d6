"""A fixed sample of the rows of a matrix."""

from __future__ import annotations

import tensorflow as tf

from nst_tf.statistics.shapes import sizes


def sampled_rows(rows: tf.Tensor, most: int, seed: int) -> tf.Tensor:
    """Rows [M, D] -> [min(M, most), D]: all of them, or ``most`` different ones, drawn by ``seed`` alone.

    The same rows are drawn at every step of a run, so that a line search sees one function.
    """
    count = sizes(rows)[0]
    if count <= most:
        return rows
    keys = tf.random.stateless_uniform([count], seed=(seed, count))
    return tf.gather(rows, tf.math.top_k(keys, most).indices)

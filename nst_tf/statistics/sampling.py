"""A fixed sample of the rows of a matrix."""

from __future__ import annotations

import tensorflow as tf


def sampled_rows(rows: tf.Tensor, most: int, seed: int) -> tf.Tensor:
    """Rows [M, D] -> [min(M, most), D]: all of them, or ``most`` different ones, drawn by ``seed`` alone.

    The same rows are drawn at every step of a run, so that a line search sees one function.
    """
    count = rows.shape[0]
    if count <= most:
        return rows
    shuffled = tf.random.experimental.stateless_shuffle(tf.range(count), seed=(seed, count))
    return tf.gather(rows, shuffled[:most])

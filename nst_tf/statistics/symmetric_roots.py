"""Roots of symmetric positive matrices."""

from __future__ import annotations

import tensorflow as tf

from nst_tf.statistics.shapes import sizes


def eigenvalues(matrix: tf.Tensor, least: tf.Tensor | float) -> tuple[tf.Tensor, tf.Tensor]:
    """Eigenvalues [C], raised to ``least`` where rounding has lost them, and eigenvectors [C, C]."""
    # the decomposition of NaNs raises, where a loss that is NaN would be taken back by the optimizer
    finite = tf.reduce_all(tf.math.is_finite(matrix))
    safe = tf.where(finite, matrix, tf.eye(sizes(matrix)[0], dtype=matrix.dtype))
    values, vectors = tf.linalg.eigh((safe + tf.transpose(safe)) / 2)
    nan = tf.constant(float("nan"), matrix.dtype)
    return tf.where(finite, tf.maximum(values, tf.cast(least, matrix.dtype)), nan), vectors


def symmetric_power(matrix: tf.Tensor, power: float, least: tf.Tensor | float) -> tf.Tensor:
    """A symmetric matrix [C, C] with eigenvalues of at least ``least`` -> its power, such as 0.5, [C, C]."""
    values, vectors = eigenvalues(matrix, least)
    return tf.matmul(vectors * values**power, vectors, transpose_b=True)

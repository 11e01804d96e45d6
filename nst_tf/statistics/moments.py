"""First and second moments of activations: means, and covariances of centred vectors."""

from __future__ import annotations

import tensorflow as tf


def means_and_centred(vectors: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Vectors [M, C] -> their mean [C], and the vectors minus it [M, C].

    Second moments are taken of centred vectors and not as E[f f^T] - mu mu^T, which in float32 loses
    every digit of a variance that is small beside the square of its mean.
    """
    means = tf.reduce_mean(vectors, axis=0)
    return means, vectors - means


def covariance(centred: tf.Tensor, divisor: int) -> tf.Tensor:
    """Centred vectors [M, C] -> X^T X / divisor, [C, C]; a divisor of 0 (one position) counts as 1."""
    return tf.matmul(centred, centred, transpose_a=True) / tf.cast(max(divisor, 1), centred.dtype)

"""The covariance matrix: the Gram matrix of centred activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import tensorflow as tf

from nst_tf.statistics.distances import Distance, SquaredError
from nst_tf.statistics.moments import MomentSums, covariance_of, moment_sums, unbiased
from nst_tf.statistics.statistic import as_column, as_vectors, linear_mean


@dataclass(frozen=True)
class Covariance:
    """Covariance matrix X^T X / (M - 1) of the centred activations X = F - mean(F), F [M, C].

    The second of three matrices that lectures on style transfer match (Gram, covariance, correlation).
    Unlike the Gram matrix it is blind to the channels' means: G / M = cov (M - 1) / M + mu mu^T. M is
    that of the picture that the activations come from. A layer of one position has covariance 0.
    """

    summable: ClassVar[bool] = True
    weighted: ClassVar[bool] = True
    distance: Distance = field(default_factory=SquaredError)

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
        """Activations [1, H, W, C] -> [C, C]."""
        return self.described(self.sums(activations, weights), activations.dtype)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> MomentSums:
        """Activations [1, H, W, C] -> sums of first and second moments."""
        vectors = as_vectors(activations)
        return moment_sums(vectors, as_column(weights, vectors.dtype))

    def described(self, sums: MomentSums, dtype: tf.DType = tf.float32) -> tf.Tensor:
        """Sums -> [C, C]."""
        return tf.cast(covariance_of(sums, unbiased(sums.positions)), dtype)

    def blended(self, descriptions: Sequence[tf.Tensor], shares: Sequence[float]) -> tf.Tensor:
        """Matrices [C, C] of styles -> their mean."""
        return linear_mean(descriptions, shares)

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Two matrices [C, C] -> scalar."""
        return self.distance(generated, style)

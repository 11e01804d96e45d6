"""The correlation matrix: which channels fire together, however strongly they fire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import tensorflow as tf

from nst_tf.statistics.distances import Distance, SquaredError
from nst_tf.statistics.moments import MomentSums, covariance_of, moment_sums, unbiased
from nst_tf.statistics.parameters import check_positive
from nst_tf.statistics.statistic import as_column, as_vectors, linear_mean


@dataclass(frozen=True)
class Correlation:
    """Correlation matrix R_ij = cov_ij / sqrt((cov_ii + e) (cov_jj + e)), with 1 on its diagonal.

    Pearson's coefficient between the channels of F [M, C], the third of three matrices that lectures
    match. It is blind to the channels' means and to their strengths.
    Departure: e = ``epsilon``, which no definition has. It makes a dead channel (zero variance, where
    the coefficient is 0/0) correlate with nothing, with a finite gradient. The default is one part in
    1e8 of a variance of 1, and above what rounding leaves of the variance of a constant channel.
    """

    summable: ClassVar[bool] = True
    weighted: ClassVar[bool] = True
    epsilon: float = 1e-8
    distance: Distance = field(default_factory=SquaredError)

    def __post_init__(self) -> None:
        """Refuse an epsilon that is not above 0: InputError."""
        check_positive("epsilon of the correlation", self.epsilon)

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
        """Activations [1, H, W, C] -> [C, C]."""
        return self.described(self.sums(activations, weights), activations.dtype)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> MomentSums:
        """Activations [1, H, W, C] -> sums of first and second moments."""
        vectors = as_vectors(activations)
        return moment_sums(vectors, as_column(weights, vectors.dtype))

    def described(self, sums: MomentSums, dtype: tf.DType = tf.float32) -> tf.Tensor:
        """Sums -> [C, C]."""
        matrix = tf.cast(covariance_of(sums, unbiased(sums.positions)), dtype)
        scale = tf.math.rsqrt(tf.linalg.diag_part(matrix) + self.epsilon)
        # the diagonal is 1 by definition: it must neither have a value of its own nor a gradient
        return tf.linalg.set_diag(matrix * scale[:, tf.newaxis] * scale, tf.ones_like(scale))

    def blended(self, descriptions: Sequence[tf.Tensor], shares: Sequence[float]) -> tf.Tensor:
        """Matrices [C, C] of styles -> their mean."""
        return linear_mean(descriptions, shares)

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Two matrices [C, C] -> scalar."""
        return self.distance(generated, style)

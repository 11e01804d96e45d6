"""Wasserstein-2 distance between the Gaussians that two sets of activations would have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from nst_tf.statistics.gaussian_barycentre import barycentre
from nst_tf.statistics.moments import MomentSums, covariance_of, moment_sums
from nst_tf.statistics.parameters import check_positive
from nst_tf.statistics.shapes import sizes
from nst_tf.statistics.statistic import as_column, as_vectors, linear_mean
from nst_tf.statistics.symmetric_roots import eigenvalues, symmetric_power


class Gaussian(NamedTuple):
    """Means [C], covariance matrix [C, C] and its root [C, C]; the matrices in float64."""

    means: tf.Tensor
    covariance: tf.Tensor
    root: tf.Tensor


@dataclass(frozen=True)
class GaussianWasserstein:
    """mean_c (mu - mu_s)_c^2 + mean_c diag(Sig + Sig_s - 2 (Sig_s^1/2 Sig Sig_s^1/2)^1/2)_c.

    mu [C] and Sig [C, C] are the mean and the covariance (1/M) of the activations F [M, C], plus
    ``epsilon`` on the diagonal of Sig. Times C it is the squared Wasserstein-2 distance of two Gaussians:
    Olkin and Pukelsheim 1982, "The distance between two random vectors with given dispersion matrices".
    As the loss of a style: crowsonkb/style-transfer-pytorch, StyleLossW2, with its epsilon.
    Departure: there both roots are 12 Newton-Schulz iterations in float32, which leave the small
    eigenvalues unconverged; here they are exact. Only the trace of the outer root is needed, and its
    derivative d tr B^1/2 = 1/2 tr(B^-1/2 dB) needs no derivative of an eigenvector, which would not exist
    for equal eigenvalues. Matrices are in float64, because B has the square of Sig's condition number.
    """

    summable: ClassVar[bool] = True
    weighted: ClassVar[bool] = True
    epsilon: float = 1e-4

    def __post_init__(self) -> None:
        """Refuse an epsilon that is not above 0: InputError."""
        check_positive("epsilon of the Gaussian Wasserstein distance", self.epsilon)

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> Gaussian:
        """Activations [1, H, W, C] -> means, covariance and its root (unused in the generated image's)."""
        return self.described(self.sums(activations, weights), activations.dtype)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> MomentSums:
        """Activations [1, H, W, C] -> sums of first and second moments."""
        return moment_sums(as_vectors(activations), tf.float64, as_column(weights, tf.float64))

    def described(self, sums: MomentSums, dtype: tf.DType = tf.float32) -> Gaussian:
        """Sums -> means, covariance and its root."""
        matrix = covariance_of(sums, sums.positions)
        matrix += self.epsilon * tf.eye(sizes(matrix)[0], dtype=tf.float64)
        means = tf.cast(sums.first / sums.positions, dtype)
        return Gaussian(
            means, matrix, tf.stop_gradient(symmetric_power(tf.stop_gradient(matrix), 0.5, self.epsilon))
        )

    def blended(self, descriptions: Sequence[Gaussian], shares: Sequence[float]) -> Gaussian:
        """Gaussians of styles -> their Wasserstein-2 barycentre; see ``gaussian_barycentre``."""
        means = linear_mean([one.means for one in descriptions], shares)
        matrix = barycentre([one.covariance for one in descriptions], shares, self.epsilon)
        return Gaussian(means, matrix, symmetric_power(matrix, 0.5, self.epsilon))

    def compare(self, generated: Gaussian, style: Gaussian) -> tf.Tensor:
        """Two descriptions -> scalar, in the type of the means."""
        product = tf.matmul(style.root, tf.matmul(generated.covariance, style.root))
        # no eigenvalue can be below the product of the two smallest, which are epsilon
        overlap = _trace_of_root(product, self.epsilon**2)
        traces = tf.linalg.trace(generated.covariance) + tf.linalg.trace(style.covariance) - 2 * overlap
        between_means = tf.reduce_mean(tf.math.squared_difference(generated.means, style.means))
        return between_means + tf.cast(traces / sizes(product)[0], between_means.dtype)


def _trace_of_root(matrix: tf.Tensor, least: float) -> tf.Tensor:
    @tf.custom_gradient
    def trace(given: tf.Tensor):
        values, vectors = eigenvalues(given, least)
        roots = tf.sqrt(values)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return upstream / 2 * tf.matmul(vectors / roots, vectors, transpose_b=True)

        return tf.reduce_sum(roots), gradient

    value: Any = trace(matrix)
    return value

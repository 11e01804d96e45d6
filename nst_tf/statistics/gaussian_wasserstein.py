"""The Wasserstein-2 distance between Gaussians, and their barycentre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from nst_tf.device import custom_gradient
from nst_tf.errors import check_at_least_zero
from nst_tf.statistics.gram import MomentSums, covariance_of, moment_sums
from nst_tf.statistics.statistic import (
    SumsOverPositions,
    as_column,
    as_vectors,
    linear_mean,
    not_below_zero,
    sizes,
    total_of,
)

# Of the mean eigenvalue: without an epsilon, smaller ones are none. Rounding leaves about 1e-15 of the mean
# there, which the inverse root in a derivative would enlarge.
_SMALLEST_EIGENVALUE = 1e-10
# Times the channels. With so many positions, products in float32 change the default's loss by 1e-7 of it and
# its gradient by 1e-5. With hardly more than one position a channel it was 5e-4, and with fewer, where an
# epsilon is all that many directions have, several percent: there they are in float64, which costs little.
_MANY_POSITIONS = 4


class Gaussian(NamedTuple):
    """Means [C] and covariance matrix [C, C]; matrices are in float64.

    ``root`` is the covariance's, [C, C], of a style that is a target; empty of what is compared with it.
    ``factor`` is X [M, C] with X^T X the covariance, of fewer positions than channels; or empty.
    """

    means: tf.Tensor
    covariance: tf.Tensor
    root: Any = ()
    factor: Any = ()


@dataclass(frozen=True)
class GaussianWasserstein(SumsOverPositions):
    """mean_c (mu - mu_s)_c^2 + mean_c diag(Sig + Sig_s - 2 (Sig_s^1/2 Sig Sig_s^1/2)^1/2)_c.

    mu [C] and Sig [C, C] are the mean and the covariance (1/M) of the activations F [M, C], plus
    ``epsilon`` on the diagonal of Sig. Times C it is the squared Wasserstein-2 distance of two Gaussians:
    Olkin and Pukelsheim 1982, "The distance between two random vectors with given dispersion matrices".
    As the loss of a style: crowsonkb/style-transfer-pytorch, StyleLossW2, with its epsilon.
    Departure: there both roots are 12 Newton-Schulz iterations in float32, which leave the small
    eigenvalues unconverged; here they are exact. Only the trace of the outer root is needed, and its
    derivative d tr B^1/2 = 1/2 tr(B^-1/2 dB) needs no derivative of an eigenvector, which would not exist
    for equal eigenvalues. Matrices are in float64, because B has the square of Sig's condition number.
    Of two covariances that agree the traces leave rounding, up to 1e-5 of themselves and of either sign
    (roots of eigenvalues that are 0 or left out): below 0 it counts as 0, and has no slope.

    With an ``epsilon`` of 0, a layer of fewer positions than channels takes the root of a smaller matrix:
    for Sig = X^T X, X [M, C], tr (Sig_s^1/2 Sig Sig_s^1/2)^1/2 = tr (X Sig_s X^T)^1/2, since both products
    have the same eigenvalues above 0. The time of a root grows with the cube of the matrix's side.
    """

    epsilon: float = 1e-4

    def __post_init__(self) -> None:
        """Refuse an epsilon below 0: InputError."""
        check_at_least_zero("epsilon of the Gaussian Wasserstein distance", self.epsilon)

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> Gaussian:
        """Activations [1, H, W, C] -> means and covariance, and the factor where it is the smaller matrix."""
        found: Gaussian = super().describe(activations, weights)
        vectors = as_vectors(activations)
        positions, channels = vectors.shape
        if self.epsilon > 0 or positions is None or channels is None or positions >= channels:
            return found
        return found._replace(factor=_factor_of_covariance(vectors, as_column(weights, tf.float64)))

    def target(self, description: Gaussian) -> Gaussian:
        """A description -> that of a style: with the root, and the same whatever size its picture had."""
        root = description.root
        if isinstance(root, tuple):
            root = self._root(tf.stop_gradient(description.covariance))
        return description._replace(root=root, factor=())

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> MomentSums:
        positions, channels = as_vectors(activations).shape
        few = positions is None or channels is None or positions < _MANY_POSITIONS * channels
        return moment_sums(activations, weights, tf.float64 if few else activations.dtype)

    def described(self, sums: MomentSums, dtype: tf.DType = tf.float32) -> Gaussian:
        matrix = covariance_of(sums, sums.positions)
        matrix += self.epsilon * tf.eye(sizes(matrix)[0], dtype=tf.float64)
        means = tf.cast(sums.first / sums.positions, dtype)
        return Gaussian(means, matrix)

    def blended(self, descriptions: Sequence[Gaussian], shares: Sequence[float]) -> Gaussian:
        """The Wasserstein-2 ``barycentre`` of the styles' Gaussians."""
        means = linear_mean([one.means for one in descriptions], shares)
        matrices = [one.covariance for one in descriptions]
        matrix = barycentre(
            matrices, shares, self.epsilon or _SMALLEST_EIGENVALUE * _least_mean_eigenvalue(matrices)
        )
        return Gaussian(means, matrix, self._root(matrix))

    def compare(self, generated: Gaussian, style: Gaussian) -> tf.Tensor:
        root = self.target(style).root
        if not isinstance(generated.factor, tuple):
            half = tf.matmul(generated.factor, root)
            product = tf.matmul(half, half, transpose_b=True)
            trace = tf.reduce_sum(tf.square(generated.factor))
        else:
            product = tf.matmul(root, tf.matmul(generated.covariance, root))
            trace = tf.linalg.trace(generated.covariance)
        if self.epsilon:  # no eigenvalue can be below the product of the two smallest, which are epsilon
            overlap = _trace_of_root(product, self.epsilon**2, 0.0)
        else:
            none = tf.stop_gradient(_SMALLEST_EIGENVALUE * _least_mean_eigenvalue([product]))
            overlap = _trace_of_root(product, none, none)
        traces = not_below_zero(trace + tf.linalg.trace(style.covariance) - 2 * overlap)
        between_means = tf.reduce_mean(tf.math.squared_difference(generated.means, style.means))
        channels = sizes(style.covariance)[0]
        return between_means + tf.cast(traces / tf.cast(channels, traces.dtype), between_means.dtype)

    def _root(self, matrix: tf.Tensor) -> tf.Tensor:
        return symmetric_power(matrix, 0.5, self.epsilon)


def _factor_of_covariance(vectors: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """Vectors F [M, C], and their weights [M, 1] -> X [M, C] in float64 with X^T X their covariance."""
    vectors = tf.cast(vectors, tf.float64)
    if weights is None:
        weights = tf.ones_like(vectors[:, :1])
    shares = weights / tf.reduce_sum(weights)
    return tf.sqrt(shares) * (vectors - total_of(vectors, shares))


def _least_mean_eigenvalue(matrices: Sequence[tf.Tensor]) -> tf.Tensor:
    """Of symmetric matrices [C, C], the least of the means of their eigenvalues; scalar."""
    return tf.reduce_min([tf.reduce_mean(tf.linalg.diag_part(one)) for one in matrices])


def _trace_of_root(matrix: tf.Tensor, least: tf.Tensor | float, none: tf.Tensor | float) -> tf.Tensor:
    """Eigenvalues are raised to ``least``; those that then are not above ``none`` count as 0."""

    @custom_gradient
    def trace(given: tf.Tensor):
        values, vectors = eigenvalues(given, least)
        zeros = tf.zeros_like(values)
        is_none = values <= tf.cast(none, values.dtype)  # of a NaN it is not known
        inverse = tf.where(is_none, zeros, tf.math.rsqrt(values))

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return upstream / 2 * tf.matmul(vectors * inverse, vectors, transpose_b=True)

        return tf.reduce_sum(tf.where(is_none, zeros, tf.sqrt(values))), gradient

    value: Any = trace(matrix)
    return value


# ---- roots of symmetric positive matrices ----


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


# ---- the barycentre of Gaussians: the one whose squared distances to all have the least mean ----

# two matrices need one step; three of VGG's layers had converged after 6 to 10
_MOST_STEPS = 30
# of the trace: what a loss of single precision can't see
_TOLERANCE = 1e-7


def barycentre(matrices: Sequence[tf.Tensor], shares: Sequence[float], least: tf.Tensor | float) -> tf.Tensor:
    """Covariance matrices [C, C] float64 and their shares, which sum to 1 -> that of the barycentre, [C, C].

    S is the fixed point of S <- S^-1/2 (sum_k share_k (S^1/2 S_k S^1/2)^1/2)^2 S^-1/2, Alvarez-Esteban,
    del Barrio, Cuesta-Albertos, Matran 2016, "A fixed-point approach to barycenters in Wasserstein space",
    equation 7. From the first matrix, one step is exact for two. ``least`` is what every eigenvalue of the
    matrices reaches. It loops in Python: the target of a run is computed once, outside compiled functions.
    """
    used = [(one, share) for one, share in zip(matrices, shares, strict=True) if share > 0]
    found = used[0][0]
    if len(used) == 1:
        return found
    for _ in range(_MOST_STEPS):
        root, inverse = symmetric_power(found, 0.5, least), symmetric_power(found, -0.5, least)
        middle = tf.add_n(
            [
                share * symmetric_power(tf.matmul(root, tf.matmul(one, root)), 0.5, least**2)
                for one, share in used
            ]
        )
        half = tf.matmul(inverse, middle)
        before, found = found, tf.matmul(half, half, transpose_b=True)
        moved = tf.linalg.norm(found - before) / tf.linalg.trace(found)
        if len(used) == 2 or float(moved) < _TOLERANCE:
            break
    return found

"""Statistics by first and second moments: Gram matrices, covariances, correlations, means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import tensorflow as tf

from nst_tf.device import custom_gradient
from nst_tf.errors import check_positive
from nst_tf.statistics.distances import Distance, SquaredError
from nst_tf.statistics.statistic import SumsOverPositions, total_of, weighted_vectors


class GramSums(NamedTuple):
    """The number of positions (scalar float64) and F^T F [C, C]."""

    positions: tf.Tensor
    products: tf.Tensor


@dataclass(frozen=True)
class Gram(SumsOverPositions):
    """Gram matrix G = F^T F of the activations F [M, C], divided by M^p C^q; [C, C].

    It tells which channels fire together, wherever they fire.
    Gatys, Ecker, Bethge, CVPR 2016, equation 3 (there F is C x M and G = F F^T, which is the same
    matrix). The sources differ in what they divide by: nothing (p=0, q=0: Keras' example), the M
    positions (p=1: the TensorFlow guide, Gatys' notebook), positions and channels (p=1, q=1:
    neural-style; it is also what equation 4's 1 / (4 C^2 M^2) comes to). M is always that of the
    picture that the activations come from, so pictures of different sizes can be compared.
    """

    positions_power: float = 1.0
    channels_power: float = 0.0
    distance: Distance = field(default_factory=SquaredError)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> GramSums:
        vectors, column = weighted_vectors(activations, weights)
        return GramSums(position_count(vectors, column), products_of(vectors, column))

    def described(self, sums: GramSums, dtype: tf.DType = tf.float32) -> tf.Tensor:
        del dtype  # the products have it
        gram = _times_power(sums.products, sums.positions, -self.positions_power)
        return _times_power(gram, tf.shape(gram)[0], -self.channels_power)


def _times_power(value: tf.Tensor, base: tf.Tensor, power: float) -> tf.Tensor:
    return value if power == 0 else value * tf.cast(base, value.dtype) ** power


# ---- first and second moments, as sums over positions ----------------------


class MomentSums(NamedTuple):
    """Over the positions m of F [M, C]: M (scalar), sum F_m [C] and sum F_m F_m^T [C, C], in float64."""

    positions: tf.Tensor
    first: tf.Tensor
    second: tf.Tensor


def moment_sums(
    activations: tf.Tensor, weights: tf.Tensor | None = None, products: tf.DType | None = None
) -> MomentSums:
    """Activations [1, H, W, C] -> their sums. With weights w every sum is weighted, and sum w stands for M.

    E[f f^T] - mu mu^T in float32 loses every digit of a variance that is small beside the square of its
    mean. So the products are those of F - r with r the mean of these vectors, and what that changes is
    put back exactly, in float64: F^T F = (F - r)^T (F - r) + t r^T + r t^T + M r r^T, t = sum (F_m - r).
    The identity holds for any r, which therefore is a constant for the gradient. Products are multiplied in
    the type ``products``, by default that of F.
    """
    vectors, column = weighted_vectors(activations, weights)
    reference = tf.stop_gradient(tf.reduce_mean(vectors, axis=0))
    scatter, rest = products_of(vectors, column, reference, products or vectors.dtype)
    scatter, rest = tf.cast(scatter, tf.float64), tf.cast(rest, tf.float64)
    positions = position_count(vectors, column)
    means = tf.cast(reference, tf.float64)
    outer = rest[:, tf.newaxis] * means
    second = scatter + outer + tf.transpose(outer) + positions * means[:, tf.newaxis] * means
    return MomentSums(positions, rest + positions * means, second)


def products_of(
    vectors: tf.Tensor,
    weights: tf.Tensor | None = None,
    reference: tf.Tensor | None = None,
    products: Any = None,
) -> Any:
    """Vectors F [M, C] and weights w [M, 1] -> F^T W F [C, C], W the diagonal matrix of w or the identity.

    With a ``reference`` r, that of F - r in the type ``products``, and sum W (F - r) [C].
    One pass over F each way: the gradient W F (D + D^T), for an upstream D, is one product; differentiating
    the product by each of its two factors would take two of that size, and keep W F for them.
    """

    @custom_gradient
    def products_and_sum(given: tf.Tensor):
        centred = given if reference is None else tf.cast(given - reference, products)
        times = None if weights is None else tf.cast(weights, centred.dtype)
        weighted = centred if times is None else times * centred

        def gradient(of_products: tf.Tensor, of_sum: tf.Tensor | None = None) -> tf.Tensor:
            slopes = tf.matmul(centred, of_products + tf.transpose(of_products))
            if of_sum is not None:
                slopes = tf.nn.bias_add(slopes, of_sum)
            return tf.cast(slopes if times is None else times * slopes, given.dtype)

        value = tf.matmul(centred, weighted, transpose_a=True)
        return (value if reference is None else (value, tf.reduce_sum(weighted, axis=0))), gradient

    return products_and_sum(vectors)


def covariance_of(sums: MomentSums, divisor: tf.Tensor) -> tf.Tensor:
    """(sum F F^T - M mu mu^T) / divisor, [C, C] float64."""
    means = sums.first / sums.positions
    return (sums.second - sums.positions * means[:, tf.newaxis] * means) / divisor


def unbiased(positions: tf.Tensor) -> tf.Tensor:
    """M - 1, which for a single position counts as 1."""
    return tf.maximum(positions - 1, 1)


def position_count(vectors: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """M of the vectors [M, C], or the sum of their weights [M, 1]: scalar float64, which can be summed."""
    if weights is not None:
        return tf.reduce_sum(tf.cast(weights, tf.float64))
    return tf.cast(tf.shape(vectors)[0], tf.float64)


@dataclass(frozen=True)
class Covariance(SumsOverPositions):
    """Covariance matrix X^T X / (M - 1) of the centred activations X = F - mean(F), F [M, C]; [C, C].

    The second of three matrices that lectures on style transfer match (Gram, covariance, correlation).
    Unlike the Gram matrix it is blind to the channels' means: G / M = cov (M - 1) / M + mu mu^T. M is
    that of the picture that the activations come from. A layer of one position has covariance 0.
    """

    distance: Distance = field(default_factory=SquaredError)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> MomentSums:
        return moment_sums(activations, weights)

    def described(self, sums: MomentSums, dtype: tf.DType = tf.float32) -> tf.Tensor:
        return tf.cast(covariance_of(sums, unbiased(sums.positions)), dtype)


@dataclass(frozen=True)
class Correlation(SumsOverPositions):
    """Correlation matrix R_ij = cov_ij / sqrt((cov_ii + e) (cov_jj + e)), with 1 on its diagonal; [C, C].

    Pearson's coefficient between the channels of F [M, C], the third of three matrices that lectures
    match. It is blind to the channels' means and to their strengths.
    Departure: e = ``epsilon``, which no definition has. It makes a dead channel (zero variance, where
    the coefficient is 0/0) correlate with nothing, with a finite gradient. The default is one part in
    1e8 of a variance of 1, and above what rounding leaves of the variance of a constant channel.
    """

    epsilon: float = 1e-8
    distance: Distance = field(default_factory=SquaredError)

    def __post_init__(self) -> None:
        check_positive("epsilon of the correlation", self.epsilon)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> MomentSums:
        return moment_sums(activations, weights)

    def described(self, sums: MomentSums, dtype: tf.DType = tf.float32) -> tf.Tensor:
        matrix = tf.cast(covariance_of(sums, unbiased(sums.positions)), dtype)
        scale = tf.math.rsqrt(tf.linalg.diag_part(matrix) + self.epsilon)
        # the diagonal is 1 by definition: it must neither have a value of its own nor a gradient
        return tf.linalg.set_diag(matrix * scale[:, tf.newaxis] * scale, tf.ones_like(scale))


# ---- each channel for itself -----------------------------------------------


class Totals(NamedTuple):
    """The number of positions, scalar float64, and the sum of the activations over them, [C]."""

    positions: tf.Tensor
    first: tf.Tensor


@dataclass(frozen=True)
class ChannelMeans(SumsOverPositions):
    """Mean mu = 1/M sum_m F_m of the activations F [M, C] in every channel, [C].

    With a distance that sums, this is the squared Maximum Mean Discrepancy under the linear kernel
    k(f, s) = f . s (Li et al. 2017, "Demystifying Neural Style Transfer").
    """

    distance: Distance = field(default_factory=SquaredError)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> Totals:
        vectors, column = weighted_vectors(activations, weights)
        return Totals(position_count(vectors, column), total_of(vectors, column))

    def described(self, sums: Totals, dtype: tf.DType = tf.float32) -> tf.Tensor:
        del dtype  # the sums have it
        return sums.first / tf.cast(sums.positions, sums.first.dtype)


class MeansAndDeviations(NamedTuple):
    """Mean and standard deviation of every channel, each [C]."""

    means: tf.Tensor
    deviations: tf.Tensor


class ChannelSums(NamedTuple):
    """Positions (scalar), sum F_m [C] and sum F_m^2 [C] over the positions m, in float64."""

    positions: tf.Tensor
    first: tf.Tensor
    squares: tf.Tensor


@dataclass(frozen=True)
class BatchNormalizationStatistics(SumsOverPositions):
    """1/C sum_c (mu_c - mu_s,c)^2 + (sigma_c - sigma_s,c)^2: what batch normalization knows of a layer.

    mu and sigma are the mean and the standard deviation (1/M) of each channel over the M positions of
    its own picture. Li et al. 2017, "Demystifying Neural Style Transfer", BN statistics matching.
    Departure: sigma = sqrt(variance + ``epsilon``), because the slope of the root is infinite at 0. Both
    pictures have it, so that two dead channels agree. Several styles are the mean of each mean and deviation:
    the Wasserstein-2 barycentre of the normal distributions.
    """

    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_positive("epsilon of the batch normalization statistics", self.epsilon)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> ChannelSums:
        """Squares are taken as ``moment_sums`` takes its products."""
        vectors, column = weighted_vectors(activations, weights)
        reference = tf.stop_gradient(tf.reduce_mean(vectors, axis=0))
        centred = vectors - reference
        rest = tf.cast(total_of(centred, column), tf.float64)
        squares = tf.cast(total_of(tf.square(centred), column), tf.float64)
        positions, means = position_count(vectors, column), tf.cast(reference, tf.float64)
        squares += 2 * means * rest + positions * tf.square(means)
        return ChannelSums(positions, rest + positions * means, squares)

    def described(self, sums: ChannelSums, dtype: tf.DType = tf.float32) -> MeansAndDeviations:
        means = sums.first / sums.positions
        # float64 leaves a variance of 0 a rounding's breadth below 0
        variances = tf.maximum(sums.squares / sums.positions - tf.square(means), 0.0)
        return MeansAndDeviations(tf.cast(means, dtype), tf.cast(tf.sqrt(variances + self.epsilon), dtype))

    def compare(self, generated: MeansAndDeviations, style: MeansAndDeviations) -> tf.Tensor:
        return tf.reduce_mean(
            tf.math.squared_difference(generated.means, style.means)
            + tf.math.squared_difference(generated.deviations, style.deviations)
        )

"""What batch normalization knows of a layer: each channel's mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from nst_tf.statistics.moments import position_count
from nst_tf.statistics.parameters import check_positive
from nst_tf.statistics.statistic import as_column, as_vectors, linear_mean, total_of


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
class BatchNormalizationStatistics:
    """1/C sum_c (mu_c - mu_s,c)^2 + (sigma_c - sigma_s,c)^2.

    mu and sigma are the mean and the standard deviation (1/M) of each channel over the M positions of
    its own picture. Li et al. 2017, "Demystifying Neural Style Transfer", BN statistics matching.
    Departure: sigma = sqrt(variance + ``epsilon``), because the slope of the root is infinite at 0. Both
    pictures have it, so that two dead channels agree.
    """

    summable: ClassVar[bool] = True
    weighted: ClassVar[bool] = True
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Refuse an epsilon that is not above 0: InputError."""
        check_positive("epsilon of the batch normalization statistics", self.epsilon)

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> MeansAndDeviations:
        """Activations [1, H, W, C] -> means [C] and standard deviations [C]."""
        return self.described(self.sums(activations, weights), activations.dtype)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> ChannelSums:
        """Activations [1, H, W, C] -> sums; squares are taken as ``moment_sums`` takes its products."""
        vectors = as_vectors(activations)
        reference = tf.stop_gradient(tf.reduce_mean(vectors, axis=0))
        centred = vectors - reference
        column = as_column(weights, vectors.dtype)
        rest = tf.cast(total_of(centred, column), tf.float64)
        squares = tf.cast(total_of(tf.square(centred), column), tf.float64)
        positions, means = position_count(vectors, column), tf.cast(reference, tf.float64)
        squares += 2 * means * rest + positions * tf.square(means)
        return ChannelSums(positions, rest + positions * means, squares)

    def described(self, sums: ChannelSums, dtype: tf.DType = tf.float32) -> MeansAndDeviations:
        """Sums -> means [C] and standard deviations [C]."""
        means = sums.first / sums.positions
        # float64 leaves a variance of 0 a rounding's breadth below 0
        variances = tf.maximum(sums.squares / sums.positions - tf.square(means), 0.0)
        return MeansAndDeviations(tf.cast(means, dtype), tf.cast(tf.sqrt(variances + self.epsilon), dtype))

    def blended(
        self, descriptions: Sequence[MeansAndDeviations], shares: Sequence[float]
    ) -> MeansAndDeviations:
        """Descriptions of styles -> the mean of each mean and of each deviation.

        It is the Wasserstein-2 barycentre of the channels' normal distributions.
        """
        return linear_mean(descriptions, shares)

    def compare(self, generated: MeansAndDeviations, style: MeansAndDeviations) -> tf.Tensor:
        """Two descriptions -> scalar."""
        return tf.reduce_mean(
            tf.math.squared_difference(generated.means, style.means)
            + tf.math.squared_difference(generated.deviations, style.deviations)
        )

"""What batch normalization knows of a layer: each channel's mean and standard deviation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from nst_tf.statistics.moments import means_and_centred
from nst_tf.statistics.parameters import check_positive
from nst_tf.statistics.statistic import as_vectors


class MeansAndDeviations(NamedTuple):
    """Mean and standard deviation of every channel, each [C]."""

    means: tf.Tensor
    deviations: tf.Tensor


@dataclass(frozen=True)
class BatchNormalizationStatistics:
    """1/C sum_c (mu_c - mu_s,c)^2 + (sigma_c - sigma_s,c)^2.

    mu and sigma are the mean and the standard deviation (1/M) of each channel over the M positions of
    its own picture. Li et al. 2017, "Demystifying Neural Style Transfer", BN statistics matching.
    Departure: sigma = sqrt(variance + ``epsilon``), because the slope of the root is infinite at 0. Both
    pictures have it, so that two dead channels agree.
    """

    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Refuse an epsilon that is not above 0: InputError."""
        check_positive("epsilon of the batch normalization statistics", self.epsilon)

    def describe(self, activations: tf.Tensor) -> MeansAndDeviations:
        """Activations [1, H, W, C] -> means [C] and standard deviations [C]."""
        means, centred = means_and_centred(as_vectors(activations))
        variances = tf.reduce_mean(tf.square(centred), axis=0)
        return MeansAndDeviations(means, tf.sqrt(variances + self.epsilon))

    def compare(self, generated: MeansAndDeviations, style: MeansAndDeviations) -> tf.Tensor:
        """Two descriptions -> scalar."""
        return tf.reduce_mean(
            tf.math.squared_difference(generated.means, style.means)
            + tf.math.squared_difference(generated.deviations, style.deviations)
        )

"""The channels' means: how strongly each channel fires on average."""

from __future__ import annotations

from dataclasses import dataclass, field

import tensorflow as tf

from nst_tf.statistics.distances import Distance, SquaredError
from nst_tf.statistics.statistic import as_vectors


@dataclass(frozen=True)
class ChannelMeans:
    """Mean mu = 1/M sum_m F_m of the activations F [M, C] in every channel.

    With a distance that sums, this is the squared Maximum Mean Discrepancy under the linear kernel
    k(f, s) = f . s (Li et al. 2017, "Demystifying Neural Style Transfer").
    """

    distance: Distance = field(default_factory=SquaredError)

    def describe(self, activations: tf.Tensor) -> tf.Tensor:
        """Activations [1, H, W, C] -> [C]."""
        return tf.reduce_mean(as_vectors(activations), axis=0)

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Two vectors [C] -> scalar."""
        return self.distance(generated, style)

"""The channels' means: how strongly each channel fires on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import tensorflow as tf

from nst_tf.statistics.distances import Distance, SquaredError
from nst_tf.statistics.moments import position_count
from nst_tf.statistics.statistic import as_column, as_vectors, linear_mean, total_of


class Totals(NamedTuple):
    """The number of positions, scalar float64, and the sum of the activations over them, [C]."""

    positions: tf.Tensor
    first: tf.Tensor


@dataclass(frozen=True)
class ChannelMeans:
    """Mean mu = 1/M sum_m F_m of the activations F [M, C] in every channel.

    With a distance that sums, this is the squared Maximum Mean Discrepancy under the linear kernel
    k(f, s) = f . s (Li et al. 2017, "Demystifying Neural Style Transfer").
    """

    summable: ClassVar[bool] = True
    weighted: ClassVar[bool] = True
    distance: Distance = field(default_factory=SquaredError)

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
        """Activations [1, H, W, C] -> [C]."""
        return self.described(self.sums(activations, weights), activations.dtype)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> Totals:
        """Activations [1, H, W, C] -> positions and sums [C]."""
        vectors = as_vectors(activations)
        column = as_column(weights, vectors.dtype)
        return Totals(position_count(vectors, column), total_of(vectors, column))

    def described(self, sums: Totals, dtype: tf.DType = tf.float32) -> tf.Tensor:
        """Sums -> [C]."""
        del dtype  # the sums have it
        return sums.first / tf.cast(sums.positions, sums.first.dtype)

    def blended(self, descriptions: Sequence[tf.Tensor], shares: Sequence[float]) -> tf.Tensor:
        """Vectors [C] of styles -> their mean."""
        return linear_mean(descriptions, shares)

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Two vectors [C] -> scalar."""
        return self.distance(generated, style)

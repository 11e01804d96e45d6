"""The Gram matrix: which channels fire together, wherever they fire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import tensorflow as tf

from nst_tf.statistics.distances import Distance, SquaredError
from nst_tf.statistics.moments import position_count, products_of
from nst_tf.statistics.statistic import as_column, as_vectors, linear_mean, times_power


class GramSums(NamedTuple):
    """The number of positions (scalar float64) and F^T F [C, C]."""

    positions: tf.Tensor
    products: tf.Tensor


@dataclass(frozen=True)
class Gram:
    """Gram matrix G = F^T F of the activations F [M, C], divided by M^p C^q.

    Gatys, Ecker, Bethge, CVPR 2016, equation 3 (there F is C x M and G = F F^T, which is the same
    matrix). The sources differ in what they divide by: nothing (p=0, q=0: Keras' example), the M
    positions (p=1: the TensorFlow guide, Gatys' notebook), positions and channels (p=1, q=1:
    neural-style; it is also what equation 4's 1 / (4 C^2 M^2) comes to). M is always that of the
    picture that the activations come from, so pictures of different sizes can be compared.
    """

    summable: ClassVar[bool] = True
    weighted: ClassVar[bool] = True
    positions_power: float = 1.0
    channels_power: float = 0.0
    distance: Distance = field(default_factory=SquaredError)

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
        """Activations [1, H, W, C] -> [C, C]."""
        return self.described(self.sums(activations, weights), activations.dtype)

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> GramSums:
        """Activations [1, H, W, C] -> positions and products."""
        vectors = as_vectors(activations)
        column = as_column(weights, vectors.dtype)
        return GramSums(position_count(vectors, column), products_of(vectors, column))

    def described(self, sums: GramSums, dtype: tf.DType = tf.float32) -> tf.Tensor:
        """Sums -> [C, C]."""
        del dtype  # the products have it
        gram = times_power(sums.products, sums.positions, -self.positions_power)
        return times_power(gram, tf.shape(gram)[0], -self.channels_power)

    def blended(self, descriptions: Sequence[tf.Tensor], shares: Sequence[float]) -> tf.Tensor:
        """Matrices [C, C] of styles -> their mean."""
        return linear_mean(descriptions, shares)

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Two matrices [C, C] -> scalar."""
        return self.distance(generated, style)

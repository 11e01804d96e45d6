"""Sliced Wasserstein distance: two sets of activations, seen from many directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from nst_tf.statistics.parameters import check_whole
from nst_tf.statistics.quantiles import SortedRows, mean_quantiles, sorted_rows, squared_transport_cost
from nst_tf.statistics.shapes import sizes
from nst_tf.statistics.statistic import as_vectors


@dataclass(frozen=True)
class SlicedWasserstein:
    """Mean over directions d of mean_i (sort(F d)_i - sort(S d)_i)^2.

    F [M, C] are the activations, d unit vectors of C numbers, drawn evenly from the sphere. Heitz et al.
    2021, "A Sliced Wasserstein Loss for Neural Texture Synthesis", section 3 and figure 2. ``directions``
    None takes as many as the layer has channels, as the authors' code does. Where the style has another M,
    its sorted projections are resampled to the generated image's count by interpolation; the paper has
    equal sizes and repeats the style's.
    Departure: the directions are drawn once, by ``seed``, not anew at every step, so that a line search
    sees one function.
    """

    weighted: ClassVar[bool] = True
    directions: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse fewer than 1 direction and a seed below 0: InputError."""
        if self.directions is not None:
            name = "directions of the sliced Wasserstein distance (null: one a channel)"
            check_whole(name, self.directions, 1)
        check_whole("seed of the sliced Wasserstein distance", self.seed, 0)

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> SortedRows:
        """Activations [1, H, W, C] -> sorted projections [D, M], with their weights if there are any."""
        vectors = as_vectors(activations)
        channels = sizes(vectors)[1]
        directions = tf.random.stateless_normal(
            [self.directions or channels, channels], seed=(self.seed, channels), dtype=tf.float32
        )
        directions = tf.math.l2_normalize(tf.cast(directions, vectors.dtype), axis=1)
        return sorted_rows(tf.matmul(directions, vectors, transpose_b=True), weights)

    def blended(self, descriptions: Sequence[SortedRows], shares: Sequence[float]) -> SortedRows:
        """Sorted projections of styles -> the mean of their quantiles, the barycentre on each direction."""
        return mean_quantiles(descriptions, shares)

    def compare(self, generated: SortedRows, style: SortedRows) -> tf.Tensor:
        """Sorted projections [D, M] and [D, N] -> scalar."""
        return squared_transport_cost(generated, style)

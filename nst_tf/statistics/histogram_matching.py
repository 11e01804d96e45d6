"""Histogram matching: every channel must have the style's histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from nst_tf.statistics.quantiles import SortedRows, mean_quantiles, sorted_rows, squared_transport_cost
from nst_tf.statistics.statistic import as_vectors


@dataclass(frozen=True)
class HistogramMatching:
    """Mean over channels and positions of (F - R(F))^2, R(F) being F remapped to the style's histogram.

    Risser, Wilmot, Barnes 2017, "Stable and Controllable Neural Texture Synthesis and Style Transfer Using
    Histogram Losses", the histogram loss (there the sum of squares), for each channel of F [M, C] alone.
    R(F) is a constant for the gradient, as in the paper.
    Departure: the paper remaps through cumulative histograms of a number of bins; here R gives the i-th
    smallest activation of M the style's quantile at (i + 1/2) / M, the limit of bins as fine as the numbers,
    with nothing to choose. That is optimal transport in one dimension, so the loss is the mean over channels
    of the squared Wasserstein-2 distance of their histograms, and 2 (F - R(F)) / (M C) its true gradient.
    It is SlicedWasserstein with the C axes as directions.
    """

    weighted: ClassVar[bool] = True

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> SortedRows:
        """Activations [1, H, W, C] -> sorted channels [C, M], with their weights if there are any."""
        return sorted_rows(tf.transpose(as_vectors(activations)), weights)

    def blended(self, descriptions: Sequence[SortedRows], shares: Sequence[float]) -> SortedRows:
        """Sorted channels of styles -> the mean of their quantiles, the barycentre of each channel."""
        return mean_quantiles(descriptions, shares)

    def compare(self, generated: SortedRows, style: SortedRows) -> tf.Tensor:
        """Sorted channels [C, M] and [C, N] -> scalar."""
        return squared_transport_cost(generated, style)

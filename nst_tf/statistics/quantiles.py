"""Statistics by sorted values: histograms matched, sliced Wasserstein distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.errors import check_whole
from nst_tf.statistics.statistic import as_vectors, sizes


class _OfSortedRows:
    """Several styles are the mean of their quantiles: the barycentre of each row."""

    weighted: ClassVar[bool] = True

    def blended(self, descriptions: Sequence[SortedRows], shares: Sequence[float]) -> SortedRows:
        return mean_quantiles(descriptions, shares)

    def compare(self, generated: SortedRows, style: SortedRows) -> tf.Tensor:
        return squared_transport_cost(generated, style)


@dataclass(frozen=True)
class HistogramMatching(_OfSortedRows):
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

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> SortedRows:
        """Activations [1, H, W, C] -> sorted channels [C, M], with their weights if there are any."""
        return sorted_rows(tf.transpose(as_vectors(activations)), weights)


@dataclass(frozen=True)
class SlicedWasserstein(_OfSortedRows):
    """Mean over directions d of mean_i (sort(F d)_i - sort(S d)_i)^2.

    F [M, C] are the activations, d unit vectors of C numbers, drawn evenly from the sphere. Heitz et al.
    2021, "A Sliced Wasserstein Loss for Neural Texture Synthesis", section 3 and figure 2. ``directions``
    None takes as many as the layer has channels, as the authors' code does. Where the style has another M,
    its sorted projections are resampled to the generated image's count by interpolation; the paper has
    equal sizes and repeats the style's.
    Departure: the directions are drawn once, by ``seed``, not anew at every step, so that a line search
    sees one function.
    """

    directions: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
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


# ---- optimal transport in one dimension: between sorted rows of numbers ----


def quantiles(sorted_rows: tf.Tensor, count: int) -> tf.Tensor:
    """Sorted rows [D, N] -> [D, count]: their quantiles at (i + 1/2) / count, interpolated linearly.

    The n-th smallest of N numbers is their quantile at (n + 1/2) / N (Hazen's rule), so that ``count``
    = N leaves the rows untouched.
    """
    size = sizes(sorted_rows)[1]
    if size == count:
        return sorted_rows
    places = np.clip((np.arange(count) + 0.5) * (size / count) - 0.5, 0, size - 1)
    below = np.floor(places).astype(np.int32)
    above = np.minimum(below + 1, size - 1)
    share = tf.constant(places - below, sorted_rows.dtype)
    return (1 - share) * tf.gather(sorted_rows, below, axis=1) + share * tf.gather(sorted_rows, above, axis=1)


class WeightedRows(NamedTuple):
    """Sorted rows [D, N] and how often each of their numbers counts, [D, N]."""

    values: tf.Tensor
    weights: tf.Tensor


SortedRows = tf.Tensor | WeightedRows
"""Sorted rows [D, N], in which every number counts once unless it has a weight."""


def sorted_rows(rows: tf.Tensor, weights: tf.Tensor | None = None) -> SortedRows:
    """Rows [D, N], and a weight for each column, [1, H, W, 1] with H W = N, or None -> sorted rows.

    What has weight 0 is put last, at the largest number that counts, where no quantile between two others
    meets it.
    """
    if weights is None:
        return tf.sort(rows)
    counts = tf.cast(tf.reshape(weights, [1, -1]), rows.dtype)
    counting = counts > 0
    largest = tf.reduce_max(tf.where(counting, rows, rows.dtype.min), axis=1, keepdims=True)
    order = tf.argsort(tf.where(counting, rows, rows.dtype.max), axis=1)
    rows = tf.where(counting, rows, tf.stop_gradient(largest))
    sorted_counts = tf.gather(tf.broadcast_to(counts, tf.shape(rows)), order, batch_dims=1)
    return WeightedRows(tf.gather(rows, order, batch_dims=1), sorted_counts)


def mean_quantiles(every: Sequence[SortedRows], shares: Sequence[float]) -> SortedRows:
    """Sorted rows [D, N_k] and their shares, which sum to 1 -> the mean of their quantiles, [D, max N_k].

    In one dimension this is the Wasserstein-2 barycentre (Bonneel et al. 2015, "Sliced and Radon
    Wasserstein Barycenters of Measures", section 2).
    """
    weighted = [_weighted(rows) for rows in every]
    count = max(sizes(rows.values)[1] for rows in weighted)
    plain = not any(isinstance(rows, WeightedRows) for rows in every)
    levels = (np.arange(count) + 0.5) / count
    found = [
        quantiles(one, count)
        if isinstance(one, tf.Tensor)
        else _quantiles_at(one, _spread(levels, one.values))
        for one in every
    ]
    mean = tf.add_n([tf.constant(share, one.dtype) * one for share, one in zip(shares, found, strict=True)])
    return mean if plain else _weighted(mean)


def squared_transport_cost(generated: SortedRows, style: SortedRows) -> tf.Tensor:
    """Sorted rows [D, M] and [D, N] -> mean over rows of their squared Wasserstein-2 distance, a scalar.

    In one dimension the optimal transport takes the i-th smallest number to the i-th smallest. Exact
    where M = N; else the style is resampled to M quantiles. With weights, a number stands at the middle of
    the part of the row's weight that is its own (Hazen's rule), and counts as often as its weight says.
    """
    if isinstance(generated, tf.Tensor) and isinstance(style, tf.Tensor):
        return tf.reduce_mean(tf.math.squared_difference(generated, quantiles(style, sizes(generated)[1])))
    mine = _weighted(generated)
    theirs = _quantiles_at(_weighted(style), _levels(mine.weights))
    costs = mine.weights * tf.math.squared_difference(mine.values, theirs)
    return tf.reduce_sum(costs) / tf.reduce_sum(mine.weights)


def _weighted(rows: SortedRows) -> WeightedRows:
    return rows if isinstance(rows, WeightedRows) else WeightedRows(rows, tf.ones_like(rows))


def _levels(weights: tf.Tensor) -> tf.Tensor:
    """Weights [D, N] of sorted rows -> the level in [0, 1] of which each number is the quantile."""
    reached = tf.cumsum(weights, axis=1)
    return (reached - weights / 2) / reached[:, -1:]


def _quantiles_at(rows: WeightedRows, levels: tf.Tensor) -> tf.Tensor:
    """Quantiles of the rows at levels [D, M], interpolated linearly -> [D, M]."""
    own = _levels(rows.weights)
    above = tf.searchsorted(own, levels, side="right")
    last = sizes(own)[1] - 1
    below, above = tf.maximum(above - 1, 0), tf.minimum(above, last)
    start, end = (tf.gather(own, index, batch_dims=1) for index in (below, above))
    low, high = (tf.gather(rows.values, index, batch_dims=1) for index in (below, above))
    share = tf.clip_by_value(tf.math.divide_no_nan(levels - start, end - start), 0.0, 1.0)
    return low + share * (high - low)


def _spread(levels: np.ndarray, rows: tf.Tensor) -> tf.Tensor:
    """Levels [M] -> [D, M], the same for each of the rows [D, N]."""
    return tf.tile(tf.constant(levels[np.newaxis], rows.dtype), [sizes(rows)[0], 1])

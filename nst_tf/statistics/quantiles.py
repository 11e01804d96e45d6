"""Optimal transport in one dimension: between sorted rows of numbers."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from nst_tf.statistics.shapes import sizes


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


def squared_transport_cost(generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
    """Sorted rows [D, M] and [D, N] -> mean over rows of their squared Wasserstein-2 distance, a scalar.

    In one dimension the optimal transport takes the i-th smallest number to the i-th smallest. Exact
    where M = N; else the style is resampled to M quantiles.
    """
    return tf.reduce_mean(tf.math.squared_difference(generated, quantiles(style, sizes(generated)[1])))

"""First and second moments of activations, as sums over positions that can be taken piece by piece."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from nst_tf.custom_gradient import custom_gradient


class MomentSums(NamedTuple):
    """Over the positions m of F [M, C]: M (scalar), sum F_m [C] and sum F_m F_m^T [C, C], in float64."""

    positions: tf.Tensor
    first: tf.Tensor
    second: tf.Tensor


def products_of(vectors: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """Vectors F [M, C] and weights w [M, 1] -> F^T W F [C, C], W the diagonal matrix of w or the identity.

    Its gradient W F (D + D^T), for an upstream D, is one product; differentiating the product by each of
    its two factors would take two of that size, and keep W F for them.
    """

    @custom_gradient
    def products(given: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            slopes = tf.matmul(given, upstream + tf.transpose(upstream))
            return slopes if weights is None else weights * slopes

        other = given if weights is None else weights * given
        return tf.matmul(given, other, transpose_a=True), gradient

    value: Any = products(vectors)
    return value


def moment_sums(
    vectors: tf.Tensor, weights: tf.Tensor | None = None, products: tf.DType | None = None
) -> MomentSums:
    """Vectors F [M, C] -> their sums. With weights w [M, 1] every sum is weighted, and sum w stands for M.

    E[f f^T] - mu mu^T in float32 loses every digit of a variance that is small beside the square of its
    mean. So the products are those of F - r with r the mean of these vectors, and what that changes is
    put back exactly, in float64: F^T F = (F - r)^T (F - r) + t r^T + r t^T + M r r^T, t = sum (F_m - r).
    The identity holds for any r, which therefore is a constant for the gradient. Products are multiplied in
    the type ``products``, by default that of F.
    """
    reference = tf.stop_gradient(tf.reduce_mean(vectors, axis=0))
    scatter, rest = _centred_sums(vectors, reference, weights, products or vectors.dtype)
    scatter, rest = tf.cast(scatter, tf.float64), tf.cast(rest, tf.float64)
    positions = position_count(vectors, weights)
    means = tf.cast(reference, tf.float64)
    outer = rest[:, tf.newaxis] * means
    second = scatter + outer + tf.transpose(outer) + positions * means[:, tf.newaxis] * means
    return MomentSums(positions, rest + positions * means, second)


def _centred_sums(
    vectors: tf.Tensor, reference: tf.Tensor, weights: tf.Tensor | None, products: tf.DType
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sums over m of w (F - r)(F - r)^T [C, C] and of w (F - r) [C]; one pass over F each way."""

    @custom_gradient
    def sums(given: tf.Tensor):
        centred = tf.cast(given - reference, products)
        times = None if weights is None else tf.cast(weights, products)
        weighted = centred if times is None else times * centred

        def gradient(of_scatter: tf.Tensor, of_rest: tf.Tensor) -> tf.Tensor:
            slopes = tf.nn.bias_add(tf.matmul(centred, of_scatter + tf.transpose(of_scatter)), of_rest)
            return tf.cast(slopes if times is None else times * slopes, given.dtype)

        scatter = tf.matmul(centred, weighted, transpose_a=True)
        return (scatter, tf.reduce_sum(weighted, axis=0)), gradient

    found: Any = sums(vectors)
    return found


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

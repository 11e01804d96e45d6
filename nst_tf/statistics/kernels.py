"""Kernels k(f, s) between activation vectors, for the Maximum Mean Discrepancy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import tensorflow as tf

from nst_tf.statistics.moments import position_count, products_of
from nst_tf.statistics.parameters import check_at_least_zero, check_positive, check_whole
from nst_tf.statistics.shapes import sizes
from nst_tf.statistics.statistic import total_of


@runtime_checkable
class Kernel(Protocol):
    """A kernel k(f, s) = phi(f) . phi(s) between vectors of C channels."""

    @property
    def has_short_features(self) -> bool:
        """Whether phi is short enough to be computed, so that ``feature_means`` is not None."""
        ...

    def feature_means(
        self, vectors: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, ...] | None:
        """Vectors [M, C] -> the mean of phi over them, in parts of any shape; None if phi is too long.

        With weights [M, 1] it is the weighted mean; zero if they are all zero.

        Parts that are the same for all vectors are left out: they cancel in every difference.
        """
        ...

    def scale(self, vectors: tf.Tensor) -> tf.Tensor:
        """Vectors [n, C] of the style -> the kernel's length scale, a scalar; 1 where it has none."""
        ...

    def matrix(self, left: tf.Tensor, right: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Vectors [n, C] and [m, C] -> k between each and each, [n, m]."""
        ...


@dataclass(frozen=True)
class PolynomialKernel:
    """k(f, s) = (f . s + constant)^degree; degree 1 is the linear kernel, degree 2 with 0 Gram matching.

    Its features are known up to degree 2: phi(f) = f, or (f f^T, sqrt(2 constant) f). A higher degree
    has C^degree of them.
    """

    degree: int = 2
    constant: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a degree below 1, and a constant below 0, which makes no kernel: InputError."""
        check_whole("degree of the polynomial kernel", self.degree, 1)
        check_at_least_zero("constant of the polynomial kernel", self.constant)

    @property
    def has_short_features(self) -> bool:
        """Up to degree 2."""
        return self.degree <= 2

    def feature_means(
        self, vectors: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, ...] | None:
        """Vectors [M, C], and weights [M, 1] or None -> means of the features, or None above degree 2."""
        if not self.has_short_features:
            return None
        count = tf.cast(position_count(vectors, weights), vectors.dtype)
        means = tf.math.divide_no_nan(total_of(vectors, weights), count)
        if self.degree == 1:
            return (means,)
        second = tf.math.divide_no_nan(products_of(vectors, weights), count)
        return (second,) if self.constant == 0 else (second, math.sqrt(2 * self.constant) * means)

    def scale(self, vectors: tf.Tensor) -> tf.Tensor:
        """No length scale: 1."""
        return tf.ones([], vectors.dtype)

    def matrix(self, left: tf.Tensor, right: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Vectors [n, C] and [m, C] -> [n, m]."""
        products = tf.matmul(left, right, transpose_b=True) + self.constant
        return products**self.degree


@dataclass(frozen=True)
class GaussianKernel:
    """k(f, s) = exp(-|f - s|^2 / (2 sigma^2)).

    ``sigma`` None is the median heuristic: the median distance between two of the style's vectors
    (Gretton et al. 2012, "A Kernel Two-Sample Test", section 8; there over all pairs of both samples, here
    over n/2 pairs of the style alone, because it must not move while the generated image does). The code
    of Li et al. 2017 has the mean of squared distances for 2 sigma^2, anew at every step.
    """

    sigma: float | None = None
    has_short_features: ClassVar[bool] = False  # phi has infinitely many dimensions

    def __post_init__(self) -> None:
        """Refuse a sigma that is not above 0: InputError."""
        if self.sigma is not None:
            check_positive("sigma of the Gaussian kernel (null: the median heuristic)", self.sigma)

    def feature_means(self, vectors: tf.Tensor, weights: tf.Tensor | None = None) -> None:
        """None."""
        del vectors, weights

    def scale(self, vectors: tf.Tensor) -> tf.Tensor:
        """Vectors [n, C] of the style -> sigma, a scalar."""
        if self.sigma is not None:
            return tf.constant(self.sigma, vectors.dtype)
        count = sizes(vectors)[0]
        # the n/2 pairs that are half a sample apart stand for all n^2, whose sort would cost more than k
        half = max(count // 2, 1)
        squares = tf.reduce_sum(tf.math.squared_difference(vectors[:half], vectors[-half:]), axis=1)
        median = tf.sqrt(tf.sort(squares)[half // 2])
        # a style whose vectors are all equal has no scale: any will do
        return tf.stop_gradient(tf.where(median > 0, median, tf.ones_like(median)))

    def matrix(self, left: tf.Tensor, right: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Vectors [n, C] and [m, C] -> [n, m]."""
        squares = (
            tf.reduce_sum(tf.square(left), axis=1)[:, tf.newaxis]
            + tf.reduce_sum(tf.square(right), axis=1)
            - 2 * tf.matmul(left, right, transpose_b=True)
        )
        # a square below 0 is rounding
        return tf.exp(-tf.maximum(squares, 0) / (2 * tf.square(scale)))

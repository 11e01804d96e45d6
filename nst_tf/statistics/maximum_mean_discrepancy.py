"""Maximum mean discrepancy and its kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import tensorflow as tf

from nst_tf.errors import InputError, check_at_least_zero, check_positive, check_whole
from nst_tf.statistics.gram import position_count, products_of
from nst_tf.statistics.statistic import linear_mean, not_below_zero, sizes, total_of, weighted_vectors

# ---- kernels k(f, s) between activation vectors ----


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
        check_whole("degree of the polynomial kernel", self.degree, 1)
        check_at_least_zero("constant of the polynomial kernel", self.constant)

    @property
    def has_short_features(self) -> bool:
        return self.degree <= 2

    def feature_means(
        self, vectors: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, ...] | None:
        if not self.has_short_features:
            return None
        count = tf.cast(position_count(vectors, weights), vectors.dtype)
        means = tf.math.divide_no_nan(total_of(vectors, weights), count)
        if self.degree == 1:
            return (means,)
        second = tf.math.divide_no_nan(products_of(vectors, weights), count)
        return (second,) if self.constant == 0 else (second, math.sqrt(2 * self.constant) * means)

    def scale(self, vectors: tf.Tensor) -> tf.Tensor:
        return tf.ones([], vectors.dtype)

    def matrix(self, left: tf.Tensor, right: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
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
        if self.sigma is not None:
            check_positive("sigma of the Gaussian kernel (null: the median heuristic)", self.sigma)

    def feature_means(self, vectors: tf.Tensor, weights: tf.Tensor | None = None) -> None:
        del vectors, weights

    def scale(self, vectors: tf.Tensor) -> tf.Tensor:
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
        squares = (
            tf.reduce_sum(tf.square(left), axis=1)[:, tf.newaxis]
            + tf.reduce_sum(tf.square(right), axis=1)
            - 2 * tf.matmul(left, right, transpose_b=True)
        )
        # a square below 0 is rounding
        return tf.exp(-tf.maximum(squares, 0) / (2 * tf.square(scale)))


# ---- the discrepancy: how far two sets of activation vectors are apart in the eyes of a kernel ----


class Sample(NamedTuple):
    """Vectors [n, C] of a picture, and the kernel's ``scale`` and mean ``own`` among them as a style."""

    vectors: tf.Tensor
    scale: tf.Tensor
    own: tf.Tensor


@dataclass(frozen=True)
class MaximumMeanDiscrepancy:
    """Squared MMD: mean k(f, f') - 2 mean k(f, s) + mean k(s, s') over all pairs of vectors.

    f runs over the vectors of F [M, C], s over the style's. It is |mean phi(f) - mean phi(s)|^2 for the
    kernel's features phi. Gretton et al. 2012, "A Kernel Two-Sample Test", equation 5 (the biased
    estimate, which is zero for equal sets and never below); for style transfer Li et al. 2017,
    "Demystifying Neural Style Transfer", with the linear, polynomial and Gaussian kernel. Its second
    order polynomial kernel without constant gives the Gram loss sum (G_F / M_F - G_S / M_S)^2.

    Where phi is short (polynomials up to degree 2) it is computed from all positions by the means of phi.
    Else M^2 pairs are too many, and at most ``samples`` positions of each picture stand for all. Departure:
    they are drawn once, by ``seed``, where Li et al. draw anew at every step, so that a line search sees
    one function; so of a large shallow layer only the sampled positions are moved.
    """

    kernel: Kernel = field(default_factory=PolynomialKernel)
    samples: int = 2048
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.kernel, type) or not isinstance(self.kernel, Kernel):
            raise InputError(
                f"unknown kernel {self.kernel!r}: give an object of nst_tf.statistics,"
                " PolynomialKernel(degree, constant) or GaussianKernel(sigma)"
            )
        check_whole("samples of the Maximum Mean Discrepancy", self.samples, 2)
        check_whole("seed of the Maximum Mean Discrepancy", self.seed, 0)

    @property
    def summable(self) -> bool:
        """Whether the kernel's features are so short that their means are the description."""
        return self.kernel.has_short_features

    @property
    def weighted(self) -> bool:
        """As ``summable``: a mean can be weighted, a sample of a few positions is drawn from all."""
        return self.kernel.has_short_features

    def sums(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> tuple[tf.Tensor, ...]:
        """Activations [1, H, W, C] -> positions and sums of the kernel's features; where it is summable."""
        vectors, column = weighted_vectors(activations, weights)
        means = self.kernel.feature_means(vectors, column)
        if means is None:
            raise ValueError(f"{self.kernel} has no features that could be summed")
        positions = position_count(vectors, column)
        return (positions, *(mean * tf.cast(positions, mean.dtype) for mean in means))

    def described(self, sums: tuple[tf.Tensor, ...], dtype: tf.DType = tf.float32) -> tuple[tf.Tensor, ...]:
        del dtype  # the sums have it
        positions, *features = sums
        return tuple(one / tf.cast(positions, one.dtype) for one in features)

    def describe(
        self, activations: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, ...] | Sample:
        """Activations [1, H, W, C] -> the means of the kernel's features, or a sample of the vectors."""
        vectors, column = weighted_vectors(activations, weights)
        means = self.kernel.feature_means(vectors, column)
        if means is not None:
            return means
        sample = sampled_rows(vectors, self.samples, self.seed)
        scale = self.kernel.scale(sample)
        return Sample(sample, scale, tf.reduce_mean(self.kernel.matrix(sample, sample, scale)))

    def blended(
        self, descriptions: Sequence[tuple[tf.Tensor, ...] | Sample], shares: Sequence[float]
    ) -> tuple[tf.Tensor, ...]:
        """Means of the kernel's features of styles -> their mean; InputError where there are but samples."""
        if not self.kernel.has_short_features:
            raise InputError(
                f"blending=statistics is not possible with {self.kernel}, whose features are too many to be"
                " averaged: say blending=losses, or take the kernel PolynomialKernel up to degree 2"
            )
        return linear_mean(descriptions, shares)

    def compare(
        self, generated: tuple[tf.Tensor, ...] | Sample, style: tuple[tf.Tensor, ...] | Sample
    ) -> tf.Tensor:
        if not (isinstance(generated, Sample) and isinstance(style, Sample)):
            parts = zip(generated, style, strict=True)
            return tf.add_n([tf.reduce_sum(tf.math.squared_difference(one, other)) for one, other in parts])
        # with the style's scale, which stays the same
        own = tf.reduce_mean(self.kernel.matrix(generated.vectors, generated.vectors, style.scale))
        both = tf.reduce_mean(self.kernel.matrix(generated.vectors, style.vectors, style.scale))
        return not_below_zero(own - 2 * both + style.own)


def sampled_rows(rows: tf.Tensor, most: int, seed: int) -> tf.Tensor:
    """Rows [M, D] -> [min(M, most), D]: all of them, or ``most`` different ones, drawn by ``seed`` alone.

    The same rows are drawn at every step of a run, so that a line search sees one function.
    """
    count = sizes(rows)[0]
    if count <= most:
        return rows
    keys = tf.random.stateless_uniform([count], seed=(seed, count))
    return tf.gather(rows, tf.math.top_k(keys, most).indices)

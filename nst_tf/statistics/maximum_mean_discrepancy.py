"""Maximum Mean Discrepancy: how far two sets of activation vectors are apart in the eyes of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.statistics.kernels import Kernel, PolynomialKernel
from nst_tf.statistics.moments import position_count
from nst_tf.statistics.parameters import check_whole
from nst_tf.statistics.sampling import sampled_rows
from nst_tf.statistics.statistic import as_column, as_vectors, linear_mean, not_below_zero


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
        """Refuse what is no kernel, fewer than 2 samples and a seed below 0: InputError."""
        if isinstance(self.kernel, type) or not isinstance(self.kernel, Kernel):
            raise InputError(
                f"unknown kernel {self.kernel!r}: give an object of nst_tf.statistics.kernels,"
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
        vectors = as_vectors(activations)
        column = as_column(weights, vectors.dtype)
        means = self.kernel.feature_means(vectors, column)
        if means is None:
            raise ValueError(f"{self.kernel} has no features that could be summed")
        positions = position_count(vectors, column)
        return (positions, *(mean * tf.cast(positions, mean.dtype) for mean in means))

    def described(self, sums: tuple[tf.Tensor, ...], dtype: tf.DType = tf.float32) -> tuple[tf.Tensor, ...]:
        """Sums -> the means of the kernel's features."""
        del dtype  # the sums have it
        positions, *features = sums
        return tuple(one / tf.cast(positions, one.dtype) for one in features)

    def describe(
        self, activations: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, ...] | Sample:
        """Activations [1, H, W, C] -> the means of the kernel's features, or a sample of the vectors."""
        vectors = as_vectors(activations)
        means = self.kernel.feature_means(vectors, as_column(weights, vectors.dtype))
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
        """Two descriptions -> scalar."""
        if not (isinstance(generated, Sample) and isinstance(style, Sample)):
            parts = zip(generated, style, strict=True)
            return tf.add_n([tf.reduce_sum(tf.math.squared_difference(one, other)) for one, other in parts])
        # with the style's scale, which stays the same
        own = tf.reduce_mean(self.kernel.matrix(generated.vectors, generated.vectors, style.scale))
        both = tf.reduce_mean(self.kernel.matrix(generated.vectors, style.vectors, style.scale))
        return not_below_zero(own - 2 * both + style.own)

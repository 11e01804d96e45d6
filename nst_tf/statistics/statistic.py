"""What a statistic of style is, and what its measurements are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import tensorflow as tf

# ----------------------------------------------------------------------------
# Sizes of tensors, known when a function is traced.


def sizes(tensor: tf.Tensor) -> tuple[int, ...]:
    """Every size of a tensor whose shape is static, as those of activations are in a run."""
    known = tuple(size for size in tensor.shape.as_list() if size is not None)
    if len(known) != len(tensor.shape):
        raise ValueError(f"the shape of {tensor} must be known when the function is traced")
    return known


# ----------------------------------------------------------------------------
# What every statistic of style offers.


class Statistic(Protocol):
    """A statistic of one layer's activations, and the distance between two of its values."""

    def describe(self, activations: tf.Tensor) -> Any:
        """Activations [1, H, W, C] float32 -> a tensor or a structure of tensors, float32."""
        ...

    def compare(self, generated: Any, style: Any) -> tf.Tensor:
        """Two descriptions -> scalar float32, zero where they agree."""
        ...


class SummableStatistic(Statistic, Protocol):
    """A statistic that needs no more of the activations than sums over their positions.

    So a picture can be described piece by piece: describe(F) = described(sum of sums(P) over the pieces
    P of F).
    """

    @property
    def summable(self) -> bool:
        """True; a statistic that is a sum for some of its parameters only says so here."""
        ...

    def sums(self, activations: tf.Tensor) -> Any:
        """Activations [1, H, W, C] -> a structure of tensors, of which those of disjoint pieces add up."""
        ...

    def described(self, sums: Any, dtype: tf.DType = tf.float32) -> Any:
        """The sums over all positions -> the description, in the type of the activations."""
        ...


class WeightedStatistic(Statistic, Protocol):
    """A statistic that can count a position more or less than once, or not at all.

    ``weights`` [1, H, W, 1] say how often each position counts: with ones the description is that without
    weights, with ones and zeros that of the positions with a one alone. A summable statistic takes them in
    ``sums`` as well. Their sum must be above 0; they are constants for the gradient.
    """

    @property
    def weighted(self) -> bool:
        """True; a statistic that takes weights for some of its parameters only says so here."""
        ...

    def describe(self, activations: tf.Tensor, weights: tf.Tensor | None = None) -> Any:
        """Activations [1, H, W, C] and weights [1, H, W, 1] -> the description of what the weights count."""
        ...


class BlendableStatistic(Statistic, Protocol):
    """A statistic of which there is a mean of several styles."""

    def blended(self, descriptions: Sequence[Any], shares: Sequence[float]) -> Any:
        """Descriptions of styles, and their shares, which sum to 1 -> one description."""
        ...


class TargetingStatistic(Statistic, Protocol):
    """A statistic whose descriptions hold more than a target needs."""

    def target(self, description: Any) -> Any:
        """A description -> the target, whose shapes do not depend on the size of the picture."""
        ...


def as_target(statistic: Statistic, description: Any) -> Any:
    """The description of a style as the target of a statistic: see TargetingStatistic."""
    target = getattr(statistic, "target", None)
    return description if target is None else target(description)


def is_summable(statistic: Statistic) -> bool:
    """Whether the statistic needs only sums over positions: see SummableStatistic."""
    return bool(getattr(statistic, "summable", False))


def takes_weights(statistic: Statistic) -> bool:
    """Whether positions can have weights: see WeightedStatistic."""
    return bool(getattr(statistic, "weighted", False))


def as_vectors(activations: tf.Tensor) -> tf.Tensor:
    """Activations [1, H, W, C] -> [M, C], a row for each of the M = H W positions."""
    return tf.reshape(activations, [-1, activations.shape[-1]])


def as_column(weights: tf.Tensor | None, dtype: tf.DType) -> tf.Tensor | None:
    """Weights [1, H, W, 1] -> [M, 1] in the type of the vectors that they belong to; None for None."""
    return None if weights is None else tf.cast(tf.reshape(weights, [-1, 1]), dtype)


def total_of(vectors: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """Vectors [M, C] and their weights [M, 1], or None -> their sum, [C]."""
    return tf.reduce_sum(vectors if weights is None else weights * vectors, axis=0)


def linear_mean(descriptions: Sequence[Any], shares: Sequence[float]) -> Any:
    """Descriptions of one structure, and their shares -> the mean of every number in them."""

    def mean(*tensors: tf.Tensor) -> tf.Tensor:
        return tf.add_n(
            [tf.constant(share, one.dtype) * one for share, one in zip(shares, tensors, strict=True)]
        )

    return tf.nest.map_structure(mean, *descriptions)


def not_below_zero(distance: tf.Tensor) -> tf.Tensor:
    """A distance whose terms cancel where it is 0; what rounding leaves below 0 is 0, and has no slope.

    NaN stays NaN, and every other number and slope what it is.
    """
    return tf.where(distance < 0, tf.zeros_like(distance), distance)


def times_power(value: tf.Tensor, base: tf.Tensor | float, power: float) -> tf.Tensor:
    """Value * base^power, leaving ``value`` untouched where the power is zero."""
    return value if power == 0 else value * tf.cast(base, value.dtype) ** power

"""What every statistic of style offers."""

from __future__ import annotations

from typing import Any, Protocol

import tensorflow as tf


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


def is_summable(statistic: Statistic) -> bool:
    """Whether the statistic needs only sums over positions: see SummableStatistic."""
    return bool(getattr(statistic, "summable", False))


def as_vectors(activations: tf.Tensor) -> tf.Tensor:
    """Activations [1, H, W, C] -> [M, C], a row for each of the M = H W positions."""
    return tf.reshape(activations, [-1, activations.shape[-1]])


def times_power(value: tf.Tensor, base: tf.Tensor | float, power: float) -> tf.Tensor:
    """Value * base^power, leaving ``value`` untouched where the power is zero."""
    return value if power == 0 else value * tf.cast(base, value.dtype) ** power

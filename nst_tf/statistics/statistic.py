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


def as_vectors(activations: tf.Tensor) -> tf.Tensor:
    """Activations [1, H, W, C] -> [M, C], a row for each of the M = H W positions."""
    return tf.reshape(activations, [-1, activations.shape[-1]])


def times_power(value: tf.Tensor, base: tf.Tensor | float, power: float) -> tf.Tensor:
    """Value * base^power, leaving ``value`` untouched where the power is zero."""
    return value if power == 0 else value * tf.cast(base, value.dtype) ** power

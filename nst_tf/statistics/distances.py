"""How far two tensors of one shape are apart: an elementwise error and a reduction, both by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import tensorflow as tf

from nst_tf.errors import InputError


def _half_sum_over_root_size(errors: tf.Tensor) -> tf.Tensor:
    # cysmith/neural-style-tf, content_layer_loss with content_loss_function 1: K = 1 / (2 sqrt(N) sqrt(M))
    return tf.reduce_sum(errors) / (2.0 * tf.sqrt(tf.cast(tf.size(errors), errors.dtype)))


REDUCTIONS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "sum": tf.reduce_sum,
    "half_sum": lambda errors: 0.5 * tf.reduce_sum(errors),  # Gatys et al. 2016, equation 1
    "mean": tf.reduce_mean,
    "half_sum_over_root_size": _half_sum_over_root_size,
}


class Distance(Protocol):
    """A distance between two tensors of one shape."""

    def __call__(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Two tensors of one shape -> scalar."""
        ...


@dataclass(frozen=True)
class SquaredError:
    """factor * reduction((generated - target)^2)."""

    reduction: str = "mean"
    factor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a reduction that does not exist: InputError."""
        check_reduction(self.reduction)

    def __call__(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Two tensors of one shape -> scalar."""
        return self.factor * REDUCTIONS[self.reduction](tf.math.squared_difference(generated, target))


@dataclass(frozen=True)
class RelativeSquaredError:
    """sum((generated - target)^2) / sum(target^2): 0 where they agree, 1 where the generated is 0.

    It has no unit and does not change with the contrast of the pictures, the layer or the size, so that
    one weight suits every pair and layers have equal say. A target of zeros divides by ``smallest``.
    """

    smallest: float = 1e-12

    def __call__(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Two tensors of one shape -> scalar."""
        error = tf.reduce_sum(tf.math.squared_difference(generated, target))
        return error / (tf.reduce_sum(target * target) + self.smallest)


@dataclass(frozen=True)
class AbsoluteError:
    """factor * reduction(|generated - target|); its gradient at zero is zero."""

    reduction: str = "mean"
    factor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a reduction that does not exist: InputError."""
        check_reduction(self.reduction)

    def __call__(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Two tensors of one shape -> scalar."""
        return self.factor * REDUCTIONS[self.reduction](tf.abs(generated - target))


def check_reduction(name: str) -> None:
    """Raise InputError unless ``name`` is a known reduction."""
    if name not in REDUCTIONS:
        raise InputError(f"unknown reduction {name!r}: choose one of {', '.join(REDUCTIONS)}")

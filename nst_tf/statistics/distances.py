"""How far two tensors of one shape are apart: an elementwise error and a reduction, both by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import tensorflow as tf

from nst_tf.errors import InputError

# each is this function of the sum of the errors and of their number n
_OF_SUM: Mapping[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "sum": lambda total, n: total,
    "half_sum": lambda total, n: 0.5 * total,  # Gatys et al. 2016, equation 1
    "mean": lambda total, n: total / n,
    # cysmith/neural-style-tf, content_layer_loss with content_loss_function 1: K = 1 / (2 sqrt(N) sqrt(M))
    "half_sum_over_root_size": lambda total, n: total / (2.0 * tf.sqrt(n)),
}


def reduced(errors: tf.Tensor, name: str) -> tf.Tensor:
    """Errors of any shape by the reduction of this name; scalar."""
    return _OF_SUM[name](tf.reduce_sum(errors), tf.cast(tf.size(errors), errors.dtype))


def check_reduction(name: str) -> None:
    """Raise InputError unless ``name`` is a known reduction."""
    if name not in _OF_SUM:
        raise InputError(f"unknown reduction {name!r}: choose one of {', '.join(_OF_SUM)}")


class ErrorSums(NamedTuple):
    """The number of elements (scalar float64) and the sum of their errors (scalar)."""

    size: tf.Tensor
    errors: tf.Tensor


class RelativeSums(NamedTuple):
    """Sums of squared errors and of the target's squares, scalars."""

    errors: tf.Tensor
    squares: tf.Tensor


class Distance(Protocol):
    """A distance between two tensors of one shape.

    One that can be taken piece by piece has ``sums(generated, target)``, a structure of scalars, of which
    those of disjoint pieces add up, and ``of_sums(sums)``, the distance of the sums over all elements.
    """

    def __call__(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Two tensors of one shape -> scalar."""
        ...


@dataclass(frozen=True)
class _ElementwiseError:
    reduction: str = "mean"
    factor: float = 1.0

    def __post_init__(self) -> None:
        check_reduction(self.reduction)

    def __call__(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        return self.of_sums(self.sums(generated, target))

    def sums(self, generated: tf.Tensor, target: tf.Tensor) -> ErrorSums:
        errors = self._errors(generated, target)
        return ErrorSums(tf.cast(tf.size(errors), tf.float64), tf.reduce_sum(errors))

    def of_sums(self, sums: ErrorSums) -> tf.Tensor:
        return self.factor * _OF_SUM[self.reduction](sums.errors, tf.cast(sums.size, sums.errors.dtype))

    def _errors(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError


@dataclass(frozen=True)
class SquaredError(_ElementwiseError):
    """factor * reduction((generated - target)^2)."""

    def _errors(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        return tf.math.squared_difference(generated, target)


@dataclass(frozen=True)
class AbsoluteError(_ElementwiseError):
    """factor * reduction(|generated - target|); its gradient at zero is zero."""

    def _errors(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        return tf.abs(generated - target)


@dataclass(frozen=True)
class RelativeSquaredError:
    """sum((generated - target)^2) / sum(target^2): 0 where they agree, 1 where the generated is 0.

    It has no unit and does not change with the contrast of the pictures, the layer or the size, so that
    one weight suits every pair and layers have equal say. A target of zeros divides by ``smallest``.
    """

    smallest: float = 1e-12

    def __call__(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        return self.of_sums(self.sums(generated, target))

    def sums(self, generated: tf.Tensor, target: tf.Tensor) -> RelativeSums:
        errors = tf.reduce_sum(tf.math.squared_difference(generated, target))
        return RelativeSums(errors, tf.reduce_sum(target * target))

    def of_sums(self, sums: RelativeSums) -> tf.Tensor:
        return sums.errors / (sums.squares + self.smallest)

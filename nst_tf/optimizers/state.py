"""What both kinds of L-BFGS keep in the way of a Keras optimizer."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from nst_tf.errors import InputError


def check_history_size(history_size: int) -> None:
    """Raise InputError unless ``history_size`` is a whole number of at least 1."""
    if isinstance(history_size, bool) or not isinstance(history_size, int) or history_size < 1:
        raise InputError(f"history_size must be a whole number of at least 1, but is {history_size!r}")


def zero_variables_of(optimizer: keras.optimizers.Optimizer):
    """A maker of zero-filled variables that ``optimizer`` tracks, for ``CurvaturePairs``."""

    def make(shape: tuple[int, ...], dtype: str, name: str):
        return optimizer.add_variable(shape=shape, dtype=dtype, initializer="zeros", name=name)

    return make


def updates_made(optimizer: keras.optimizers.Optimizer) -> tf.Tensor:
    """How often the optimizer was applied; scalar."""
    iterations: Any = optimizer.iterations
    return tf.convert_to_tensor(iterations.value)


def count_update(optimizer: keras.optimizers.Optimizer) -> None:
    """Count one more application, as Keras' own optimizers do."""
    iterations: Any = optimizer.iterations
    iterations.assign_add(1)

"""Many variables as one vector: what a quasi-Newton method sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


def flatten(tensors: Sequence) -> tf.Tensor:
    """Tensors or variables of any shapes -> one float32 vector [n]."""
    parts = [tf.reshape(tf.cast(tf.convert_to_tensor(one), tf.float32), [-1]) for one in tensors]
    return parts[0] if len(parts) == 1 else tf.concat(parts, 0)


def unflattened(variables: Sequence, vector: tf.Tensor) -> list[tuple[Any, tf.Tensor]]:
    """Each of the variables with its share of a vector [n], in its shape and type."""
    start, pairs = 0, []
    for variable in variables:
        size = int(np.prod(variable.shape))
        value = tf.reshape(vector[start : start + size], variable.shape)
        pairs.append((variable, tf.cast(value, variable.dtype)))
        start += size
    return pairs


def assign_flat(variables: Sequence, vector: tf.Tensor) -> None:
    """Write a vector [n] back into the variables it was made of."""
    for variable, value in unflattened(variables, vector):
        variable.assign(value)


def count_parameters(variables: Sequence) -> int:
    """The length of the vector that ``flatten`` makes of the variables."""
    return sum(int(np.prod(variable.shape)) for variable in variables)

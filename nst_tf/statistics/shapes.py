"""Sizes of tensors, known when a function is traced."""

from __future__ import annotations

import tensorflow as tf


def sizes(tensor: tf.Tensor) -> tuple[int, ...]:
    """Every size of a tensor whose shape is static, as those of activations are in a run."""
    known = tuple(size for size in tensor.shape.as_list() if size is not None)
    if len(known) != len(tensor.shape):
        raise ValueError(f"the shape of {tensor} must be known when the function is traced")
    return known

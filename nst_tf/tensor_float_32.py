"""Whether a GPU rounds the factors of float32 products to 10 bits, for as long as something is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


@contextmanager
def tensor_float_32(wanted: bool) -> Iterator[None]:
    """Products in float32 as TF32, which TensorFlow does unless told not to, or whole; on GPUs that can.

    Set back afterwards: the next run in this process must compute as it would alone.
    """
    config = tf.config.experimental
    before = config.tensor_float_32_execution_enabled()
    config.enable_tensor_float_32_execution(wanted)
    try:
        yield
    finally:
        config.enable_tensor_float_32_execution(before)

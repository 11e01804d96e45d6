"""What every smoothness term offers."""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf


class Smoothness(Protocol):
    """A term of the image alone."""

    @property
    def weight(self) -> float:
        """gamma: what the value is multiplied by in the loss."""
        ...

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """Image [1, H, W, 3] in [0, 1] -> scalar, without the weight."""
        ...

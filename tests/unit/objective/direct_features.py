"""An extractor whose activations are slices of its input: features fed directly."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf


class DirectFeatures:
    """The k-th layer is ``channels`` channels of the input of its own, at every (k % 3 + 1)-th position.

    So layers differ in their numbers of positions, and the gradient of the input holds that of each
    activation by itself, zero elsewhere.
    """

    def __init__(self, layers: Iterable[str], channels: int = 4) -> None:
        self.layers = tuple(dict.fromkeys(layers))
        self.channels = channels

    @property
    def bordered(self) -> DirectFeatures:
        """Itself: there is no padding."""
        return self

    @property
    def depth(self) -> int:
        """Channels of the input."""
        return self.channels * len(self.layers)

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: image[:, ::s, ::s, first:last] for name, s, first, last in self._slices()}

    def of(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """The same for an array [H, W, depth]."""
        return {name: pixels[::s, ::s, first:last] for name, s, first, last in self._slices()}

    def gradient(self, shape: tuple[int, ...], gradients: dict[str, np.ndarray]) -> np.ndarray:
        """The gradient of the input [H, W, depth] from those of the layers."""
        found = np.zeros(shape)
        for name, s, first, last in self._slices():
            found[::s, ::s, first:last] = gradients[name]
        return found

    def _slices(self):
        for index, name in enumerate(self.layers):
            yield name, index % 3 + 1, index * self.channels, (index + 1) * self.channels

"""The moving average of the iterates of a first-order optimizer."""

from __future__ import annotations

import tensorflow as tf


class MovingAverage:
    """Exponential moving average with bias correction, over all images since the start of a size.

    After n images it is sum of decay^(n-i) (1 - decay) x_i / (1 - decay^n): Kingma and Ba 2015, section
    3, used on the image itself by crowsonkb/style-transfer-pytorch (class EMA), which counts the start
    as the first image, as here. It takes away the ripple of the last steps.
    """

    def __init__(self, shape: tuple[int, ...], decay: float) -> None:
        """Of images of ``shape`` [1, H, W, 3]; ``decay`` in (0, 1), 0.99 averages about 100 images."""
        self._decay = decay
        self._sum = tf.Variable(tf.zeros(shape), name="average")
        self._left_out = tf.Variable(tf.constant(1.0, tf.float32), name="average_left_out")

    def reset(self, image: tf.Tensor) -> None:
        """Begin with the start image [1, H, W, 3]."""
        self._sum.assign((1 - self._decay) * image)
        self._left_out.assign(self._decay)

    def update(self, image: tf.Tensor) -> None:
        """Take in one more image."""
        self._sum.assign(self._decay * self._sum + (1 - self._decay) * image)
        self._left_out.assign(self._decay * self._left_out)

    @property
    def variables(self) -> list[tf.Variable]:
        """What must be saved to go on."""
        return [self._sum, self._left_out]

    def value(self) -> tf.Tensor:
        """The average so far, [1, H, W, 3]."""
        return self._sum / (1 - self._left_out)

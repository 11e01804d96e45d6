"""What a 3 x 3 convolution sees beyond the border of its input."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

_BORDER = [[0, 0], [1, 1], [1, 1], [0, 0]]  # one position on each side: half of a 3 x 3 kernel


def reflect(activations: tf.Tensor) -> tf.Tensor:
    """Mirror about the border position. [N, H, W, C] -> [N, H+2, W+2, C]."""
    return tf.pad(activations, _BORDER, "REFLECT")


def replicate(activations: tf.Tensor) -> tf.Tensor:
    """Repeat the border position (a symmetric pad of width one). [N, H, W, C] -> [N, H+2, W+2, C]."""
    return tf.pad(activations, _BORDER, "SYMMETRIC")


def circular(activations: tf.Tensor) -> tf.Tensor:
    """What is at the opposite border: the picture is a torus. [N, H, W, C] -> [N, H+2, W+2, C]."""
    tall = tf.concat([activations[:, -1:], activations, activations[:, :1]], 1)
    return tf.concat([tall[:, :, -1:], tall, tall[:, :, :1]], 2)


Padding = Callable[[tf.Tensor], tf.Tensor] | None

PADDINGS: Mapping[str, tuple[Padding, Padding]] = {
    # name: (at the first convolution, at the others); None is the zero padding of VGG itself
    "same": (None, None),
    "reflect": (reflect, reflect),
    "replicate": (replicate, replicate),
    "circular": (circular, circular),
    # crowsonkb/style-transfer-pytorch: "Reduces edge artifacts", at the first convolution only
    "replicate_first": (replicate, None),
}

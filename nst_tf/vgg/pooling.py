"""Poolings that can stand between the blocks; all 2 x 2 with stride 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

_WINDOW = 2
# crowsonkb/style-transfer-pytorch, VGGFeatures.poolings: "these scale factors were chosen so that the
# activations keep the size they have with max pooling"
_CROWSON_AVERAGE_SCALE = 2.0
_CROWSON_L2_SCALE = 0.78
# under the root, whose slope at 0 is infinite; below the square of the smallest step that bfloat16
# resolves beside an activation of 1 (2^-8)
_SMALLEST_SQUARE = 1e-6


def max_pooling(activations: tf.Tensor) -> tf.Tensor:
    """The largest of four; VGG's own. [N, H, W, C] -> [N, H/2, W/2, C]."""
    return tf.nn.max_pool2d(activations, _WINDOW, _WINDOW, "VALID")


def average_pooling(activations: tf.Tensor) -> tf.Tensor:
    """The mean of four; Gatys et al. 2016, section 2. [N, H, W, C] -> [N, H/2, W/2, C]."""
    return tf.nn.avg_pool2d(activations, _WINDOW, _WINDOW, "VALID")


def l2_pooling(activations: tf.Tensor) -> tf.Tensor:
    """The root of the sum of four squares. [N, H, W, C] -> [N, H/2, W/2, C]."""
    mean_square = tf.nn.avg_pool2d(activations * activations, _WINDOW, _WINDOW, "VALID")
    return tf.sqrt(_WINDOW * _WINDOW * mean_square + _SMALLEST_SQUARE)


POOLINGS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "max": max_pooling,
    "avg": average_pooling,
    "l2": l2_pooling,
    "avg_rescaled": lambda activations: _CROWSON_AVERAGE_SCALE * average_pooling(activations),
    "l2_rescaled": lambda activations: _CROWSON_L2_SCALE * l2_pooling(activations),
}

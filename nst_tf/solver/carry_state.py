"""Carrying an optimizer's state from one size of the image to the next."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf


def carry_state(old: keras.optimizers.Optimizer, new: keras.optimizers.Optimizer) -> None:
    """Resample what has the shape of an image, copy what has one shape in both, and leave the rest new.

    Moments of Adam are resampled like the image (crowsonkb/style-transfer-pytorch, ``scale_adam``), by
    bicubic interpolation clipped to the range that they had, so that second moments stay positive
    (there: bilinear for these). L-BFGS' history has no image shape and starts anew.
    """
    for source, target in zip(old.variables, new.variables, strict=True):
        if source.shape == target.shape:
            target.assign(source)
        elif _is_image(source.shape) and _is_image(target.shape):
            values = tf.convert_to_tensor(source)
            resized = tf.image.resize(values, target.shape[1:3], "bicubic")
            target.assign(tf.clip_by_value(resized, tf.reduce_min(values), tf.reduce_max(values)))


def _is_image(shape: Sequence[int]) -> bool:
    return len(shape) == 4

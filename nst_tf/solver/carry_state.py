"""Carrying an optimizer's state from one size of the image to the next."""

from __future__ import annotations

import keras
import tensorflow as tf


def carry_state(old: keras.optimizers.Optimizer, new: keras.optimizers.Optimizer) -> bool:
    """Resample what has the shape of an image and copy what has one shape in both; all of it or nothing.

    Moments of Adam are resampled like the image (crowsonkb/style-transfer-pytorch, ``scale_adam``), by
    bicubic interpolation clipped to the range that they had, so that second moments stay positive
    (there: bilinear for these). A state that also holds vectors of another length, as the history of
    L-BFGS, can't be resampled: the new optimizer then starts anew, and False is returned.
    """
    pairs = list(zip(old.variables, new.variables, strict=True))
    if not all(one.shape == other.shape or _are_images(one, other) for one, other in pairs):
        return False
    for source, target in pairs:
        if source.shape == target.shape:
            target.assign(source)
            continue
        values = tf.convert_to_tensor(source)
        resized = tf.image.resize(values, target.shape[1:3], "bicubic")
        target.assign(tf.clip_by_value(resized, tf.reduce_min(values), tf.reduce_max(values)))
    return True


def _are_images(one, other) -> bool:
    return len(one.shape) == len(other.shape) == 4

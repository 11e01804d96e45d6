"""What of the optimized image the objective sees: a grey of each pixel's own range, or all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

VIEW = "view"
"""The key of ``base`` and ``span`` [1, H, W, 1] among the targets: arguments, so that nothing is retraced."""


def view_target(base: np.ndarray, span: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """``base`` and ``span`` [H, W, 1] as a target."""
    return tf.constant(base[np.newaxis], tf.float32), tf.constant(span[np.newaxis], tf.float32)


def seen(image: tf.Tensor, targets: Mapping[str, Any]) -> tuple[tf.Tensor, Mapping[str, Any]]:
    """Image [1, H, W, 3] -> what is seen of it, and the targets of what is seen.

    base + span * m in every channel, with m the mean of the image's channels; without a view the image.
    """
    if VIEW not in targets:
        return image, targets
    base, span = targets[VIEW]
    grey = base + span * tf.reduce_mean(image, axis=-1, keepdims=True)
    return tf.repeat(grey, 3, axis=-1), {name: one for name, one in targets.items() if name != VIEW}


def gradient_of_image(gradient: tf.Tensor, targets: Mapping[str, Any]) -> tf.Tensor:
    """The gradient by the image [1, H, W, 3], from that by what is seen of it."""
    if VIEW not in targets:
        return gradient
    _, span = targets[VIEW]
    return tf.repeat(span * tf.reduce_mean(gradient, axis=-1, keepdims=True), 3, axis=-1)


def seeing_all(targets: dict[str, Any]) -> dict[str, Any]:
    """Targets for a picture that is already what is seen, of three equal channels; of the same structure."""
    if VIEW not in targets:
        return targets
    base, span = targets[VIEW]
    return {**targets, VIEW: (tf.zeros_like(base), tf.ones_like(span))}

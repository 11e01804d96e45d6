"""Carrying the image from one size to the next."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def enlarged(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Image [h, w, 3] -> [height, width, 3] float32 by bicubic interpolation, kept in the range it had."""
    if image.shape[:2] == (height, width):
        return image
    resized = tf.image.resize(image, (height, width), "bicubic").numpy()
    return np.clip(resized, image.min(), image.max()).astype(np.float32)

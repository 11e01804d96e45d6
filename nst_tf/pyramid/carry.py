"""Carrying the image from one size to the next."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def enlarged(image: np.ndarray, height: int, width: int, *, circular: bool = False) -> np.ndarray:
    """Image [h, w, 3] -> [height, width, 3] float32 by bicubic interpolation, kept in the range it had.

    ``circular``: beyond a border is what is at the opposite one.
    """
    if image.shape[:2] == (height, width):
        return image
    resized = _on_a_torus(image, height, width) if circular else _resized(image, height, width)
    return np.clip(resized, image.min(), image.max()).astype(np.float32)


def with_detail(
    picture: np.ndarray, content: np.ndarray, coarser: np.ndarray, share: float, *, circular: bool = False
) -> np.ndarray:
    """A picture that was enlarged, with what the content has there and did not have at the size before.

    All are [H, W, 3], but ``coarser``, the content [h, w, 3] at the size before. Enlarging leaves the finest
    octave empty, and most of the first steps go into filling it. With a share of 1 the change that was made
    to the content is carried over, in the place of the picture.
    """
    height, width = content.shape[:2]
    detail = content - enlarged(coarser, height, width, circular=circular)
    lowest, highest = min(0.0, picture.min()), max(1.0, picture.max())
    return np.clip(picture + share * detail, lowest, highest).astype(np.float32)


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    return tf.image.resize(image, (height, width), "bicubic").numpy()


def _on_a_torus(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle one of three periods, so that the samples lie where they do in one; a side at a time."""
    tall = _resized(np.concatenate([image] * 3, 0), 3 * height, image.shape[1])[height : 2 * height]
    return _resized(np.concatenate([tall] * 3, 1), height, 3 * width)[:, width : 2 * width]

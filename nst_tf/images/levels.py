"""From floats to the whole levels that a file holds, and back."""

from __future__ import annotations

import numpy as np

from nst_tf.errors import InputError

DEPTHS = (8, 16)
"""Bits a channel that can be written."""

_TYPES = {8: np.uint8, 16: np.uint16}


def levels_of(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """Values clipped to [0, 1] and rounded to the nearest of 2^bits levels, halves up: uint8 or uint16.

    Raises:
        InputError: a value is not finite.
    """
    values = np.asarray(values, np.float64)  # in float32, 0.49999997 + 0.5 would already be 1
    if not np.isfinite(values).all():
        raise InputError("a picture to write holds values that are not finite (NaN or infinity)")
    return np.floor(np.clip(values, 0, 1) * (2**bits - 1) + 0.5).astype(_TYPES[bits])


def rounded(pixels: np.ndarray, bits: int = 8) -> np.ndarray:
    """Float32 pixels exactly as a reader of the lossless sRGB file (PNG, TIFF) gets them back.

    A loss computed on these is the loss of the saved picture.

    Raises:
        InputError: a value is not finite.
    """
    return levels_of(pixels, bits).astype(np.float32) / np.float32(2**bits - 1)

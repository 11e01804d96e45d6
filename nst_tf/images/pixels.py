"""How many pixels a picture may have, and the levels that a file can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from nst_tf.errors import InputError

# ----------------------------------------------------------------------------
# From floats to the whole levels that a file holds, and back.

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


# ----------------------------------------------------------------------------
# From the project's pixels (RGB in [0, 1]) to the pixels a pretrained network was trained on.
#
# Plain arithmetic and indexing only: each function takes a NumPy array or a TensorFlow tensor of floats,
# channels last with any leading axes, and returns the same kind, shape and dtype.

CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
"""Mean of ImageNet's training pixels in BGR on a 0..255 scale: the pixels of Simonyan and Zisserman's VGG
(arXiv:1409.1556, section 2.1), the numbers of Keras' ``imagenet_utils`` in mode 'caffe'."""

SMALLEST_SIDE = 16
"""Pixels. Four poolings stand before block5 of VGG-16 and VGG-19, each halves a side, rounding down: a
shorter side has no position left there."""


def to_caffe(pixels: Any) -> Any:
    """RGB in [0, 1] to BGR in 0..255 minus the training mean: ``255 * bgr - CAFFE_MEAN_BGR``.

    Equals ``keras.applications.vgg19.preprocess_input(255 * pixels)``.
    """
    return _mean_removed(pixels, scale=255.0)


def to_caffe_256(pixels: Any) -> Any:
    """Like :func:`to_caffe`, times 256: white becomes 256, not 255.

    This is ``preprocess`` in neural_style.lua of jcjohnson/neural-style (``img:mul(256.0)``), kept because
    its published weights were tuned on it.
    """
    return _mean_removed(pixels, scale=256.0)


def to_unit(pixels: Any) -> Any:
    """The pixels as they are: RGB in [0, 1], nothing removed, as b06b01073's code feeds them to VGG-19."""
    return pixels


NETWORK_PIXELS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"caffe": to_caffe, "caffe_256": to_caffe_256, "unit": to_unit}
)
"""The names by which a configuration chooses one of the functions above."""


def _mean_removed(pixels: Any, scale: float) -> Any:
    # The mean takes the pixels' own dtype: a float64 mean would promote a float32 array, and a
    # float32 mean would be refused by a float64 tensor.
    dtype = getattr(pixels.dtype, "as_numpy_dtype", pixels.dtype)
    return pixels[..., ::-1] * scale - np.asarray(CAFFE_MEAN_BGR, dtype=dtype)

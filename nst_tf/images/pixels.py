"""Arithmetic of pixels: levels of a file, transparency over white, and what a network was trained on.

NumPy alone: the numerics import this without Pillow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from nst_tf.errors import InputError

SMALLEST_SIDE = 16
"""Pixels. Four poolings stand before block5 of VGG-16 and VGG-19, each halves a side, rounding down: a
shorter side has no position left there."""

LUMA = (0.299, 0.587, 0.114)
"""Y of YIQ from encoded R, G, B: ITU-R BT.601, section 2.5.1."""

# ---- from floats to the whole levels that a file holds, and back ----


def levels_of(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """Values clipped to [0, 1] and rounded to the nearest of 2^bits levels, halves up: uint8 or uint16.

    Raises InputError for a value that is not finite.
    """
    values = np.asarray(values, np.float64)  # in float32, 0.49999997 + 0.5 would already be 1
    if not np.isfinite(values).all():
        raise InputError("a picture to write holds values that are not finite (NaN or infinity)")
    return np.floor(np.clip(values, 0, 1) * (2**bits - 1) + 0.5).astype(np.uint8 if bits == 8 else np.uint16)


def rounded(pixels: np.ndarray, bits: int = 8) -> np.ndarray:
    """Float32 pixels exactly as a reader of the lossless sRGB file (PNG, TIFF) gets them back.

    A loss computed on these is the loss of the saved picture. Raises InputError for a value that is not
    finite.
    """
    return levels_of(pixels, bits).astype(np.float32) / np.float32(2**bits - 1)


# ---- transparency: laid over white on reading, given back to the result ----


def over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels (..., 3) of opacity (...) laid over white: alpha * pixels + 1 - alpha."""
    opacity = alpha[..., None]
    return pixels * opacity + (1 - opacity)


def straight(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels (..., C) that a file stored multiplied by their opacity (...), divided by it; at most 1."""
    return np.minimum(pixels / np.where(alpha > 0, alpha, 1)[..., None], 1)


def without_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colors that give ``pixels`` (H, W, 3) when they are laid over white with opacity (H, W), clipped.

    The network sees the content laid over white, and so the result's soft edges are mixed with white:
    kept, they would be a pale rim on any dark ground. Where nothing is opaque, any color gives white, and
    the picture's own is kept: it goes on with the strokes beside it, for whoever enlarges the mask.
    """
    opacity = np.asarray(alpha, np.float32)[..., None]
    visible = np.where(opacity > 0, opacity, 1)
    unmixed = np.where(opacity > 0, (pixels - (1 - opacity)) / visible, pixels)
    return np.clip(unmixed, 0, 1).astype(np.float32)


# ---- from RGB in [0, 1] to the pixels that a pretrained network was trained on ----
#
# Plain arithmetic and indexing only: each function takes a NumPy array or a TensorFlow tensor of floats,
# channels last with any leading axes, and returns the same kind, shape and dtype.

CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
"""Mean of ImageNet's training pixels in BGR on a 0..255 scale: the pixels of Simonyan and Zisserman's VGG
(arXiv:1409.1556, section 2.1), the numbers of Keras' ``imagenet_utils`` in mode 'caffe'."""


def to_caffe(pixels: Any, white: float = 255.0) -> Any:
    """RGB in [0, 1] to BGR in 0..255 minus the training mean: ``255 * bgr - CAFFE_MEAN_BGR``.

    Equals ``keras.applications.vgg19.preprocess_input(255 * pixels)``.
    """
    # The mean takes the pixels' own dtype: a float64 mean would promote a float32 array, and a
    # float32 mean would be refused by a float64 tensor.
    dtype = getattr(pixels.dtype, "as_numpy_dtype", pixels.dtype)
    return pixels[..., ::-1] * white - np.asarray(CAFFE_MEAN_BGR, dtype=dtype)


def to_caffe_256(pixels: Any) -> Any:
    """Like :func:`to_caffe`, times 256: white becomes 256, not 255.

    This is ``preprocess`` in neural_style.lua of jcjohnson/neural-style (``img:mul(256.0)``), kept because
    its published weights were tuned on it.
    """
    return to_caffe(pixels, white=256.0)


def to_unit(pixels: Any) -> Any:
    """The pixels as they are: RGB in [0, 1], nothing removed, as b06b01073's code feeds them to VGG-19."""
    return pixels


IMAGENET_MEAN_RGB = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION_RGB = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's training pixels in [0, 1], the numbers of torchvision's
``ImageClassification`` (torchvision/transforms/_presets.py)."""


def to_imagenet(pixels: Any) -> Any:
    """RGB in [0, 1] with torchvision's mean and deviation removed, the pixels of its own VGG networks."""
    dtype = getattr(pixels.dtype, "as_numpy_dtype", pixels.dtype)
    mean, deviation = (np.asarray(values, dtype) for values in (IMAGENET_MEAN_RGB, IMAGENET_DEVIATION_RGB))
    return (pixels - mean) / deviation


NETWORK_PIXELS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"caffe": to_caffe, "caffe_256": to_caffe_256, "unit": to_unit, "imagenet": to_imagenet}
)
"""The names by which a configuration chooses one of the functions above."""

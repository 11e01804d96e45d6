"""Pictures at another size: which sizes are possible, and the resampling."""

from __future__ import annotations

import numpy as np
from PIL import Image

from nst_tf.errors import InputError
from nst_tf.images.opening import MOST_PIXELS
from nst_tf.images.pixels import SMALLEST_SIDE


def fit_long_side(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width in pixels, such that the longer side is ``size`` and the aspect ratio is kept.

    The shorter side is ``size * short / long`` rounded to the nearest integer, halves up, in exact
    integer arithmetic. The size may be larger than the picture.

    Raises:
        InputError: ``size`` is no integer, or the shorter side would fall under ``SMALLEST_SIDE``; the
            message names the smallest size that works for this aspect ratio. Or the picture would have
            more than ``MOST_PIXELS``; the message names the largest.
    """
    _check_not_empty(height, width)
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)):
        raise InputError(f"size must be a whole number of pixels, received {size!r}")
    size = int(size)
    fitted = short_side(height, width, size)
    if fitted < SMALLEST_SIDE:
        raise InputError(
            f"size {size} would leave a picture of {height} x {width} with a side under {SMALLEST_SIDE} "
            "pixels, too short for the network's poolings: the smallest size that works is "
            f"{smallest_size(height, width)}"
        )
    if size * fitted > MOST_PIXELS:
        raise InputError(
            f"size {size} would make a picture of {size * fitted} pixels, more than the {MOST_PIXELS} that"
            f" can be read back: the largest size that works is {largest_size(height, width)}"
        )
    return (size, fitted) if height >= width else (fitted, size)


def short_side(height: int, width: int, size: int) -> int:
    """The shorter side in pixels, if the longer one is ``size``: rounded to the nearest, halves up."""
    long, short = max(height, width), min(height, width)
    return (2 * size * short + long) // (2 * long)


def smallest_size(height: int, width: int) -> int:
    """The smallest long side in pixels whose shorter side is at least ``SMALLEST_SIDE``."""
    long, short = max(height, width), min(height, width)
    # the smallest size with size * short / long >= SMALLEST_SIDE - 1/2, rounded up
    return -(-(2 * SMALLEST_SIDE - 1) * long // (2 * short))


def largest_size(height: int, width: int) -> int:
    """The largest long side in pixels with which the picture has at most ``MOST_PIXELS``."""
    low, high = 0, MOST_PIXELS + 1  # rounding makes the closed form miss by a few: both sides grow with size
    while high - low > 1:
        middle = (low + high) // 2
        fits = middle * short_side(height, width, middle) <= MOST_PIXELS
        low, high = (middle, high) if fits else (low, middle)
    return low


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at ``height`` x ``width``, by Lanczos' windowed sinc (three lobes) on floats.

    The filter widens with the reduction (Pillow's resampling), so a smaller picture is not aliased. No
    8-bit rounding takes place; the filter's overshoot at edges is clipped to [0, 1].

    Args:
        pixels: float32 in [0, 1], (H, W, C) with any number of channels, or (H, W).
        height: rows wanted, at least 1.
        width: columns wanted, at least 1.

    Returns:
        float32, (height, width, C) or (height, width). Where the size is the same already, ``pixels``
        itself, untouched.

    Raises:
        InputError: the array has another number of axes or no pixels, or a side wanted is below 1.
    """
    return _resampled(pixels, height, width, Image.Resampling.LANCZOS)


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Opacity [H, W], or memberships [H, W, R] of regions, in [0, 1], as ``resize`` takes pixels.

    The filter is a triangle, which widens with the reduction. Lanczos', which is negative in places, would
    ring: a faint ghost of every outline in the middle of what is transparent, and pixels in regions that
    they do not belong to. Memberships that sum to 1 still do.
    """
    return _resampled(mask, height, width, Image.Resampling.BILINEAR)


def _resampled(pixels: np.ndarray, height: int, width: int, resampling: Image.Resampling) -> np.ndarray:
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise InputError(f"a picture has axes (height, width, channel), received shape {pixels.shape}")
    _check_not_empty(height, width)
    if pixels.shape[:2] == (height, width):
        return pixels
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    resized = np.empty((height, width, planes.shape[2]), np.float32)
    for channel in range(planes.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(planes[..., channel], np.float32))  # mode 'F'
        resized[..., channel] = np.asarray(plane.resize((width, height), resampling))
    np.clip(resized, 0.0, 1.0, out=resized)
    return resized[..., 0] if pixels.ndim == 2 else resized


def _check_not_empty(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise InputError(f"a picture needs at least 1 x 1 pixels, received {height} x {width}")

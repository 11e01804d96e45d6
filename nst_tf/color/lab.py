"""sRGB and CIE 1976 L*a*b*, both ways; and functions of pixels, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# in float64 a band and a handful of temporaries take some 30 MB, however large the picture is
_PIXELS = 1 << 18


def in_bands(function: Callable[..., np.ndarray], *pictures: np.ndarray) -> np.ndarray:
    """``function`` of rows of each picture [h, W, 3], in float64 -> the whole result [H, W, 3], float32."""
    height, width = pictures[0].shape[:2]
    rows = max(1, _PIXELS // width)
    result = np.empty((height, width, 3), np.float32)
    for first in range(0, height, rows):
        band = slice(first, first + rows)
        result[band] = function(*(picture[band].astype(np.float64) for picture in pictures))
    return result


# IEC 61966-2-1: linear sRGB to XYZ, its white being D65; and the piecewise curve of sRGB
_XYZ_FROM_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _XYZ_FROM_RGB.sum(axis=1)
_RGB_FROM_XYZ = np.linalg.inv(_XYZ_FROM_RGB)
_SRGB_THRESHOLD, _SRGB_SLOPE, _SRGB_OFFSET, _SRGB_POWER = 0.04045, 12.92, 0.055, 2.4
_CIE_DELTA = 6 / 29  # CIE 15:2004, section 8.2.1: below its cube the cube root is continued by a line
# a chroma of at most 134 (sRGB's blue) is then met to 0.002, a hundredth of what 8 bits tell apart
_HALVINGS = 16
_NO_COLOR = 1e-9  # rounding of the way to Lab and back


def lab(pixels: np.ndarray) -> np.ndarray:
    """SRGB [..., 3] in [0, 1] -> CIE 1976 L*a*b* [..., 3] for D65, float64: L* in 0..100."""
    encoded = pixels.astype(np.float64)
    linear = np.where(
        encoded <= _SRGB_THRESHOLD,
        encoded / _SRGB_SLOPE,
        ((encoded + _SRGB_OFFSET) / (1 + _SRGB_OFFSET)) ** _SRGB_POWER,
    )
    relative = linear @ _XYZ_FROM_RGB.T / _WHITE
    roots = np.where(relative > _CIE_DELTA**3, np.cbrt(relative), relative / (3 * _CIE_DELTA**2) + 4 / 29)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def srgb(colors: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* [..., 3] for D65 -> sRGB [..., 3] in [0, 1], float64, with what has no sRGB made paler.

    A color outside of sRGB keeps lightness L* and hue, the direction of (a*, b*); its chroma is reduced to
    the most that sRGB has there. Clipping R, G and B instead would change all three.
    """
    linear = _linear(colors)
    outside = ((linear < -_NO_COLOR) | (linear > 1 + _NO_COLOR)).any(axis=-1)
    if outside.any():
        linear[outside] = _palest_needed(colors[outside])
    linear = np.clip(linear, 0, 1)
    return np.where(
        linear <= _SRGB_THRESHOLD / _SRGB_SLOPE,
        linear * _SRGB_SLOPE,
        (1 + _SRGB_OFFSET) * linear ** (1 / _SRGB_POWER) - _SRGB_OFFSET,
    )


def _linear(colors: np.ndarray) -> np.ndarray:
    """Lab [..., 3] -> linear RGB, beyond [0, 1] for colors that sRGB does not have."""
    y = (colors[..., 0] + 16) / 116
    roots = np.stack([y + colors[..., 1] / 500, y, y - colors[..., 2] / 200], axis=-1)
    relative = np.where(roots > _CIE_DELTA, roots**3, 3 * _CIE_DELTA**2 * (roots - 4 / 29))
    return (relative * _WHITE) @ _RGB_FROM_XYZ.T


def _palest_needed(colors: np.ndarray) -> np.ndarray:
    """Lab [N, 3] -> linear RGB [N, 3] of the strongest color of that lightness and hue, by bisection."""
    low, high = np.zeros(len(colors)), np.ones(len(colors))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        linear = _linear(_paler(colors, middle))
        inside = ((linear >= 0) & (linear <= 1)).all(axis=-1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return _linear(_paler(colors, low))


def _paler(colors: np.ndarray, share: np.ndarray) -> np.ndarray:
    return np.concatenate([colors[:, :1], colors[:, 1:] * share[:, np.newaxis]], axis=1)

"""What every picture needs: coordinates, blending, sRGB, light on a relief, and shrinking."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates


def grid(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres ``x``, ``y``, each of shape (height, width), in pixels."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return x + np.float32(0.5), y + np.float32(0.5)


def ramp(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """Smooth step from 0 at ``low`` to 1 at ``high`` (``low`` may be the larger)."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def mix(a: np.ndarray, b: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Blend colors ``a`` to ``b`` (..., 3) by ``amount`` (...)."""
    return a + (b - a) * np.asarray(amount)[..., None]


def color(code: str) -> np.ndarray:
    """Color of a hexadecimal code, float32 in [0, 1]."""
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255.0


def palette(stops: list[tuple[float, str]], value: np.ndarray) -> np.ndarray:
    """Colors interpolated between (position, hexadecimal code) stops, at ``value`` (...) -> (..., 3)."""
    positions = [position for position, _ in stops]
    colors = np.stack([color(code) for _, code in stops])
    channels = [np.interp(value, positions, colors[:, c]).astype(np.float32) for c in range(3)]
    return np.stack(channels, axis=-1)


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """SRGB in [0, 1] to linear light, IEC 61966-2-1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] to sRGB, IEC 61966-2-1; values outside are clipped."""
    clipped = np.clip(linear, 0.0, 1.0)
    return np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055).astype(
        np.float32
    )


def filmic(linear: np.ndarray) -> np.ndarray:
    """Compress linear light of any strength into [0, 1]: Narkowicz's fit of the ACES curve (2015)."""
    return np.clip(linear * (2.51 * linear + 0.03) / (linear * (2.43 * linear + 0.59) + 0.14), 0.0, 1.0)


def relief_light(height: np.ndarray, towards: tuple[float, float, float], strength: float) -> np.ndarray:
    """Cosine between the normals of a relief (in pixels times ``strength``) and a light, flat = 1.

    ``towards`` points to the light: x right, y down, z to the viewer; it need not be normalised.
    """
    slope_y, slope_x = np.gradient(height.astype(np.float32) * np.float32(strength))
    light = np.asarray(towards, np.float32) / np.linalg.norm(towards)
    cosine = (light[2] - slope_x * light[0] - slope_y * light[1]) / np.sqrt(1 + slope_x**2 + slope_y**2)
    return np.maximum(cosine, 0.0) / light[2]


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of the two first axes, edges mirrored."""
    return gaussian_filter(image, (sigma, sigma) + (0,) * (image.ndim - 2), mode="reflect")


def sample(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear look-up at pixel coordinates (pixel centres at .5); outside takes the nearest pixel."""
    at = np.stack([y - 0.5, x - 0.5])
    if image.ndim == 2:
        return map_coordinates(image, at, order=1, mode="nearest")
    planes = [map_coordinates(image[..., c], at, order=1, mode="nearest") for c in range(image.shape[2])]
    return np.stack(planes, axis=-1)


def shrink(image: np.ndarray, factor: int) -> np.ndarray:
    """Box average over blocks of ``factor`` x ``factor`` pixels."""
    rows, columns = image.shape[0] // factor, image.shape[1] // factor
    blocks = image[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor, -1)
    return blocks.mean(axis=(1, 3), dtype=np.float32).reshape((rows, columns) + image.shape[2:])


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Float picture in [0, 1] to uint8, rounded, clipped."""
    return (np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)

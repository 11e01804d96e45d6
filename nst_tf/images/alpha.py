"""Transparency of the content picture, given back to the result."""

from __future__ import annotations

import numpy as np
from PIL import Image


def alpha_at(alpha: np.ndarray, height: int, width: int) -> np.ndarray:
    """Opacity (H, W) in [0, 1] at another size, float32; itself where the size is the same.

    By a triangle that widens with the reduction. Lanczos' filter, which serves the colours, would ring: a
    faint ghost of every outline, in the middle of what is transparent.
    """
    if alpha.shape == (height, width):
        return alpha
    plane = Image.fromarray(np.ascontiguousarray(alpha, np.float32))  # mode 'F'
    resized = np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR))
    return np.clip(resized, 0, 1)


def over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels (H, W, 3) of opacity (H, W) laid over white: alpha * pixels + 1 - alpha."""
    opacity = alpha[..., None]
    return pixels * opacity + (1 - opacity)


def lay_over_white(pixels: np.ndarray, alpha: np.ndarray) -> None:
    """The same in place: another picture of the largest size would take 2.1 GB."""
    for row, opacity in zip(pixels, alpha[..., None], strict=True):
        row *= opacity
        row += 1 - opacity


def without_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colours that give ``pixels`` (H, W, 3) when they are laid over white with opacity (H, W), clipped.

    The network sees the content laid over white, and so the result's soft edges are mixed with white:
    kept, they would be a pale rim on any dark ground. Where nothing is opaque, any colour gives white, and
    the picture's own is kept: it goes on with the strokes beside it, for whoever enlarges the mask.
    """
    opacity = np.asarray(alpha, np.float32)[..., None]
    visible = np.where(opacity > 0, opacity, 1)
    unmixed = np.where(opacity > 0, (pixels - (1 - opacity)) / visible, pixels)
    return np.clip(unmixed, 0, 1).astype(np.float32)

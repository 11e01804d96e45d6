"""A function of pixels over a picture, some rows at a time."""

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

"""A picture seen through a flow."""

from __future__ import annotations

import numpy as np

_CUBIC = 3  # repeated from frame to frame, a linear interpolation would blur more and more


def warped(values: np.ndarray, flow: np.ndarray, order: int = _CUBIC) -> np.ndarray:
    """w(p) = values(p + flow(p)): values [H, W, C], flow [H, W, 2] in pixels (across, down) -> [H, W, C].

    float32, by splines of the given ``order`` (1 is linear), kept in the range that the values had. Beyond
    the border stands what is at the border.
    """
    from scipy.ndimage import map_coordinates  # a quarter of a second, which only animations need to spend

    places = sources(flow)
    found = np.stack(
        [
            map_coordinates(values[..., channel], places, np.float32, order, mode="nearest")
            for channel in range(values.shape[2])
        ],
        axis=-1,
    )
    return np.clip(found, values.min(), values.max())


def sources(flow: np.ndarray) -> np.ndarray:
    """Flow [H, W, 2] -> rows and columns [2, H, W] that each pixel is taken from."""
    rows, columns = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]].astype(np.float32)
    return np.stack([rows + flow[..., 1], columns + flow[..., 0]])

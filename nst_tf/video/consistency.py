"""Where an optical flow can be believed, and how much a sequence flickers where it can."""

from __future__ import annotations

import numpy as np

from nst_tf.video.warp import sources, warped

# Sundaram, Brox, Keutzer, "Dense point trajectories by GPU-accelerated large displacement optical flow",
# ECCV 2010, equation 5 (hidden) and 6 (boundaries of motion); flows are in pixels a frame
_RELATIVE, _SLACK = 0.01, 0.5
_BOUNDARY_RELATIVE, _BOUNDARY_SLACK = 0.01, 0.002


def confidence(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """1 where a pixel of the second frame was seen in the first one, 0 elsewhere; [H, W] float32.

    ``forward`` leads from the first frame to the second, ``backward`` from the second to the first, both
    [H, W, 2] in pixels (across, down). With w the forward flow seen through the backward one, v:

    - hidden before: |w + v|^2 > 0.01 (|w|^2 + |v|^2) + 0.5
    - at a boundary of motion: |grad v_x|^2 + |grad v_y|^2 > 0.01 |v|^2 + 0.002
    - outside before: p + v(p) is not in the first frame. Not in the paper, whose test can't see it.

    Ruder, Dosovitskiy, Brox, "Artistic style transfer for videos", GCPR 2016, section 4.2.
    """
    forward_here = warped(forward, backward, order=1)
    squared = _squared(forward_here) + _squared(backward)
    hidden = _squared(forward_here + backward) > _RELATIVE * squared + _SLACK
    slopes = [np.gradient(backward[..., axis], axis=(0, 1)) for axis in (0, 1)]
    steepness = sum(down**2 + across**2 for down, across in slopes)
    boundary = steepness > _BOUNDARY_RELATIVE * _squared(backward) + _BOUNDARY_SLACK
    return (~(hidden | boundary | outside(backward))).astype(np.float32)


def outside(flow: np.ndarray) -> np.ndarray:
    """Where a flow [H, W, 2] leads out of the picture, by more than half a pixel; [H, W] bool."""
    rows, columns = sources(flow)
    height, width = flow.shape[:2]
    return (rows < -0.5) | (rows > height - 0.5) | (columns < -0.5) | (columns > width - 0.5)


def warping_error(first: np.ndarray, second: np.ndarray, backward: np.ndarray, believed: np.ndarray) -> float:
    """Mean over believed pixels of |second - first seen through the flow|^2, summed over the channels.

    Frames [H, W, 3] in [0, 1], ``backward`` [H, W, 2] from the second to the first frame, ``believed`` [H, W]
    as of ``confidence``. 0 where nothing is believed. Lai, Huang, Wang, Shechtman, Yumer, Yang, "Learning
    blind video temporal consistency", ECCV 2018, section 4.1, E_warp of a pair (there squared errors of
    the pixels, too, by flow between the frames of the source).
    """
    squared = _squared(second - warped(first, backward, order=1))
    return float((believed * squared).sum() / max(believed.sum(), 1))


def _squared(vectors: np.ndarray) -> np.ndarray:
    return (vectors**2).sum(axis=-1)

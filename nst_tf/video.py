"""Animations: optical flow, where it can be believed, and what each frame begins from."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, Protocol

import numpy as np

from nst_tf.errors import InputError, check_weight, is_number, is_whole, require
from nst_tf.images.pixels import LUMA

# ----------------------------------------------------------------------------
# Dense optical flow: estimated by OpenCV, followed by warping, believed where both directions agree.

_PRESETS = ("ultrafast", "fast", "medium")  # in the order of OpenCV's constants, from 0


class DenseFlow(Protocol):
    """Estimates where every pixel went."""

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Pictures [H, W, 3] in [0, 1] -> [H, W, 2] in pixels (across, down).

        What is at p in the first picture is at p + flow(p) in the second.
        """
        ...


@dataclass(frozen=True)
class DisFlow:
    """Dense inverse search. ``preset`` is one of OpenCV's: ultrafast, fast, medium, from quick to exact.

    Kroeger, Timofte, Dai, Van Gool, "Fast optical flow using dense inverse search", ECCV 2016.
    """

    preset: str = "medium"

    def __post_init__(self) -> None:
        require(self.preset in _PRESETS, "video.flow.preset", self.preset, ", ".join(_PRESETS))
        _opencv()  # InputError on a machine without it

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        search = _opencv().DISOpticalFlow_create(_PRESETS.index(self.preset))
        return search.calc(_grey(first), _grey(second), None)


@dataclass(frozen=True)
class FarnebackFlow:
    """By polynomials fitted around every pixel, from coarse to fine over ``levels`` that halve the size.

    ``window``: pixels a side over which motion is averaged; ``iterations`` at each level.
    Farneback, "Two-frame motion estimation based on polynomial expansion", SCIA 2003.
    """

    levels: int = 5
    window: int = 15
    iterations: int = 5

    def __post_init__(self) -> None:
        for name in ("levels", "window", "iterations"):
            require(getattr(self, name) >= 1, f"video.flow.{name}", getattr(self, name), "at least 1")
        _opencv()  # InputError on a machine without it

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        # a neighbourhood of 7 with a deviation of 1.5, as OpenCV's documentation advises; 0: no flags
        return _opencv().calcOpticalFlowFarneback(
            _grey(first), _grey(second), None, 0.5, self.levels, self.window, self.iterations, 7, 1.5, 0
        )


def _grey(picture: np.ndarray) -> np.ndarray:
    """Luma of 8 bits, [H, W]."""
    return np.rint(picture @ np.array(LUMA, np.float32) * 255).astype(np.uint8)


def _opencv() -> Any:
    try:
        return import_module("cv2")  # an extra: it may not be installed where types are checked
    except ImportError as error:
        raise InputError(
            f"video=flow needs OpenCV for the optical flow ({error}): pip install 'nst_tf[video]', or say"
            " video=previous"
        ) from None


# ---- a picture seen through a flow ----

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


# ---- where a flow can be believed, and how much a sequence flickers where it can ----

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


# ---- What `video=` can be: what each frame of an animation begins from ----


@dataclass(frozen=True)
class Beginning:
    """``start`` [H, W, 3]: what the optimization begins from, in [0, 1].

    Where ``believed`` [H, W] is 1, the result is to stay near ``target`` [H, W, 3], the previous result as
    this frame sees it; None where nothing is. ``backward`` [H, W, 2] is the flow by which it was seen.
    """

    start: np.ndarray
    target: np.ndarray | None = None
    believed: np.ndarray | None = None
    backward: np.ndarray | None = None


@dataclass(frozen=True)
class Video:
    """Whether, and how, a run goes through the frames of an animation."""

    frames_per_second: float = 12.0
    """Of frames whose files do not say how long they are shown."""

    takes_frames: ClassVar[bool] = True
    """Whether the content is an animation, rather than one picture."""

    def __post_init__(self) -> None:
        rate = self.frames_per_second  # a GIF counts hundredths of a second
        right = is_number(rate) and 0 < rate <= 100
        require(right, "video.frames_per_second", rate, "above 0 and at most 100")

    @property
    def temporal_weight(self) -> float:
        """Of the temporal term of the objective; 0 for none."""
        return 0.0

    def later_steps(self, steps: int) -> int:
        """Steps of every frame but the first, which has ``steps`` at the last size."""
        return steps

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        """Contents before and now, and the result before, all [H, W, 3] -> what to begin from.

        None: as the first frame does, over all sizes.
        """
        return None


@dataclass(frozen=True)
class Still(Video):
    """One picture."""

    frames_per_second: float = field(default=12.0, init=False)
    takes_frames: ClassVar[bool] = False


@dataclass(frozen=True)
class Independent(Video):
    """Every frame as if it were the only one."""


@dataclass(frozen=True)
class FromPrevious(Video):
    """Each frame begins from the result of the one before, where it was."""

    steps: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        right = self.steps is None or is_whole(self.steps, 1)
        require(right, "video.steps", self.steps, "null or at least 1")

    def later_steps(self, steps: int) -> int:
        return self.steps or steps

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        return Beginning(result)


@dataclass(frozen=True)
class FollowFlow(FromPrevious):
    """Each frame begins from the result before, moved along by optical flow, and is kept near it.

    Ruder, Dosovitskiy, Brox, "Artistic style transfer for videos", GCPR 2016, sections 4.1 and 4.2: the
    initialization, and the short-term temporal loss with ``weight`` (their gamma). The paper begins from the
    moved result everywhere; here, where the flow leads out of the picture before, from the content, because
    there is nothing to move.
    """

    weight: float = 200.0
    flow: DenseFlow = field(default_factory=DisFlow)

    def __post_init__(self) -> None:
        check_weight("video", self.weight)
        super().__post_init__()

    @property
    def temporal_weight(self) -> float:
        return self.weight

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        forward, backward = self.flow(before, now), self.flow(now, before)
        target = warped(result, backward)
        start = np.where(outside(backward)[..., np.newaxis], now, target)
        return Beginning(start.astype(np.float32), target, confidence(forward, backward), backward)

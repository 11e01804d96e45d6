"""Dense optical flow between two pictures, by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from nst_tf.errors import InputError

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
        """Refuse an unknown preset, and a machine without OpenCV: InputError."""
        if self.preset not in _PRESETS:
            raise InputError(f"video.flow.preset must be {', '.join(_PRESETS)}, but is {self.preset!r}")
        _opencv()

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Pictures [H, W, 3] in [0, 1] -> [H, W, 2] in pixels (across, down)."""
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
        """Refuse numbers below 1, and a machine without OpenCV: InputError."""
        for name in ("levels", "window", "iterations"):
            if getattr(self, name) < 1:
                raise InputError(f"video.flow.{name} must be at least 1, but is {getattr(self, name)}")
        _opencv()

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Pictures [H, W, 3] in [0, 1] -> [H, W, 2] in pixels (across, down)."""
        # a neighbourhood of 7 with a deviation of 1.5, as OpenCV's documentation advises; 0: no flags
        return _opencv().calcOpticalFlowFarneback(
            _grey(first), _grey(second), None, 0.5, self.levels, self.window, self.iterations, 7, 1.5, 0
        )


def _grey(picture: np.ndarray) -> np.ndarray:
    """Luma of ITU-R BT.601, 8 bits, [H, W]."""
    return np.rint(picture @ np.array([0.299, 0.587, 0.114], np.float32) * 255).astype(np.uint8)


def _opencv() -> Any:
    try:
        return import_module("cv2")  # an extra: it may not be installed where types are checked
    except ImportError as error:
        raise InputError(
            f"video=flow needs OpenCV for the optical flow ({error}): pip install 'nst_tf[video]', or say"
            " video=previous"
        ) from None

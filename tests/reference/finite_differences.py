"""Derivatives by central differences in float64: they know nothing of how a formula was differentiated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def central_gradient(
    function: Callable[[np.ndarray], float], point: np.ndarray, step: float = 1e-6
) -> np.ndarray:
    """Every partial derivative; errors: about step^2 from curvature, 1e-16 / step from rounding."""
    gradient = np.empty(point.shape)
    for index in np.ndindex(point.shape):
        gradient[index] = central_slope(function, point, _unit(point.shape, index), step)
    return gradient


def central_slope(
    function: Callable[[np.ndarray], float], point: np.ndarray, direction: np.ndarray, step: float = 1e-6
) -> float:
    """The derivative along a direction."""
    return (function(point + step * direction) - function(point - step * direction)) / (2 * step)


def _unit(shape: tuple[int, ...], index: tuple[int, ...]) -> np.ndarray:
    unit = np.zeros(shape)
    unit[index] = 1
    return unit

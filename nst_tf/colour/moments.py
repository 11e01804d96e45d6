"""Mean and covariance of a picture's colours, and roots of covariances that may be singular."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDING_VARIANCE = 1 / (12 * 255**2)
"""Of a value rounded to 8 bits (a uniform error of one level): a direction of colour with less holds none."""

_PIXELS = 1 << 20  # summed at once, in float64


@dataclass(frozen=True)
class Moments:
    """``mean`` [3] and ``covariance`` [3, 3] (1/N) of RGB values, float64."""

    mean: np.ndarray
    covariance: np.ndarray


def moments_of(pixels: np.ndarray) -> Moments:
    """Of a picture [H, W, 3]; in float64, centred before it is squared."""
    colours = pixels.reshape(-1, 3)
    mean = colours.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((3, 3))
    for first in range(0, len(colours), _PIXELS):
        centred = colours[first : first + _PIXELS] - mean
        covariance += centred.T @ centred
    return Moments(mean, covariance / len(colours))


def square_root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric S with S S = covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def lower_root(covariance: np.ndarray) -> np.ndarray:
    """The lower triangular L with L L^T = covariance and no negative diagonal: Cholesky's, singular or not.

    By the triangular factor R of a square root S = Q R: S^T S = R^T R.
    """
    _, upper = np.linalg.qr(square_root(covariance))
    signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
    return (upper * signs[:, np.newaxis]).T


def with_support(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The covariance with no variance below that of rounding, and the projector on the directions with more.

    For a picture with colours of three dimensions they are the covariance itself and the identity.
    """
    values, vectors = np.linalg.eigh(covariance)
    has_colour = values > ROUNDING_VARIANCE
    raised = (vectors * np.maximum(values, ROUNDING_VARIANCE)) @ vectors.T
    return (covariance if has_colour.all() else raised), (vectors * has_colour) @ vectors.T

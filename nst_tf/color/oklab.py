"""color=nnst: chroma of the content, brought to the style's, with the lightness of the result, in OKLab.

Kolkin et al. 2022, "Neural neighbor style transfer", section 3.4 and the code beside it, of which the
constants are. As there, OKLab's formula is used on gamma-coded RGB, in which the constants were chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst_tf.color.modes import Canvas, Color
from nst_tf.errors import InputError

# Ottosson 2020, "A perceptual color space for image processing": RGB to cones, and their cube roots to Lab
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_A_LITTLE = 1e-4  # added to the variances before one is divided by another
_NO_CHROMA = 6e-5  # of a drawing: no entry of the covariance of (a, b) is above it
_SMOOTHINGS, _STEEPNESS = 5, 10.0  # passes over the chroma, which stops where lightness changes


def oklab(pixels: np.ndarray) -> np.ndarray:
    """RGB [..., 3] in [0, 1], taken as it is -> OKLab [..., 3], float64."""
    return np.cbrt(pixels.astype(np.float64) @ _CONES.T) @ _LAB.T


def rgb(colors: np.ndarray) -> np.ndarray:
    """OKLab [..., 3] -> RGB [..., 3], clipped to [0, 1], float32."""
    cones = (colors @ np.linalg.inv(_LAB).T) ** 3
    return np.clip(cones @ np.linalg.inv(_CONES).T, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class StyledChroma(Color):
    """The optimization is the usual one; what is saved has its lightness and the content's chroma, restyled.

    The content's (a, b) get the mean and the covariance of the style's, and are smoothed where lightness does
    not change, so that colors stay within objects. A style without chroma, such as a drawing, gives the
    result its mean and covariance in all three channels instead. Several styles are pooled.
    """

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """One that colors; raises InputError without any style."""
        if not styles:
            raise InputError("color=nnst takes its colors from a style: give at least one")
        of_styles = [
            np.full(
                style.shape[0] * style.shape[1], weight / (sum(weights) * style.shape[0] * style.shape[1])
            )
            for style, weight in zip(styles, weights, strict=True)
        ]
        pixels = np.concatenate([style.reshape(-1, 3) for style in styles])
        return _Restyled(content, oklab(pixels), np.concatenate(of_styles))


@dataclass(frozen=True, eq=False)
class _Restyled(Canvas):
    content: np.ndarray
    style: np.ndarray
    """OKLab [N, 3] of the pixels of all styles."""
    weights: np.ndarray
    """Of the pixels, [N], with a sum of 1."""

    def saved(self, image: np.ndarray) -> np.ndarray:
        return restyled(np.clip(image, 0, 1), self.content, self.style, self.weights)


def restyled(
    result: np.ndarray, content: np.ndarray, style: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Result and content [H, W, 3] in RGB, OKLab [N, 3] of a style and its weights -> RGB [H, W, 3]."""
    shares = np.full(len(style), 1 / len(style)) if weights is None else weights
    lowest, highest = style.min(axis=0), style.max(axis=0)
    colors = oklab(result)
    mean = shares @ style
    covariance = (style - mean).T @ ((style - mean) * shares[:, np.newaxis])
    if covariance[1:, 1:].max() <= _NO_CHROMA:
        return rgb(np.clip(_moved(colors, mean, covariance), lowest, highest))
    colors = np.clip(colors, lowest, highest)
    chroma = _moved(oklab(content)[..., 1:], mean[1:], covariance[1:, 1:])
    chroma = _smoothed(chroma, colors[..., 0])
    return rgb(np.concatenate([colors[..., :1], np.clip(chroma, lowest[1:], highest[1:])], axis=-1))


def _moved(colors: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Colors [H, W, D] with another mean and covariance, by symmetric roots of both."""
    flat = colors.reshape(-1, colors.shape[-1])
    centred = flat - flat.mean(axis=0)
    own = centred.T @ centred / len(centred)
    matrix = _power(covariance, 0.5) @ _power(own, -0.5)
    return (centred @ matrix.T + mean).reshape(colors.shape)


def _power(covariance: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance + _A_LITTLE * np.eye(len(covariance)))
    return (vectors * values**exponent) @ vectors.T


def _smoothed(chroma: np.ndarray, lightness: np.ndarray) -> np.ndarray:
    """Chroma [H, W, 2], averaged over 3 x 3 neighbors with weights by how alike their lightness is."""
    height, width = lightness.shape
    bordered = np.pad(lightness, 1, "edge")
    places = [(down, right) for down in range(3) for right in range(3)]
    shares = [
        np.exp(-_STEEPNESS * np.abs(bordered[down : down + height, right : right + width] - lightness))
        for down, right in places
    ]
    total = np.sum(shares, axis=0)[..., np.newaxis]
    for _ in range(_SMOOTHINGS):
        around = np.pad(chroma, ((1, 1), (1, 1), (0, 0)), "edge")
        summed = np.zeros_like(chroma)
        for (down, right), share in zip(places, shares, strict=True):
            summed += share[..., np.newaxis] * around[down : down + height, right : right + width]
        chroma = summed / total
    return chroma

"""Giving one picture the colors of another, and CIE L*a*b*."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from nst_tf.errors import require

# ---- sRGB and CIE 1976 L*a*b*, both ways; and functions of pixels, some rows at a time ----

# in float64 a band and a handful of temporaries take some 30 MB, however large the picture is
_PIXELS_AT_ONCE = 1 << 18


def in_bands(function: Callable[..., np.ndarray], *pictures: np.ndarray) -> np.ndarray:
    """``function`` of rows of each picture [h, W, 3], in float64 -> the whole result [H, W, 3], float32."""
    height, width = pictures[0].shape[:2]
    rows = max(1, _PIXELS_AT_ONCE // width)
    result = np.empty((height, width, 3), np.float32)
    for first in range(0, height, rows):
        band = slice(first, first + rows)
        result[band] = function(*(picture[band].astype(np.float64) for picture in pictures))
    return result


# IEC 61966-2-1: linear sRGB to XYZ, its white being D65; and the piecewise curve of sRGB
_XYZ_FROM_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _XYZ_FROM_RGB.sum(axis=1)
_RGB_FROM_XYZ = np.linalg.inv(_XYZ_FROM_RGB)
_SRGB_THRESHOLD, _SRGB_SLOPE, _SRGB_OFFSET, _SRGB_POWER = 0.04045, 12.92, 0.055, 2.4
_CIE_DELTA = 6 / 29  # CIE 15:2004, section 8.2.1: below its cube the cube root is continued by a line
# a chroma of at most 134 (sRGB's blue) is then met to 0.002, a hundredth of what 8 bits tell apart
_HALVINGS = 16
_NO_COLOR = 1e-9  # rounding of the way to Lab and back


def lab(pixels: np.ndarray) -> np.ndarray:
    """SRGB [..., 3] in [0, 1] -> CIE 1976 L*a*b* [..., 3] for D65, float64: L* in 0..100."""
    encoded = pixels.astype(np.float64)
    linear = np.where(
        encoded <= _SRGB_THRESHOLD,
        encoded / _SRGB_SLOPE,
        ((encoded + _SRGB_OFFSET) / (1 + _SRGB_OFFSET)) ** _SRGB_POWER,
    )
    relative = linear @ _XYZ_FROM_RGB.T / _WHITE
    roots = np.where(relative > _CIE_DELTA**3, np.cbrt(relative), relative / (3 * _CIE_DELTA**2) + 4 / 29)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def srgb(colors: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* [..., 3] for D65 -> sRGB [..., 3] in [0, 1], float64, with what has no sRGB made paler.

    A color outside of sRGB keeps lightness L* and hue, the direction of (a*, b*); its chroma is reduced to
    the most that sRGB has there. Clipping R, G and B instead would change all three.
    """
    linear = _linear(colors)
    outside = ((linear < -_NO_COLOR) | (linear > 1 + _NO_COLOR)).any(axis=-1)
    if outside.any():
        linear[outside] = _palest_needed(colors[outside])
    linear = np.clip(linear, 0, 1)
    return np.where(
        linear <= _SRGB_THRESHOLD / _SRGB_SLOPE,
        linear * _SRGB_SLOPE,
        (1 + _SRGB_OFFSET) * linear ** (1 / _SRGB_POWER) - _SRGB_OFFSET,
    )


def _linear(colors: np.ndarray) -> np.ndarray:
    """Lab [..., 3] -> linear RGB, beyond [0, 1] for colors that sRGB does not have."""
    y = (colors[..., 0] + 16) / 116
    roots = np.stack([y + colors[..., 1] / 500, y, y - colors[..., 2] / 200], axis=-1)
    relative = np.where(roots > _CIE_DELTA, roots**3, 3 * _CIE_DELTA**2 * (roots - 4 / 29))
    return (relative * _WHITE) @ _RGB_FROM_XYZ.T


def _palest_needed(colors: np.ndarray) -> np.ndarray:
    """Lab [N, 3] -> linear RGB [N, 3] of the strongest color of that lightness and hue, by bisection."""
    low, high = np.zeros(len(colors)), np.ones(len(colors))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        linear = _linear(_paler(colors, middle))
        inside = ((linear >= 0) & (linear <= 1)).all(axis=-1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return _linear(_paler(colors, low))


def _paler(colors: np.ndarray, share: np.ndarray) -> np.ndarray:
    return np.concatenate([colors[:, :1], colors[:, 1:] * share[:, np.newaxis]], axis=1)


# ---- Giving one picture the colors of another: by their mean and covariance, or by their histograms ----


def matched(source: np.ndarray, target: np.ndarray, method: str) -> np.ndarray:
    """``source`` [H, W, 3] with the colors of ``target``, any size, in [0, 1] float32.

    Linear methods: mean and covariance are those of the target, before values beyond [0, 1] are clipped. A
    direction of color that the source does not have (a grey picture has but one) can't be made by a linear
    map: only the mean is the target's there. Histogram: see ``histogram_matched``.
    """
    return np.clip(METHODS[method](source, target), 0, 1)


def check_method(method: object) -> None:
    """Raise InputError for a word that is no method."""
    require(method in METHODS, "color.method", method, f"one of {', '.join(METHODS)}")


# ---- linear maps of RGB, and histograms ----
#
# A picture [H, W, 3] in [0, 1] gets the colors of another. A linear map is c -> A (c - m) + m', from mean m
# and covariance S to m' and S' wherever A S A^T = S': Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving
# color in neural artistic style transfer". The three are the modes of match_color in ColorControl.ipynb of
# leongatys/NeuralImageSynthesis. Departure: there 1e-5 is added to every variance, here nothing is unless
# the colors have fewer than three dimensions, so that mean and covariance are met exactly.


def cholesky(source: Moments, target: Moments) -> np.ndarray:
    """A = L' L^-1 with Cholesky's S = L L^T: Gatys et al. 2016, A_chol. It depends on the order R, G, B."""
    covariance, support = with_support(source.covariance)
    return np.linalg.solve(lower_root(covariance).T, lower_root(target.covariance).T).T @ support


def pca(source: Moments, target: Moments) -> np.ndarray:
    """A = S'^1/2 S^-1/2, roots by principal axes: Gatys et al. 2016, A_IA; Hertzmann et al. 2001."""
    covariance, support = with_support(source.covariance)
    return square_root(target.covariance) @ np.linalg.inv(square_root(covariance)) @ support


def symmetric(source: Moments, target: Moments) -> np.ndarray:
    """A = S^-1/2 (S^1/2 S' S^1/2)^1/2 S^-1/2: the only symmetric one, which moves colors least.

    Pitie and Kokaram 2007, "The linear Monge-Kantorovitch linear color mapping for example-based color
    transfer".
    """
    covariance, support = with_support(source.covariance)
    root = square_root(covariance)
    inverse = np.linalg.inv(root) @ support
    root = root @ support
    return inverse @ square_root(root @ target.covariance @ root) @ inverse


LINEAR: Mapping[str, Callable[[Moments, Moments], np.ndarray]] = {
    "cholesky": cholesky,
    "pca": pca,
    "symmetric": symmetric,
}
"""The linear maps, by the words of the command line."""

_DIGITS = 6  # 4,000 times finer than 8 bits


def linearly_matched(
    source: np.ndarray, target: np.ndarray, linear: Callable[[Moments, Moments], np.ndarray]
) -> np.ndarray:
    """Mean and covariance of ``target``; not clipped, float32."""
    of_source, of_target = moments_of(source), moments_of(target)
    matrix = linear(of_source, of_target)
    return in_bands(lambda rows: (rows - of_source.mean) @ matrix.T + of_target.mean, source)


def histogram_matched(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The target's histogram along each of the principal axes of its colors; not clipped, float32.

    Axes in which the target's colors are uncorrelated, after the symmetric map, which makes those of the
    source uncorrelated there, too: histograms of R, G and B by themselves say nothing of which red goes
    with which green, and matching them makes colors that neither picture has. Mean and variances along the
    axes are then the target's, correlations between them nearly 0.
    """
    close = linearly_matched(source, target, symmetric)
    _, axes = np.linalg.eigh(moments_of(target).covariance)
    height, width = source.shape[:2]
    # products of equal colors may differ in their last bits, by where they stand, and must not
    values = np.round(close.reshape(-1, 3) @ axes, _DIGITS)
    wanted = target.reshape(-1, 3) @ axes
    for axis in range(3):
        values[:, axis] = matched_values(values[:, axis], wanted[:, axis])
    return (values @ axes.T).astype(np.float32).reshape(height, width, 3)


METHODS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    **{name: partial(linearly_matched, linear=linear) for name, linear in LINEAR.items()},
    "histogram": histogram_matched,
}
"""All methods, by the words of the command line: source and target [H, W, 3] -> the source, not clipped."""


# ---- matching histograms in one dimension, exactly ----


def matched_values(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """``source`` [N] mapped by a rising function to the distribution of ``target`` [M]; float64.

    The sorted target is cut into N equal shares, and the i-th smallest value gets the mean of the i-th: no
    bins stand between. Equal values get one value, the mean of theirs, so that what was flat stays flat. So
    the mean is always the target's, and with as many values, all different, so are the sorted results.
    """
    order = np.argsort(source, kind="stable")
    in_order = source[order]
    wanted = _quantiles(np.sort(target).astype(np.float64), len(source))
    begins = np.concatenate([[True], in_order[1:] > in_order[:-1]])
    firsts = np.flatnonzero(begins)
    counts = np.diff(np.append(firsts, len(source)))
    means = np.add.reduceat(wanted, firsts) / counts
    result = np.empty(len(source))
    result[order] = np.repeat(means, counts)
    return result


def _quantiles(ordered: np.ndarray, count: int) -> np.ndarray:
    """The means of ``count`` equal shares of the M ordered values: their mean is that of the values."""
    edges = np.linspace(0, len(ordered), count + 1)
    total = np.interp(edges, np.arange(len(ordered) + 1), np.concatenate([[0], np.cumsum(ordered)]))
    return np.diff(total) * (count / len(ordered))


# ---- mean and covariance of a picture's colors, and roots of covariances that may be singular ----

ROUNDING_VARIANCE = 1 / (12 * 255**2)
"""Of a value rounded to 8 bits (a uniform error of one level): a direction of color with less holds none."""

_PIXELS = 1 << 20  # summed at once, in float64


@dataclass(frozen=True)
class Moments:
    """``mean`` [3] and ``covariance`` [3, 3] (1/N) of colors, RGB or L*a*b*, float64."""

    mean: np.ndarray
    covariance: np.ndarray


def moments_of(pixels: np.ndarray) -> Moments:
    """Of a picture [H, W, 3]; in float64, centred before it is squared."""
    colors = pixels.reshape(-1, 3)
    mean = colors.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((3, 3))
    for first in range(0, len(colors), _PIXELS):
        centred = colors[first : first + _PIXELS] - mean
        covariance += centred.T @ centred
    return Moments(mean, covariance / len(colors))


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

    For a picture with colors of three dimensions they are the covariance itself and the identity.
    """
    values, vectors = np.linalg.eigh(covariance)
    has_color = values > ROUNDING_VARIANCE
    raised = (vectors * np.maximum(values, ROUNDING_VARIANCE)) @ vectors.T
    return (covariance if has_color.all() else raised), (vectors * has_color) @ vectors.T

"""Giving one picture the colours of another: linear maps of RGB, and histograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np

from nst_tf.colour.bands import in_bands
from nst_tf.colour.histogram import matched_values
from nst_tf.colour.moments import Moments, lower_root, moments_of, square_root, with_support
from nst_tf.errors import InputError

# A picture [H, W, 3] in [0, 1] gets the colours of another. A linear map is c -> A (c - m) + m', from mean m
# and covariance S to m' and S' wherever A S A^T = S': Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving
# color in neural artistic style transfer". The three are the modes of match_color in ColourControl.ipynb of
# leongatys/NeuralImageSynthesis. Departure: there 1e-5 is added to every variance, here nothing is unless
# the colours have fewer than three dimensions, so that mean and covariance are met exactly.


def cholesky(source: Moments, target: Moments) -> np.ndarray:
    """A = L' L^-1 with Cholesky's S = L L^T: Gatys et al. 2016, A_chol. It depends on the order R, G, B."""
    covariance, support = with_support(source.covariance)
    return np.linalg.solve(lower_root(covariance).T, lower_root(target.covariance).T).T @ support


def pca(source: Moments, target: Moments) -> np.ndarray:
    """A = S'^1/2 S^-1/2, roots by principal axes: Gatys et al. 2016, A_IA; Hertzmann et al. 2001."""
    covariance, support = with_support(source.covariance)
    return square_root(target.covariance) @ np.linalg.inv(square_root(covariance)) @ support


def symmetric(source: Moments, target: Moments) -> np.ndarray:
    """A = S^-1/2 (S^1/2 S' S^1/2)^1/2 S^-1/2: the only symmetric one, which moves colours least.

    Pitie and Kokaram 2007, "The linear Monge-Kantorovitch linear colour mapping for example-based colour
    transfer".
    """
    covariance, support = with_support(source.covariance)
    root = square_root(covariance)
    inverse = np.linalg.inv(root) @ support
    root = root @ support
    return inverse @ square_root(root @ target.covariance @ root) @ inverse


Linear = Callable[[Moments, Moments], np.ndarray]
LINEAR: Mapping[str, Linear] = MappingProxyType({"cholesky": cholesky, "pca": pca, "symmetric": symmetric})
"""The linear maps, by the words of the command line."""

_DIGITS = 6  # 4,000 times finer than 8 bits


def linearly_matched(source: np.ndarray, target: np.ndarray, linear: Linear) -> np.ndarray:
    """Mean and covariance of ``target``; not clipped, float32."""
    of_source, of_target = moments_of(source), moments_of(target)
    matrix = linear(of_source, of_target)
    return in_bands(lambda rows: (rows - of_source.mean) @ matrix.T + of_target.mean, source)


def histogram_matched(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The target's histogram along each of the principal axes of its colours; not clipped, float32.

    Axes in which the target's colours are uncorrelated, after the symmetric map, which makes those of the
    source uncorrelated there, too: histograms of R, G and B by themselves say nothing of which red goes
    with which green, and matching them makes colours that neither picture has. Mean and variances along the
    axes are then the target's, correlations between them nearly 0.
    """
    close = linearly_matched(source, target, symmetric)
    _, axes = np.linalg.eigh(moments_of(target).covariance)
    height, width = source.shape[:2]
    # products of equal colours may differ in their last bits, by where they stand, and must not
    values = np.round(close.reshape(-1, 3) @ axes, _DIGITS)
    wanted = target.reshape(-1, 3) @ axes
    for axis in range(3):
        values[:, axis] = matched_values(values[:, axis], wanted[:, axis])
    return (values @ axes.T).astype(np.float32).reshape(height, width, 3)


METHODS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = MappingProxyType(
    {name: partial(linearly_matched, linear=linear) for name, linear in LINEAR.items()}
    | {"histogram": histogram_matched}
)
"""All methods, by the words of the command line: source and target [H, W, 3] -> the source, not clipped."""


def check_method(method: object) -> None:
    """Raise InputError for a word that is no method."""
    if method not in METHODS:
        raise InputError(f"color.method must be one of {', '.join(METHODS)}, but is {method!r}")


def matched(source: np.ndarray, target: np.ndarray, method: str) -> np.ndarray:
    """``source`` [H, W, 3] with the colours of ``target``, any size, in [0, 1] float32.

    Linear methods: mean and covariance are those of the target, before values beyond [0, 1] are clipped. A
    direction of colour that the source does not have (a grey picture has but one) can't be made by a linear
    map: only the mean is the target's there. Histogram: see ``histogram_matched``. Raises InputError for
    another method.
    """
    check_method(method)
    return np.clip(METHODS[method](source, target), 0, 1)

"""How far the colours of one picture are from those of another, wherever in the picture they are."""

from __future__ import annotations

import numpy as np

from nst_tf.colour.lab import lab


def colour_statistics(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RGB [H, W, 3] in [0, 1] -> mean [3] and covariance [3, 3] (1/N) of its colours in L*a*b*."""
    colours = lab(pixels).reshape(-1, 3)
    mean = colours.mean(axis=0)
    centred = colours - mean
    return mean, centred.T @ centred / len(colours)


def colour_distance(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float:
    """Two results of ``colour_statistics`` -> d >= 0, in the unit of CIE 1976's colour difference Delta E.

    d^2 = |m1 - m2|^2 + tr(S1 + S2 - 2 (S2^1/2 S1 S2^1/2)^1/2): the Wasserstein-2 distance of the Gaussians
    with these means m and covariances S (Olkin and Pukelsheim 1982), which is the least root mean square
    Delta E by which pixels must change to bring one Gaussian to the other; for the colours themselves it
    is a lower bound (Gelbrich 1990). In L*a*b*, where equal distances look about equal, and on Gaussians,
    because that is what transfers of colour move (Pitie and Kokaram 2007): a histogram's bins would add
    noise that depends on their size.
    """
    (mean_1, covariance_1), (mean_2, covariance_2) = first, second
    root = _root(covariance_2)
    overlap = np.sqrt(np.clip(np.linalg.eigvalsh(root @ covariance_1 @ root), 0, None)).sum()
    squared = ((mean_1 - mean_2) ** 2).sum() + np.trace(covariance_1) + np.trace(covariance_2) - 2 * overlap
    return float(np.sqrt(max(squared, 0.0)))


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T

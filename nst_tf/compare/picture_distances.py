"""How far two pictures are from each other, without a network: PSNR, SSIM, distance of colors."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import correlate1d

from nst_tf.color.matching import lab
from nst_tf.images.pixels import LUMA

# Wang, Bovik, Sheikh, Simoncelli 2004, section III-C: an 11 x 11 Gaussian window of 1.5 samples, K1 and K2
_WINDOW, _SIGMA, _K1, _K2 = 11, 1.5, 0.01, 0.03


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(1 / mean((a - b)^2)), of pixels [H, W, 3] in [0, 1].

    The mean is over all pixels and channels; infinite for equal arrays.
    """
    error = float(np.mean(np.square(first.astype(np.float64) - second.astype(np.float64))))
    return math.inf if error == 0 else -10 * math.log10(error)


def luminance(pixels: np.ndarray) -> np.ndarray:
    """RGB [H, W, 3] in [0, 1] -> luma [H, W], float64, as the authors' ssim_index.m gets it from rgb2gray."""
    return pixels.astype(np.float64) @ np.array(LUMA)


def structural_similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Mean SSIM of two pictures [H, W] in [0, 1], sides of 11 and more: 1 where they are equal, at least -1.

    SSIM = (2 m1 m2 + C1) (2 s12 + C2) / ((m1^2 + m2^2 + C1) (s1^2 + s2^2 + C2)) with means m, variances s^2
    and covariance s12 under a Gaussian window around each pixel, C1 = 0.01^2 and C2 = 0.03^2; the mean is
    over the pixels whose window lies inside of the picture. Wang, Bovik, Sheikh, Simoncelli 2004, "Image
    quality assessment: from error visibility to structural similarity", equation 13. The pictures are not
    made smaller first, as a later version of the authors' code does.
    """
    half = _WINDOW // 2
    window = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * _SIGMA**2))
    window /= window.sum()

    def windowed(values: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(values, window, axis=0), window, axis=1)[half:-half, half:-half]

    first, second = first.astype(np.float64), second.astype(np.float64)
    mean_1, mean_2 = windowed(first), windowed(second)
    variance_1 = windowed(first * first) - mean_1**2
    variance_2 = windowed(second * second) - mean_2**2
    covariance = windowed(first * second) - mean_1 * mean_2
    c1, c2 = _K1**2, _K2**2
    ssim = ((2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)) / (
        (mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2)
    )
    return float(ssim.mean())


def color_statistics(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RGB [H, W, 3] in [0, 1] -> mean [3] and covariance [3, 3] (1/N) of its colors in L*a*b*."""
    colors = lab(pixels).reshape(-1, 3)
    mean = colors.mean(axis=0)
    centred = colors - mean
    return mean, centred.T @ centred / len(colors)


def colour_distance(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float:
    """Two results of ``color_statistics`` -> d >= 0, in the unit of CIE 1976's color difference Delta E.

    How far the colors of one picture are from those of another, wherever in the picture they are:
    d^2 = |m1 - m2|^2 + tr(S1 + S2 - 2 (S2^1/2 S1 S2^1/2)^1/2): the Wasserstein-2 distance of the Gaussians
    with these means m and covariances S (Olkin and Pukelsheim 1982), which is the least root mean square
    Delta E by which pixels must change to bring one Gaussian to the other; for the colors themselves it
    is a lower bound (Gelbrich 1990). In L*a*b*, where equal distances look about equal, and on Gaussians,
    because that is what transfers of color move (Pitie and Kokaram 2007): a histogram's bins would add
    noise that depends on their size.
    """
    (mean_1, covariance_1), (mean_2, covariance_2) = first, second
    values, vectors = np.linalg.eigh(covariance_2)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    overlap = np.sqrt(np.clip(np.linalg.eigvalsh(root @ covariance_1 @ root), 0, None)).sum()
    squared = ((mean_1 - mean_2) ** 2).sum() + np.trace(covariance_1) + np.trace(covariance_2) - 2 * overlap
    return float(np.sqrt(max(squared, 0.0)))

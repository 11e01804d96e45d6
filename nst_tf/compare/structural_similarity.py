"""SSIM: how much of the structure of one picture is in another."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

# Wang, Bovik, Sheikh, Simoncelli 2004, section III-C: an 11 x 11 Gaussian window of 1.5 samples, K1 and K2
_WINDOW, _SIGMA, _K1, _K2 = 11, 1.5, 0.01, 0.03
# of linear combinations for luma: ITU-R BT.601, which the authors' ssim_index.m gets from MATLAB's rgb2gray
_LUMA = (0.299, 0.587, 0.114)


def luminance(pixels: np.ndarray) -> np.ndarray:
    """RGB [H, W, 3] in [0, 1] -> 0.299 R + 0.587 G + 0.114 B [H, W], float64."""
    return pixels.astype(np.float64) @ np.array(_LUMA)


def structural_similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Mean SSIM of two pictures [H, W] in [0, 1], sides of 11 and more: 1 where they are equal, at least -1.

    SSIM = (2 m1 m2 + C1) (2 s12 + C2) / ((m1^2 + m2^2 + C1) (s1^2 + s2^2 + C2)) with means m, variances s^2
    and covariance s12 under a Gaussian window around each pixel, C1 = 0.01^2 and C2 = 0.03^2; the mean is
    over the pixels whose window lies inside of the picture. Wang, Bovik, Sheikh, Simoncelli 2004, "Image
    quality assessment: from error visibility to structural similarity", equation 13. The pictures are not
    made smaller first, as a later version of the authors' code does.
    """
    first, second = first.astype(np.float64), second.astype(np.float64)
    mean_1, mean_2 = _windowed(first), _windowed(second)
    variance_1 = _windowed(first * first) - mean_1**2
    variance_2 = _windowed(second * second) - mean_2**2
    covariance = _windowed(first * second) - mean_1 * mean_2
    c1, c2 = _K1**2, _K2**2
    ssim = ((2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)) / (
        (mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2)
    )
    return float(ssim.mean())


def _windowed(values: np.ndarray) -> np.ndarray:
    half = _WINDOW // 2
    window = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * _SIGMA**2))
    window /= window.sum()
    smooth = correlate1d(correlate1d(values, window, axis=0), window, axis=1)
    return smooth[half:-half, half:-half]

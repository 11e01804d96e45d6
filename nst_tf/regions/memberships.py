"""From a mask, a picture with one colour a region, to how much of each pixel belongs to each region."""

from __future__ import annotations

import itertools

import numpy as np

MOST_REGIONS = 16
"""Every region is a statistic of its own at every layer; and pairs of colours are tried one by one."""


def memberships(pixels: np.ndarray, palette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels [H, W, 3] and the regions' colours [R, 3], both in [0, 1] -> memberships and what is left over.

    Memberships [H, W, R] float32 are at least 0 and sum to 1. A pixel between two regions of a mask with
    smooth edges has a mixture t a + (1 - t) b of their colours: it belongs to a with t, to b with 1 - t. Of
    all pairs the one with the nearest mixture is taken. Left over [H, W] float32 is how far the pixel's
    colour is from that mixture, as a part of the distance between black and white.
    """
    colours, places = _distinct(pixels)
    best = np.full(len(colours), np.inf)
    found = np.zeros((len(colours), len(palette)), np.float32)
    if len(palette) == 1:
        found[:], best = 1, np.linalg.norm(colours - palette[0], axis=1)
    for first, second in itertools.combinations(range(len(palette)), 2):
        across = palette[first] - palette[second]
        share = np.clip((colours - palette[second]) @ across / (across @ across), 0, 1)
        away = np.linalg.norm(colours - palette[second] - share[:, np.newaxis] * across, axis=1)
        # pairs share their ends: only a mixture that is clearly nearer replaces one that was found
        nearer = away < best - 1e-9
        best[nearer] = away[nearer]
        found[nearer] = 0
        found[nearer, first], found[nearer, second] = share[nearer], 1 - share[nearer]
    shape = pixels.shape[:2]
    left_over = (best / np.sqrt(3)).astype(np.float32)
    return found[places].reshape(*shape, -1), left_over[places].reshape(shape)


def flat_colours(pixels: np.ndarray, least: float) -> list[tuple[tuple[int, int, int], float]]:
    """Pixels [H, W, 3] in [0, 1] -> the 8-bit colours that cover a part of at least ``least``, largest first.

    Each with its part. The colours of smooth edges are many, and each covers little.
    """
    colours, places = _distinct(pixels)
    parts = np.bincount(places, minlength=len(colours)) / len(places)
    return [
        ((int(red), int(green), int(blue)), float(parts[index]))
        for index in np.argsort(-parts, kind="stable")
        if parts[index] >= least
        for red, green, blue in [np.rint(255 * colours[index])]
    ]


def _distinct(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different colours [K, 3] in [0, 1], rounded to 8 bits, and which of them each pixel has [H W]."""
    levels = np.rint(255 * pixels.reshape(-1, 3)).astype(np.uint32)
    packed = levels[:, 0] << 16 | levels[:, 1] << 8 | levels[:, 2]
    distinct, places = np.unique(packed, return_inverse=True)
    colours = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], axis=1)
    return colours / 255, places.ravel()

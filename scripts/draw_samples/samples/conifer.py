"""A near spruce: trunk, whorls of drooping boughs and needles, lit from the left."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

DARK = (17, 26, 18)  # needles in the shade, sRGB


def spruce(
    size: tuple[int, int],
    foot: tuple[float, float],
    tall: float,
    rng: np.random.Generator,
    bright: tuple[int, int, int] = (109, 108, 40),
) -> np.ndarray:
    """A spruce of ``tall`` pixels over ``foot`` (x, y) on a transparent picture of ``size`` (width, height).

    ``bright`` is the color (0 to 255) of needles in the full sun. Returns float32 RGBA in [0, 1],
    straight alpha, sRGB colors.
    """
    picture = Image.new("RGBA", size, (14, 20, 14, 0))
    pen = ImageDraw.Draw(picture)
    x0, y0 = foot
    pen.polygon(
        [(x0 - 0.017 * tall, y0), (x0 + 0.017 * tall, y0), (x0 + 1, y0 - tall), (x0 - 1, y0 - tall)],
        fill=(38, 28, 20, 255),
    )
    levels = np.linspace(0.05, 1.0, int(tall / 6.5)) ** 1.05
    for level in levels[::-1]:  # low boughs first, each whorl over the one below
        reach = tall * (0.20 * level**0.85 + 0.012) * rng.uniform(0.75, 1.15)
        y = y0 - tall * (1.0 - 0.93 * level)
        for bough in rng.uniform(-1, 1, 9):
            long = reach * bough
            droop = (0.30 * abs(bough) + 0.05) * reach * rng.uniform(0.6, 1.3)
            s = np.linspace(0, 1, max(int(abs(long) / 2.2), 4))
            bx = x0 + long * s
            by = y - 0.10 * reach * np.sin(np.pi * s) + droop * s**1.6 + rng.normal(0, 0.004 * tall)
            # Boughs on the side of the sun are brighter, those behind and inside darker.
            warm = 0.5 - 0.5 * np.clip(bough * 1.2 + rng.normal(0, 0.3), -1, 1)
            needle = 0.0062 * tall + 2.5
            for px, py, along in zip(bx, by, s, strict=True):
                for _ in range(3):
                    angle = rng.uniform(0.15, np.pi - 0.15)
                    dx, dy = np.cos(angle) * needle + 0.4 * needle * np.sign(long), np.sin(angle) * needle
                    glow = warm * (0.25 + 0.75 * along) * rng.uniform(0.4, 1.0)
                    tint = tuple(int(d + (b - d) * glow) for d, b in zip(DARK, bright, strict=True))
                    pen.line([(px, py - 0.3 * dy), (px + dx, py + dy)], fill=tint, width=2)
    return np.asarray(picture, np.float32) / 255.0

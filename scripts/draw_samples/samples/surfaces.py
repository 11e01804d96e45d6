"""Colors and small bumps of the things in the still life, in linear light."""

from __future__ import annotations

import numpy as np

from samples.canvas import mix, ramp
from samples.noise import Noise


def rgb(r: float, g: float, b: float) -> np.ndarray:
    """A linear color."""
    return np.array([r, g, b], np.float32)


def plain(
    p: np.ndarray, lies: np.ndarray, wall: np.ndarray, noise: Noise
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Albedo, bump of the normal and gloss of the wall, the boards of the table and the cloth on them."""
    x, y, z = p.T
    patches = noise.fractal(x * 1.1, y * 1.1, octaves=6, gain=0.6)
    trowel = noise.fractal(x * 2.0 + 0.7 * y, y * 5.0, octaves=4)
    plaster = rgb(0.165, 0.185, 0.155) * (1 + 0.10 * patches + 0.06 * trowel)[:, None]
    plaster = mix(plaster, rgb(0.25, 0.19, 0.12), 0.35 * ramp(0.4, 2.0, patches))

    board = np.floor((z + 3) / 0.62)
    grain = noise.fractal(
        x * 0.9 + board * 13.7, z * 16 + 1.6 * noise(x * 0.5 + board * 5, z * 1.4), octaves=5, gain=0.62
    )
    rings = np.sin(18 * z + 5.0 * noise(x * 0.35 + board * 7, z * 1.2 + board * 3))
    wood = mix(rgb(0.21, 0.105, 0.048), rgb(0.11, 0.048, 0.021), ramp(-1.8, 2.0, grain + 0.5 * rings))
    wood = wood * (0.85 + 0.1 * (np.sin(board * 12.9) + 1))[:, None]
    gap = np.abs((z + 3) / 0.62 - np.round((z + 3) / 0.62))
    wood = wood * (0.25 + 0.75 * ramp(0.004, 0.02, gap))[:, None]

    weave = 1 + 0.05 * np.sin(x * 210) * np.sin(z * 210)
    across = 0.95 * z - 0.30 * x + 0.02 * noise(x, z)
    stripe = np.zeros_like(x)
    for middle, wide in (
        (-0.62, 0.05),
        (-0.74, 0.018),
        (-0.50, 0.018),
        (-1.38, 0.05),
        (-1.50, 0.018),
        (-1.26, 0.018),
    ):
        stripe = np.maximum(stripe, ramp(wide + 0.006, wide - 0.006, np.abs(across - middle)))
    linen = mix(rgb(0.66, 0.62, 0.54), rgb(0.055, 0.12, 0.30), 0.9 * stripe) * weave[:, None]

    table = mix(wood, linen, ramp(0.25, 0.35, lies))
    albedo = np.where(wall[:, None], plaster, table)
    bump = np.zeros_like(p)
    fine = 0.035 * np.where(wall, 1.5, 0.6)
    bump[:, 0] = fine * noise.fractal(x * 14, (y + z) * 14, octaves=3)
    bump[:, 1] = np.where(wall, fine * noise.fractal(x * 14 + 50, y * 14, octaves=3), 0)
    gloss = np.where(wall, 0.0, 0.16 * (1 - ramp(0.1, 0.4, lies)))
    return albedo, bump, gloss


def skin(material: str, q: np.ndarray, normal: np.ndarray, noise: Noise) -> tuple[np.ndarray, np.ndarray]:
    """Albedo and bump of a solid at points ``q`` (n, 3) of its own coordinates."""
    x, y, z = q.T
    spots = noise.fractal(x * 5, y * 5, z * 5, octaves=4)
    bump = np.zeros_like(q)
    turn = np.arctan2(z, x)
    if material == "orange":
        albedo = mix(rgb(0.80, 0.19, 0.010), rgb(0.84, 0.27, 0.016), ramp(-1.5, 1.5, spots))
        albedo = mix(albedo, rgb(0.10, 0.13, 0.03), ramp(0.045, 0.02, np.hypot(x, z)) * (y > 0))
        bump = _pores(q, noise, 26.0, 0.085)
    elif material == "lemon":
        albedo = mix(rgb(0.86, 0.60, 0.05), rgb(0.62, 0.55, 0.06), ramp(0.22, 0.36, np.abs(y)))
        albedo = albedo * (1 + 0.05 * spots)[:, None]
        bump = _pores(q, noise, 22.0, 0.09)
    elif material == "apple":
        streak = 0.6 * noise(turn * 11, y * 1.2, z * 0) + 0.8 * noise(turn * 34, y * 1.6, z * 0 + 9)
        blush = ramp(-1.3, 0.8, 0.55 * streak + 1.5 * np.cos(turn - 2.4) + 0.5 + 0.4 * spots)
        albedo = mix(rgb(0.62, 0.48, 0.06), rgb(0.46, 0.028, 0.022), blush)
        albedo = mix(albedo, rgb(0.34, 0.33, 0.06), ramp(0.11, 0.03, np.hypot(x, z)) * (y > 0))
        albedo = mix(albedo, rgb(0.75, 0.6, 0.3), 0.5 * ramp(2.0, 2.5, noise(x * 34, y * 34, z * 34)))
    elif material == "pear":
        albedo = mix(
            rgb(0.50, 0.46, 0.07), rgb(0.62, 0.40, 0.06), ramp(-1, 1.3, spots + 1.2 * np.sin(turn + 0.5))
        )
        albedo = mix(albedo, rgb(0.24, 0.13, 0.04), 0.7 * ramp(1.5, 2.2, noise(x * 30, y * 30, z * 30)))
    elif material == "plum":
        albedo = mix(rgb(0.10, 0.018, 0.045), rgb(0.20, 0.17, 0.25), 0.55 * ramp(-0.5, 1.6, spots))
    elif material == "grape":
        dusty = ramp(0.0, 1.5, spots + 0.6 * normal[:, 1])
        albedo = mix(rgb(0.055, 0.012, 0.035), rgb(0.17, 0.15, 0.24), 0.7 * dusty)
        albedo = albedo + rgb(0.07, 0.012, 0.03) * np.clip(normal[:, :1], 0, 1)  # light that came through
    elif material == "cut":
        away = np.hypot(x, z)
        wedge = np.abs(np.sin(4.5 * turn + 0.3))
        fibre = noise(turn * 30, away * 7, y)
        pulp = mix(rgb(0.86, 0.52, 0.05), rgb(0.92, 0.66, 0.16), ramp(-1.2, 1.2, fibre))
        face = mix(
            pulp,
            rgb(0.90, 0.80, 0.52),
            np.maximum(ramp(0.22, 0.10, wedge * (0.3 + away * 4)), ramp(0.045, 0.03, away)),
        )
        face = mix(face, rgb(0.90, 0.82, 0.58), ramp(0.212, 0.222, away))
        face = mix(face, rgb(0.86, 0.56, 0.04), ramp(0.25, 0.258, away))
        albedo = np.where((y > -0.006)[:, None], face, rgb(0.84, 0.54, 0.04))
        bump = np.where(
            (y > -0.006)[:, None],
            0.12 * np.stack([fibre, fibre * 0, -fibre], axis=1),
            _pores(q, noise, 22.0, 0.09),
        )
    elif material == "jug":
        cream = rgb(0.62, 0.55, 0.43) * (1 + 0.04 * spots)[:, None]
        petal = np.cos(6 * turn)
        band = ramp(0.012, 0.004, np.abs(np.abs(y - 0.66) - 0.235)) + ramp(0.02, 0.012, np.abs(y - 1.38))
        flower = ramp(0.02, -0.02, np.hypot((petal - 1) * 0.10, (y - 0.66) * 0.75) - 0.085)
        leaf = ramp(0.02, -0.02, np.abs(y - 0.66 - 0.10 * np.sin(12 * turn)) - 0.022)
        blue = np.clip(band + flower + 0.75 * leaf * (np.abs(y - 0.66) < 0.22), 0, 1) * (
            0.86 + 0.14 * np.clip(spots, -1, 1)
        )
        albedo = mix(cream, rgb(0.03, 0.075, 0.27), 0.93 * np.clip(blue, 0, 1))
    elif material == "bowl":
        glaze = mix(
            rgb(0.035, 0.16, 0.19),
            rgb(0.07, 0.27, 0.27),
            ramp(-1.2, 1.4, spots + 0.8 * noise(x * 3, y * 16, z * 3)),
        )
        albedo = mix(glaze, rgb(0.30, 0.15, 0.07), ramp(0.59, 0.62, y + 0.008 * spots) + ramp(0.09, 0.06, y))
    elif material == "bottle":
        # Green glass, as the eye takes it: darkest where it is thickest, clear at the rim and above the wine.
        clear = 1 - np.abs(normal[:, 2])
        glass = mix(rgb(0.012, 0.030, 0.010), rgb(0.085, 0.15, 0.035), ramp(0.25, 1.0, clear))
        glass = mix(glass, rgb(0.11, 0.17, 0.05), 0.7 * ramp(1.50, 1.54, y) * ramp(0.1, 0.8, clear))
        paper = ramp(0.40, 0.408, y) * ramp(1.05, 1.042, y) * ramp(1.62, 1.60, np.abs(turn + 1.75))
        lines = ramp(0.012, 0.006, np.abs(np.abs(y - 0.725) - 0.27)) + ramp(0.05, 0.04, np.abs(y - 0.80)) * (
            np.sin(turn * 46) > -0.2
        )
        lines = lines + ramp(0.016, 0.010, np.abs(y - 0.60)) * (np.sin(turn * 90) > -0.4)
        label = mix(
            rgb(0.60, 0.52, 0.36) * (1 + 0.05 * spots)[:, None],
            rgb(0.16, 0.05, 0.03),
            np.clip(lines, 0, 1) * 0.9,
        )
        albedo = mix(glass, label, paper)
        albedo = mix(albedo, rgb(0.20, 0.022, 0.018), ramp(1.98, 1.99, y))
    else:  # stem
        albedo = rgb(0.13, 0.075, 0.03) * (1 + 0.2 * spots)[:, None]
    return albedo.astype(np.float32), bump.astype(np.float32)


def _pores(q: np.ndarray, noise: Noise, fineness: float, depth: float) -> np.ndarray:
    x, y, z = q.T * fineness
    return depth * np.stack([noise(x, y, z), noise(x + 11, y, z), noise(x, y + 11, z)], axis=1)

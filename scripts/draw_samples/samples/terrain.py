"""A mountain valley as a height field, seen from a lake: heights, materials, light and a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.canvas import mix, ramp, sample
from samples.noise import Noise

NEAREST, FARTHEST = 100.0, 26_000.0  # metres
# Rings of samples: at even ratios near by, every 12 metres where the steep faces are.
RINGS = np.concatenate(
    [
        np.geomspace(NEAREST, 5_000, 950, endpoint=False),
        np.arange(5_000, 17_000, 12.0),
        np.geomspace(17_000, FARTHEST, 120),
    ]
).astype(np.float32)
# Low evening sun, from the left and behind the viewer: x right, y up, z away.
SUN = np.array([-0.86, 0.27, -0.36], np.float32) / np.linalg.norm([-0.86, 0.27, -0.36])
SUN_LIGHT = np.array([4.1, 2.45, 1.2], np.float32)
SKY_LIGHT = np.array([0.34, 0.47, 0.76], np.float32)
SHADOW_CELL = 16.0  # metres

ROCK, SNOW = np.array([0.26, 0.225, 0.20], np.float32), np.array([0.86, 0.88, 0.93], np.float32)
FOREST, MEADOW = np.array([0.028, 0.048, 0.020], np.float32), np.array([0.13, 0.135, 0.04], np.float32)
AUTUMN, SHORE = np.array([0.20, 0.10, 0.022], np.float32), np.array([0.26, 0.23, 0.18], np.float32)


@dataclass
class Fan:
    """Samples of the ground along the rays of every picture column: arrays (rings, columns)."""

    distance: np.ndarray  # (rings,), metres along the view axis
    height: np.ndarray
    light: np.ndarray  # (rings, columns, 3), linear, haze included


class Valley:
    """The ground: ``height`` above the lake in metres at x (right) and z (away), metres."""

    def __init__(self, seed: int) -> None:
        self.noise = Noise(seed)
        self._trees = np.random.default_rng(seed + 1).uniform(0, 1, (64, 64, 4)).astype(np.float32)

    def bare(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Ground without trees; negative under water."""
        n = self.noise
        bend = n.fractal(x / 2600, z / 2600, octaves=3)
        rough = n.fractal(x / 1500 + 40, z / 1500, octaves=9, gain=0.40, ridged=True)
        soft = n.fractal(x / 400, z / 400 + 70, octaves=5, gain=0.42)
        # Two flanks leave a gap; one great peak and its shoulders close the valley.
        flank_left = 1150 * ramp(-300, -4200, x + 420 * bend) * ramp(2000, 6500, z)
        flank_right = 1000 * ramp(900, 4800, x + 420 * bend) * ramp(1700, 6000, z)
        peak = sum(
            top * np.exp(-np.hypot(x - px, (z - pz) * 0.8) / reach)
            for px, pz, top, reach in (
                (1250, 12800, 2900, 2300),
                (-1900, 14500, 1500, 2000),
                (4600, 15500, 1900, 2300),
                (-6000, 13500, 1900, 2300),
            )
        )
        peak = peak * ramp(3500, 9500, z)  # the flanks of the cones must not lift the lake
        crags = ramp(100, 1300, flank_left + flank_right + peak)
        mountains = (flank_left + flank_right + peak) * (0.82 + 0.2 * rough) + 60 * crags * bend
        hills = 110 * ramp(1300, 2600, z) * (1.1 + 0.5 * soft + 0.3 * bend)
        # Headlands reach into the lake from both sides; the left one carries the cabin.
        left = 8.0 - 0.010 * (x + 78) ** 2 * (x > -78) - 0.0042 * (z - 196) ** 2 + 0.9 * soft
        right = 30 - 0.0009 * (x - 560) ** 2 * (x < 560) - 0.0006 * (z - 760) ** 2 + 6 * soft
        middle = 26 - 0.0004 * (x + 420) ** 2 * (x > -420) - 0.0005 * (z - 1050) ** 2 + 7 * soft
        capes = np.maximum(np.maximum(left, right), middle)
        floor = -14 + 0.018 * np.maximum(z - 900, 0) + 4 * soft
        return np.maximum(np.maximum(capes, -30), floor + hills + mountains).astype(np.float32)

    def crowns(self, x: np.ndarray, z: np.ndarray, ground: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Height of conifers over the ground, and how far up its tree each point is, 0 to 1."""
        n = self.noise
        cell = 6.2
        stand = ramp(-0.5, 0.3, n.fractal(x / 130 + 9, z / 130, octaves=3)) * ramp(2.2, 4.5, ground)
        stand *= ramp(900, 620, ground + 130 * n(x / 300, z / 300)) * ramp(4600, 3600, z)
        stand *= ramp(300, 400, z)  # nearer trees are drawn bough by bough
        tall, up = np.zeros_like(x), np.zeros_like(x)
        tuft = 0.72 + 0.22 * n(x * 2.3, z * 2.3) + 0.16 * n(x * 0.9, z * 0.9 + 50)
        ragged = 1.0 + 0.13 * n(x * 3.1, z * 3.1 + 20)
        column, row = np.floor(x / cell).astype(int), np.floor(z / cell).astype(int)
        for dc in (-1, 0, 1):
            for dr in (-1, 0, 1):
                random = self._trees[(column + dc) % 64, (row + dr) % 64]
                away = np.hypot(
                    (column + dc + random[..., 0]) * cell - x, (row + dr + random[..., 1]) * cell - z
                )
                top = (8.0 + 11.0 * random[..., 2]) * (random[..., 3] < stand)
                rise = np.clip(
                    1.0 - away / (0.20 * (8 + 11 * random[..., 2]) * np.clip(tuft, 0.3, 1.4)), 0, 1
                )
                higher = top * rise * ragged > tall
                tall, up = np.where(higher, top * rise * ragged, tall), np.where(higher, rise, up)
        return tall, up


def shadow_height(valley: Valley) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height (metres) below which the ground lies in shadow, on a grid whose axis 0 runs with the sun.

    Returns that grid and the two horizontal unit vectors (along the sunlight, across it).
    """
    along = -SUN[[0, 2]] / np.linalg.norm(SUN[[0, 2]])
    across = np.array([-along[1], along[0]], np.float32)
    s, t = np.meshgrid(
        np.arange(-16_000, 26_000, SHADOW_CELL), np.arange(-4_000, 22_000, 2 * SHADOW_CELL), indexing="ij"
    )
    x, z = s * along[0] + t * across[0], s * along[1] + t * across[1]
    wanted = (z > 0) & (z < FARTHEST * 0.85) & (np.abs(x) < 0.62 * z + 3500)
    height = np.full(s.shape, -30.0, np.float32)
    height[wanted] = valley.bare(x[wanted], z[wanted])
    fall = SUN[1] / np.linalg.norm(SUN[[0, 2]]) * s
    return (np.maximum.accumulate(height + fall, axis=0) - fall).astype(np.float32), along, across


def look(valley: Valley, slants: np.ndarray, haze: np.ndarray) -> Fan:
    """Sample and light the ground along rays with x = slant * z, one for each column.

    ``haze`` (columns, 3) is the color into which each column fades with distance.
    """
    distance = RINGS
    z = np.broadcast_to(distance[:, None], (len(RINGS), len(slants)))
    x = (distance[:, None] * slants[None, :]).astype(np.float32)
    ground = valley.bare(x, z)
    near = int(np.searchsorted(distance, 4700.0))
    tall, up = np.zeros_like(ground), np.zeros_like(ground)
    tall[:near], up[:near] = valley.crowns(x[:near], z[:near], ground[:near])

    # Slopes in x and z from slopes along columns and rings: x = slant * z, hence the second term.
    by_slant = np.gradient(ground, slants, axis=1)
    slope_x = by_slant / z
    slope_z = np.gradient(ground, distance, axis=0) - slants[None, :] * by_slant / z
    up_y = 1.0 / np.sqrt(1.0 + slope_x**2 + slope_z**2)
    facing = np.maximum((-slope_x * SUN[0] + SUN[1] - slope_z * SUN[2]) * up_y, 0.0)

    shade, along, across = shadow_height(valley)
    s, t = x * along[0] + z * along[1], x * across[0] + z * across[1]
    blocked = sample(shade, (t + 4_000) / (2 * SHADOW_CELL) + 0.5, (s + 16_000) / SHADOW_CELL + 0.5)
    sunny = ramp(-25.0, 10.0, ground + tall - blocked)

    albedo = _materials(valley, x, z, ground, up_y, tall, up)
    # Trees shade each other: light reaches their tops, and the side towards the sun.
    side = np.gradient(tall, axis=1)  # rise to the right is a slope that faces the sun
    facing = np.where(tall > 0, np.clip(0.30 + 0.75 * up + 0.9 * np.clip(side, -0.4, 0.4), 0.06, 1.3), facing)
    open_sky = np.where(tall > 0, 0.25 + 0.75 * up, 0.45 + 0.55 * up_y)
    light = albedo * (SUN_LIGHT * (facing * sunny)[..., None] + SKY_LIGHT * open_sky[..., None])

    thick = 1.0 - np.exp(
        -np.maximum(z - 150, 0) / 30_000 * (0.8 + 1.2 * np.exp(-np.maximum(ground, 0) / 500))
    )
    mist = 0.55 * np.exp(-np.maximum(ground + tall, 0) / 30) * ramp(600, 2600, z)
    light = mix(light, haze[None], 1 - (1 - thick) * (1 - mist))
    return Fan(distance, ground + tall, light.astype(np.float32))


def _materials(
    valley: Valley,
    x: np.ndarray,
    z: np.ndarray,
    ground: np.ndarray,
    up_y: np.ndarray,
    tall: np.ndarray,
    up: np.ndarray,
) -> np.ndarray:
    n = valley.noise
    patch, fine = n.fractal(x / 240, z / 240, octaves=5), n(x / 7.0, z / 7.0)
    rock = ROCK * (1 + 0.16 * n.fractal(x / 60, (ground * 1.1 + z) / 60, octaves=4))[..., None]
    woods = FOREST * (1 + 0.4 * patch + 0.35 * fine)[..., None]
    woods = mix(woods, AUTUMN, 0.55 * ramp(0.75, 1.9, patch + 0.9 * fine))
    grass = n.fractal(x / 1.6, z / 1.6, octaves=3)
    albedo = mix(
        MEADOW * (1 + 0.2 * fine + 0.22 * grass)[..., None],
        woods,
        ramp(-0.3, 0.5, patch + 0.5) * ramp(6, 30, ground),
    )
    albedo = mix(albedo, rock, ramp(0.80, 0.66, up_y + 0.05 * patch))
    albedo = mix(albedo, rock, ramp(750, 1050, ground + 170 * patch))
    snow = ramp(1000, 1400, ground + 150 * patch) * ramp(0.50, 0.68, up_y + 0.04 * fine)
    albedo = mix(albedo, SNOW, snow)
    trunk = FOREST * (0.75 + 0.5 * up + 0.25 * patch + 0.25 * fine)[..., None]
    larch = mix(trunk, AUTUMN, 0.8 * ramp(0.5, 1.0, n(x / 9.0 + 30, z / 9.0) + 0.6 * patch - 0.25))
    albedo = np.where((tall > 0.4)[..., None], larch, albedo)
    return mix(albedo, SHORE, ramp(1.1, 0.5, ground + tall + 0.15 * fine))


def seen(fan: Fan, eye: float, rows_up: np.ndarray, focal: float) -> tuple[np.ndarray, np.ndarray]:
    """What each pixel of a picture sees of the ground: linear color (rows, columns, 3) and a mask.

    ``rows_up`` are the heights of the pixel rows over the horizon in pixels, ``eye`` the height of the
    camera over the lake in metres: minus that for what the lake mirrors.
    """
    apparent = (fan.height - eye) / fan.distance[:, None] * focal
    # Under water is no ground: it must hide nothing, whichever side the eye is on.
    apparent = np.where(fan.height > 0, apparent, -1e9)
    skyline = np.maximum.accumulate(apparent, axis=0)
    picture = np.zeros((len(rows_up), fan.height.shape[1], 3), np.float32)
    hit = np.zeros(picture.shape[:2], bool)
    for column in range(skyline.shape[1]):
        ring = np.minimum(np.searchsorted(skyline[:, column], rows_up), len(RINGS) - 1)
        found = skyline[ring, column] >= rows_up
        under = found & (eye + rows_up * fan.distance[ring] / focal <= 0)
        if eye > 0:
            found &= ~under  # the ray met the lake before that ground
        elif under.any():  # a mirrored ray begins at the lake: what lies nearer cannot stop it
            begins = -eye * focal / np.maximum(rows_up[under], 1e-3)
            meets = (fan.distance[:, None] > begins) & (apparent[:, column, None] >= rows_up[under])
            ring[under], found[under] = meets.argmax(axis=0), meets.any(axis=0)
        hit[:, column] = found
        # Between two rings of one slope the color is interpolated; across a skyline it is not.
        behind, before = ring[found], np.maximum(ring[found] - 1, 0)
        low, high = apparent[before, column], apparent[behind, column]
        part = np.where(low > -1e8, (rows_up[found] - low) / np.maximum(high - low, 1e-6), 1.0)
        part = np.where(low >= skyline[before, column], np.clip(part, 0, 1), 1.0)
        picture[found, column] = mix(fan.light[before, column], fan.light[behind, column], part)
    return picture, hit

"""Oil paint laid on with a bristle brush: tapered ribbons that carry color and thickness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from samples.canvas import relief_light

_STREAK_LENGTH, _STREAK_BRISTLES = 2048, 512
_SPACING = 0.7  # pixels between samples of a ribbon: below 1/sqrt(2), so that rounding leaves no holes


def bristle_streaks(rng: np.random.Generator) -> np.ndarray:
    """Texture (length, bristles) in [0, 1], long streaks along the first axis: the trail of a brush."""
    white = rng.standard_normal((_STREAK_LENGTH, _STREAK_BRISTLES)).astype(np.float32)
    long = gaussian_filter1d(white, 60.0, axis=0, mode="wrap")
    short = gaussian_filter1d(white[::-1], 9.0, axis=0, mode="wrap")
    streaks = long / long.std() + 0.45 * short / short.std()
    streaks = gaussian_filter1d(streaks, 0.7, axis=1, mode="wrap")
    ranks = np.argsort(np.argsort(streaks, axis=None))
    return (ranks / ranks.size).reshape(streaks.shape).astype(np.float32)


@dataclass
class Stroke:
    """One pull of the brush: ``path`` (n, 2) in pixels, half ``width`` in pixels, colors in [0, 1]."""

    path: np.ndarray
    width: float
    color: np.ndarray
    second: np.ndarray  # the color some of the bristles picked up beside
    second_share: float
    load: float  # 0 dry, 1 wet: how long the paint lasts before the bristles run out


class Oil:
    """A canvas of wet paint: color (height, width, 3) and thickness (height, width)."""

    def __init__(self, width: int, height: int, ground: np.ndarray, rng: np.random.Generator) -> None:
        self.color = np.broadcast_to(ground.astype(np.float32), (height, width, 3)).copy()
        self.thickness = np.zeros((height, width), np.float32)
        self._streaks = bristle_streaks(rng)
        self._rng = rng

    def lay(self, stroke: Stroke) -> None:
        """Paint one stroke over what is there."""
        rows, columns = self.thickness.shape
        path, normal, length = _resampled(stroke.path)
        across = np.arange(-stroke.width, stroke.width + _SPACING, _SPACING, dtype=np.float32)
        v = across / stroke.width
        u = np.linspace(0.0, 1.0, len(path), dtype=np.float32)

        # A round brush: quickly full at the start, drawn out to the end.
        outline = np.minimum(
            np.sqrt(np.clip(u * length / (1.3 * stroke.width), 0, 1)),
            np.clip((1.0 - u) * length / (2.2 * stroke.width), 0, 1) ** 0.6,
        )
        start, first = self._rng.integers(_STREAK_LENGTH), self._rng.integers(_STREAK_BRISTLES)
        along = (start + np.arange(len(path)) // 2) % _STREAK_LENGTH
        # About one bristle for 1.6 pixels, whatever the brush: real bristles do not scale with it.
        bristle = (first + ((v + 1.0) * stroke.width / 1.6).astype(int)) % _STREAK_BRISTLES
        streak = self._streaks[along[:, None], bristle[None, :]]
        other = self._streaks[along[:, None] - 900, (bristle[None, :] + 170) % _STREAK_BRISTLES]

        dryness = np.clip((u - stroke.load) / (1.15 - stroke.load), 0.0, 1.0) ** 1.2
        inside = np.abs(v)[None, :] <= outline[:, None] * (0.86 + 0.14 * streak)
        keep = inside & (streak > dryness[:, None])

        x = path[:, 0, None] + normal[:, 0, None] * across
        y = path[:, 1, None] + normal[:, 1, None] * across
        column, row = np.rint(x).astype(int), np.rint(y).astype(int)
        keep &= (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        at = row[keep] * columns + column[keep]

        share = np.clip((other - (1.0 - stroke.second_share)) / 0.12, 0.0, 1.0)[..., None]
        tint = stroke.color + (stroke.second - stroke.color) * share
        tint = tint * (0.86 + 0.28 * streak[..., None])
        rim = np.exp(-(((np.abs(v)[None, :] - 0.82 * outline[:, None]) / 0.16) ** 2))
        fresh = (0.35 + 0.75 * streak + 0.55 * rim) * np.sqrt(stroke.width)

        self.color.reshape(-1, 3)[at] = tint[keep]
        flat = self.thickness.reshape(-1)
        flat[at] = 0.35 * flat[at] + fresh[keep]

    def lit(self, towards: tuple[float, float, float], strength: float) -> np.ndarray:
        """The painting under a lamp: shaded relief with the soft shine of oil, in [0, 1]."""
        cosine = relief_light(self.thickness, towards, strength)
        shine = np.clip(cosine - 1.08, 0.0, 0.4)[..., None]
        body = self.color * (0.42 + 0.58 * np.clip(cosine, 0.25, 1.35))[..., None]
        return np.clip(body + 0.45 * shine * (0.35 + 0.65 * self.color), 0.0, 1.0)


def _resampled(path: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Points at even steps along a polyline, unit normals there, and its length in pixels."""
    pieces = np.linalg.norm(np.diff(path, axis=0), axis=1)
    arc = np.concatenate([[0.0], np.cumsum(pieces)])
    count = max(int(arc[-1] / _SPACING), 8)
    s = np.linspace(0.0, arc[-1], count)
    points = np.stack([np.interp(s, arc, path[:, 0]), np.interp(s, arc, path[:, 1])], axis=1)
    tangent = gaussian_filter1d(np.gradient(points, axis=0), 3.0, axis=0, mode="nearest")
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    return points.astype(np.float32), normal.astype(np.float32), float(arc[-1])

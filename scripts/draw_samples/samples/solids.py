"""Solids as signed distances: turned on a lathe, tubes and a heap of balls; and marching rays to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates

_CELL = 1.0 / 160.0  # spacing of the distance tables; a profile's fine details are ten times as large
_MARGIN = 0.25  # nearer than this to its bounding ball a solid is evaluated, else the ball stands for it

Distance = Callable[[np.ndarray], np.ndarray]


def lathe(profile: Sequence[tuple[float, float]], smooth: bool = True) -> Distance:
    """Distance to the solid swept by a closed profile of (radius, height) about the y axis.

    The profile begins and ends on the axis; ``smooth`` puts a cubic spline through its points.
    """
    points = np.asarray(profile, float)
    if smooth:
        arc = np.concatenate([[0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(points, axis=0), axis=1)))])
        points = CubicSpline(arc, points)(np.linspace(0, arc[-1], 160))
        points[:, 0] = np.maximum(points[:, 0], 0)
    low, high = points[:, 1].min() - 0.4, points[:, 1].max() + 0.4
    radii = np.arange(0, points[:, 0].max() + 0.4, _CELL)
    heights = np.arange(low, high, _CELL)
    r, y = np.meshgrid(radii, heights, indexing="ij")
    nearest, inside = np.full(r.shape, np.inf), np.zeros(r.shape, bool)
    for (r0, y0), (r1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        along = np.array([r1 - r0, y1 - y0])
        part = np.clip(((r - r0) * along[0] + (y - y0) * along[1]) / max(along @ along, 1e-12), 0, 1)
        if r0 > 1e-6 or r1 > 1e-6:  # the axis closes the outline but is no surface
            nearest = np.minimum(nearest, np.hypot(r - r0 - part * along[0], y - y0 - part * along[1]))
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (r < r0 + (y - y0) * (r1 - r0) / (y1 - y0))
    table = np.where(inside, -nearest, nearest).astype(np.float32)

    def distance(p: np.ndarray) -> np.ndarray:
        at = np.stack([np.hypot(p[:, 0], p[:, 2]) / _CELL, (p[:, 1] - low) / _CELL])
        return map_coordinates(table, at, order=1, mode="nearest")

    return distance


def tube(line: np.ndarray, radii: np.ndarray) -> Distance:
    """Distance to a round tube along a polyline (n, 3) with a radius at each point."""

    def distance(p: np.ndarray) -> np.ndarray:
        best = np.full(len(p), np.inf, np.float32)
        for a, b, ra, rb in zip(line[:-1], line[1:], radii[:-1], radii[1:], strict=True):
            along = (b - a).astype(np.float32)
            part = np.clip((p - a.astype(np.float32)) @ along / np.float32(along @ along), 0, 1)
            gap = p - a.astype(np.float32) - part[:, None] * along
            best = np.minimum(best, np.sqrt(np.einsum("ij,ij->i", gap, gap)) - (ra + (rb - ra) * part))
        return best

    return distance


def heap(centres: np.ndarray, radius: float) -> Distance:
    """Distance to equal balls around ``centres`` (n, 3)."""

    def distance(p: np.ndarray) -> np.ndarray:
        best = np.full(len(p), np.inf, np.float32)
        for centre in centres.astype(np.float32):
            gap = p - centre
            best = np.minimum(best, np.einsum("ij,ij->i", gap, gap))
        return np.sqrt(best) - np.float32(radius)

    return distance


@dataclass
class Solid:
    """A shape put into the scene: moved to ``at``, turned by ``turn`` (rows: local axes in the scene)."""

    material: str
    shape: Distance
    at: tuple[float, float, float]
    bound: tuple[tuple[float, float, float], float]  # centre in local coordinates, radius
    turn: np.ndarray = field(default_factory=lambda: np.eye(3))

    def local(self, p: np.ndarray) -> np.ndarray:
        """Points of the scene (n, 3) in the solid's own coordinates."""
        return (p - np.asarray(self.at, np.float32)) @ self.turn.T.astype(np.float32)

    def distance(self, p: np.ndarray) -> np.ndarray:
        """Distance, or where the solid is far a smaller one, that to its bounding ball."""
        centre = np.asarray(self.bound[0]) @ self.turn + self.at
        gap = p - centre.astype(np.float32)
        far = np.sqrt(np.einsum("ij,ij->i", gap, gap)) - np.float32(self.bound[1])
        near = np.flatnonzero(far < _MARGIN)
        if len(near):
            far[near] = self.shape(self.local(p[near]))
        return far


def turned(axis: tuple[float, float, float]) -> np.ndarray:
    """Rotation whose local y axis points along ``axis``."""
    y = np.asarray(axis, float) / np.linalg.norm(axis)
    x = np.cross([0.0, 0.3, 1.0], y)
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)])


def march(
    distance: Distance, origin: np.ndarray, ray: np.ndarray, reach: float, steps: int = 90
) -> np.ndarray:
    """Distance along each unit ``ray`` (n, 3) from ``origin`` (n, 3) to the scene; inf beyond ``reach``."""
    travelled = np.zeros(len(ray), np.float32)
    active = np.arange(len(ray))
    hit = np.zeros(len(ray), bool)
    for _ in range(steps):
        gap = distance(origin[active] + ray[active] * travelled[active, None])
        close = gap < 0.0007 * (1 + travelled[active] * 0.3)
        hit[active[close]] = True
        travelled[active] += np.where(close, 0, gap * 0.93)
        active = active[~close & (travelled[active] < reach)]
        if not len(active):
            break
    hit[active] = True  # rays that graze a surface run out of steps beside it
    return np.where(hit, travelled, np.inf)


def soft_shadow(
    distance: Distance, origin: np.ndarray, ray: np.ndarray, reach: float, size: float
) -> np.ndarray:
    """Share of a lamp of angular radius ``size`` (radians) seen from ``origin`` along ``ray``, 0 to 1.

    One cone per point: how nearly the scene touches the ray against its distance, after Quilez (2010).
    """
    seen = np.ones(len(ray), np.float32)
    travelled = np.full(len(ray), 0.02, np.float32)
    active = np.arange(len(ray))
    for _ in range(42):
        gap = distance(origin[active] + ray[active] * travelled[active, None])
        seen[active] = np.minimum(seen[active], 0.5 + 0.5 * gap / (size * travelled[active]))
        travelled[active] += np.clip(np.abs(gap) * 0.9, 0.025, 0.5)
        active = active[(seen[active] > 0) & (travelled[active] < reach)]
        if not len(active):
            break
    seen = np.clip(seen, 0, 1)
    return seen * seen * (3 - 2 * seen)

"""A table by a window: wine bottle, glazed jug, fruit in a bowl, grapes, a striped cloth. Marched rays."""

from __future__ import annotations

import numpy as np

from samples.canvas import filmic, mix, ramp, to_bytes, to_srgb
from samples.noise import Noise
from samples.solids import march, soft_shadow
from samples.surfaces import plain, skin
from samples.tableware import solids

WIDTH, HEIGHT = 1024, 768
FOCAL = 1120.0  # pixels: a picture angle of 49 degrees
EYE, AIM = np.array([0.12, 1.95, -5.1]), np.array([0.03, 0.80, 0.2])
WALL = 2.3  # z of the wall behind; the table is the plane y = 0
WINDOW = np.array([-4.6, 4.4, -3.0], np.float32)  # its middle: left, above, before the table
WINDOW_LIGHT = np.array([3.6, 3.15, 2.5], np.float32)
ROOM_LIGHT = np.array([0.23, 0.27, 0.36], np.float32)
EXPOSURE = 0.40
TILE = 1 << 17  # rays in one go: keeps the arrays of a step within some megabytes

GLOSS = {
    "bottle": 0.9,
    "jug": 0.55,
    "bowl": 0.6,
    "apple": 0.30,
    "pear": 0.12,
    "orange": 0.16,
    "lemon": 0.2,
    "grape": 0.35,
    "plum": 0.2,
    "cut": 0.25,
    "stem": 0.02,
    "cloth": 0.0,
    "table": 0.10,
    "wall": 0.0,
}

_PLAIN, _SPACE = Noise(5), Noise(6, dimensions=3)


def cloth(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height of the cloth over the table and how much of it lies there, 0 to 1."""
    edge = 0.30 * x + z + 0.25 + 0.09 * _PLAIN(x * 0.9 + 4, z * 0.9)
    lies = ramp(0.0, -0.045, edge) * ramp(-1.98, -1.90, x + 0.25 * z)
    # Folds run to a corner; they die out under things that weigh on the cloth.
    turn = 0.8 * x + 0.6 * z + 0.35 * _PLAIN(x * 0.6, z * 0.6 + 9)
    fold = np.exp(-(((turn + 1.05) / 0.09) ** 2)) + 0.8 * np.exp(-(((turn - 0.42) / 0.07) ** 2))
    fold = fold + 0.6 * np.exp(-(((turn - 1.25) / 0.1) ** 2)) + 0.7 * np.exp(-(((turn + 0.35) / 0.05) ** 2))
    wave = 0.030 + 0.085 * fold * (0.6 + 0.4 * _PLAIN(x * 1.1, z * 1.1)) + 0.010 * _PLAIN(x * 2.5, z * 2.5)
    return (wave * lies).astype(np.float32), lies


class Scene:
    """Distances, materials and light of the whole picture."""

    def __init__(self) -> None:
        self.solids = solids()

    def ground(self, p: np.ndarray) -> np.ndarray:
        """Distance to table, cloth and wall, on the safe side."""
        low = p[:, 1].copy()
        close = np.flatnonzero((low < 0.35) & (p[:, 2] < 1.0))
        height, _ = cloth(p[close, 0], p[close, 2])
        low[close] = (low[close] - height) * 0.75  # the folds are steep: the drop overstates the distance
        return np.minimum(low, WALL - p[:, 2])

    def distance(self, p: np.ndarray) -> np.ndarray:
        """Distance to the nearest surface at points (n, 3)."""
        best = self.ground(p)
        for solid in self.solids:
            best = np.minimum(best, solid.distance(p))
        return best

    def identify(self, p: np.ndarray) -> np.ndarray:
        """Index of the solid at points on surfaces, -1 for table, cloth and wall."""
        best, which = self.ground(p), np.full(len(p), -1)
        for i, solid in enumerate(self.solids):
            gap = solid.distance(p)
            which, best = np.where(gap < best, i, which), np.minimum(gap, best)
        return which

    def normal(self, p: np.ndarray) -> np.ndarray:
        """Unit normals from four distances at the corners of a tetrahedron."""
        total = np.zeros_like(p)
        for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
            offset = np.array(corner, np.float32)
            total += offset * self.distance(p + 0.0022 * offset)[:, None]
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)

    def light(self, px: np.ndarray, py: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Linear color (n, 3) and a surface label (n,) at picture positions in pixels."""
        ahead = (AIM - EYE) / np.linalg.norm(AIM - EYE)
        right = np.cross([0, 1, 0], ahead)
        right /= np.linalg.norm(right)
        above = np.cross(ahead, right)
        ray = ahead * FOCAL + right * (px - WIDTH / 2)[:, None] - above * (py - HEIGHT / 2)[:, None]
        ray = (ray / np.linalg.norm(ray, axis=1, keepdims=True)).astype(np.float32)
        eye = np.broadcast_to(EYE.astype(np.float32), ray.shape)
        along = march(self.distance, eye, ray, 12.0)
        p = eye + ray * np.where(np.isfinite(along), along, 12.0)[:, None].astype(np.float32)
        return self.shade(p, ray, mirrors=True)

    def shade(self, p: np.ndarray, ray: np.ndarray, mirrors: bool) -> tuple[np.ndarray, np.ndarray]:
        """Light that leaves points ``p`` against ``ray``, and the solids' indices there."""
        which, normal = self.identify(p), self.normal(p)
        albedo, bump, gloss = self._surface(p, which, normal)
        normal = normal + bump
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)

        to_lamp = WINDOW - p
        away = np.linalg.norm(to_lamp, axis=1, keepdims=True)
        to_lamp /= away
        start = p + 0.012 * normal
        seen = (
            soft_shadow(self.distance, start, to_lamp, 4.5, 0.14) if mirrors else np.ones(len(p), np.float32)
        )
        facing = np.einsum("ij,ij->i", normal, to_lamp)
        # A window is wide: its light wraps a little around forms.
        lamp = np.clip((facing + 0.12) / 1.12, 0, 1) * seen * (44.0 / away[:, 0] ** 2)
        open_air = np.ones(len(p), np.float32)
        for reach in (0.05, 0.13, 0.3) if mirrors else ():
            gap = self.distance(p + normal * np.float32(reach))
            open_air *= np.clip(0.35 + 0.65 * gap / reach, 0, 1)
        room = ROOM_LIGHT * (0.6 + 0.4 * normal[:, 1:2]) * open_air[:, None]
        bounce = (
            np.array([0.30, 0.21, 0.13], np.float32)
            * np.clip(0.5 - 0.5 * normal[:, 1:2], 0, 1)
            * open_air[:, None]
        )
        total = albedo * (WINDOW_LIGHT * lamp[:, None] + room + bounce)

        out = ray - 2 * np.einsum("ij,ij->i", ray, normal)[:, None] * normal
        grazing = 1 - np.clip(-np.einsum("ij,ij->i", ray, normal), 0, 1)
        fresnel = (0.045 + 0.955 * grazing**5) * gloss
        mirror = self._room(out, seen)
        shiny = np.flatnonzero((gloss > 0.4) & (fresnel > 0.02)) if mirrors else np.array([], int)
        if len(shiny):
            far = march(self.distance, start[shiny], out[shiny].astype(np.float32), 6.0, steps=45)
            met = np.flatnonzero(np.isfinite(far) & (far < 2.2))
            hit = start[shiny[met]] + out[shiny[met]] * far[met, None]
            mirror[shiny[met]] = self.shade(hit.astype(np.float32), out[shiny[met]], mirrors=False)[0] * 0.8
        total += mirror * fresnel[:, None]
        # A rough gleam besides the sharp mirror image: skins and varnish are not polished.
        half = to_lamp - ray
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        gleam = np.clip(np.einsum("ij,ij->i", half, normal), 0, 1) ** 60 * gloss * seen * 0.22
        return total + gleam[:, None] * WINDOW_LIGHT, which

    def _room(self, ray: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """What a mirror sees of the room behind the viewer: a bright window with a cross of bars."""
        towards = WINDOW / np.linalg.norm(WINDOW)
        side = np.cross(towards, [0, 1, 0])
        side /= np.linalg.norm(side)
        up = np.cross(side, towards)
        depth = ray @ towards
        a, b = ray @ side / np.maximum(depth, 1e-3), ray @ up / np.maximum(depth, 1e-3)
        pane = ramp(0.30, 0.27, np.abs(a)) * ramp(0.42, 0.39, np.abs(b))
        bars = ramp(0.012, 0.028, np.abs(a)) * ramp(0.010, 0.026, np.abs(b - 0.05))
        window = pane * bars * (depth > 0) * (0.35 + 0.65 * seen)
        dim = mix(np.array([0.05, 0.045, 0.04]), np.array([0.20, 0.21, 0.23]), ramp(-0.4, 0.9, ray[:, 1]))
        return (dim + window[:, None] * np.array([15.0, 14.0, 12.5])).astype(np.float32)

    def _surface(self, p: np.ndarray, which: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, ...]:
        albedo, bump = np.zeros_like(p), np.zeros_like(p)
        gloss = np.zeros(len(p), np.float32)
        flat = np.flatnonzero(which < 0)
        _, lies = cloth(p[flat, 0], p[flat, 2])
        albedo[flat], bump[flat], gloss[flat] = plain(p[flat], lies, p[flat, 2] > WALL - 0.02, _PLAIN)
        for i in np.unique(which[which >= 0]):
            here, solid = np.flatnonzero(which == i), self.solids[i]
            albedo[here], local_bump = skin(solid.material, solid.local(p[here]), normal[here], _SPACE)
            bump[here], gloss[here] = local_bump, GLOSS[solid.material]
        return albedo, bump, gloss


def draw() -> np.ndarray:
    """The picture, uint8 (768, 1024, 3)."""
    scene = Scene()
    y, x = (axis.ravel() + 0.5 for axis in np.mgrid[0:HEIGHT, 0:WIDTH])
    light, label = np.zeros((x.size, 3), np.float32), np.zeros(x.size, int)
    for start in range(0, x.size, TILE):
        tile = slice(start, start + TILE)
        light[tile], label[tile] = scene.light(x[tile], y[tile])
    picture = filmic(light * EXPOSURE)

    # Smooth edges: where neighbours differ in solid or brightness, five more rays.
    ids, grey = label.reshape(HEIGHT, WIDTH), picture.mean(axis=1).reshape(HEIGHT, WIDTH)
    rough = np.zeros((HEIGHT, WIDTH), bool)
    for axis in (0, 1):
        step = (np.diff(ids, axis=axis) != 0) | (np.abs(np.diff(grey, axis=axis)) > 0.10)
        front, back = (slice(None, -1), slice(1, None))
        rough[(front, slice(None)) if axis == 0 else (slice(None), front)] |= step
        rough[(back, slice(None)) if axis == 0 else (slice(None), back)] |= step
    edge = np.flatnonzero(rough)
    for dx, dy in ((-0.4, -0.2), (0.2, -0.4), (0.4, 0.2), (-0.2, 0.4)):
        for start in range(0, len(edge), TILE):
            part = edge[start : start + TILE]
            picture[part] += filmic(scene.light(x[part] + dx, y[part] + dy)[0] * EXPOSURE)
    picture[edge] /= 5
    picture = to_srgb(picture.reshape(HEIGHT, WIDTH, 3))
    return to_bytes(picture)

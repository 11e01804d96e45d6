"""A night sky in oil: thousands of strokes that stream around luminous discs, above a field of ochre."""

from __future__ import annotations

import numpy as np

from samples.canvas import color, grid, palette, ramp, sample, shrink, to_bytes
from samples.noise import Noise
from samples.paint import Oil, Stroke

WIDTH, HEIGHT = 1024, 800
FINE = 2  # painted at twice the size, then shrunk: bristles and edges come out smooth
FLOW = 2  # the direction and color fields are smooth, so they are stored at half size

# Luminous discs: centre and radius of the core in pixels, reach of the whirl, sense of rotation.
DISCS = (
    (778.0, 205.0, 54.0, 205.0, 1.0),
    (268.0, 168.0, 33.0, 150.0, -1.0),
    (497.0, 92.0, 19.0, 88.0, 1.0),
    (88.0, 352.0, 22.0, 108.0, 1.0),
    (958.0, 432.0, 20.0, 95.0, -1.0),
    (610.0, 392.0, 24.0, 112.0, -1.0),
)
# Whirls of the sky that carry no light: centre, reach, sense, inward pull.
WHIRLS = ((392.0, 338.0, 165.0, 1.0, 0.34), (70.0, 96.0, 105.0, 1.0, 0.3), (985.0, 40.0, 95.0, -1.0, 0.3))

SKY = [
    (0.0, "0b1438"),
    (0.22, "14276a"),
    (0.42, "1f45a0"),
    (0.6, "2f6cc0"),
    (0.76, "6ba3cf"),
    (0.9, "bcd6d6"),
    (1.0, "f1ecd2"),
]
GLOW = [
    (0.0, "fffbe6"),
    (0.75, "fff2b4"),
    (1.05, "fbd54e"),
    (1.7, "e9a527"),
    (2.2, "d9b24a"),
    (2.9, "9cc0a8"),
    (3.6, "5a97c4"),
]
FIELD = [(0.0, "5a3a12"), (0.25, "9a6016"), (0.5, "d08c1e"), (0.75, "ecb93c"), (1.0, "fbe59a")]
HILLS = [(0.0, "0c1a33"), (0.35, "143c52"), (0.65, "23686b"), (0.85, "5b9a78"), (1.0, "b4c47a")]

# Underpainting, body, accents: grid spacing, half width and length in pixels, and jitter of the tone.
LAYERS = ((16.0, 11.0, 80.0, 0.05), (12.5, 7.6, 66.0, 0.1), (17.0, 5.0, 48.0, 0.19))


def skyline(x: np.ndarray) -> np.ndarray:
    """Row of the crest of the hills at column ``x``, pixels."""
    return 590 - 40 * np.sin(x / 170.0 + 0.7) - 22 * np.sin(x / 67.0 + 2.0) - 0.03 * x


def field_edge(x: np.ndarray) -> np.ndarray:
    """Row where the hills end and the field of grain begins, pixels."""
    return 690 - 24 * np.sin(x / 150.0 - 0.4) - 8 * np.sin(x / 47.0)


class Fields:
    """Direction of the brush and color of the paint at every place of the picture."""

    def __init__(self, rng: np.random.Generator) -> None:
        x, y = grid(WIDTH // FLOW, HEIGHT // FLOW)
        x, y = x * FLOW, y * FLOW
        self.sky = y < skyline(x)
        self.grain = y > field_edge(x)
        self.direction = self._direction(x, y)
        self.tone = self._streamed(rng)
        self.color = self._color(x, y)

    def _direction(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Unit vectors (rows, columns, 2): a river of air, bent around discs and whirls."""
        angle = 0.42 * np.sin(x / 165.0 + y / 240.0) + 0.3 * np.sin(y / 95.0 - x / 310.0 + 1.0) - 0.12
        flow = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        turning = [(cx, cy, reach, sense, 0.0) for cx, cy, _, reach, sense in DISCS] + list(WHIRLS)
        for cx, cy, reach, sense, pull in turning:
            dx, dy = x - cx, y - cy
            distance = np.hypot(dx, dy) + 1e-3
            around = (
                np.stack([-dy * sense - pull * dx, dx * sense - pull * dy], axis=-1) / distance[..., None]
            )
            weight = 2.6 * np.exp(-((distance / (0.74 * reach)) ** 3))[..., None]
            flow = flow + weight * around
        # The land: strokes follow the hills, and in the field fan out from a point on the horizon.
        slope = np.gradient(skyline(x), axis=1) / FLOW
        bulge = 0.55 * np.sin(x / 52.0 + y / 30.0)
        hill = np.stack([np.ones_like(x), slope + bulge], axis=-1)
        wind = 150 * np.sin(x / 85.0 + y / 55.0) + 90 * np.sin(x / 37.0 - y / 40.0)
        ear = np.stack([(x - 560.0) * 0.9 + wind, y - 520.0], axis=-1)
        flow = np.where(self.sky[..., None], flow, np.where(self.grain[..., None], ear, hill))
        return (flow / np.linalg.norm(flow, axis=-1, keepdims=True)).astype(np.float32)

    def _streamed(self, rng: np.random.Generator) -> np.ndarray:
        """White noise smeared along the flow, as ranks in [0, 1]: bands of light and dark paint."""
        noise = Noise(int(rng.integers(1 << 30)))
        x, y = grid(WIDTH // FLOW, HEIGHT // FLOW)
        total = noise(x / 8.0, y / 8.0)
        for sign in (1.0, -1.0):
            px, py = x.copy(), y.copy()
            for _ in range(22):
                step = sample(self.direction, px, py)
                px += sign * 2.2 * step[..., 0]
                py += sign * 2.2 * step[..., 1]
                total += noise(px / 8.0, py / 8.0)
        ranks = np.argsort(np.argsort(total, axis=None)).reshape(total.shape)
        return (ranks / ranks.size).astype(np.float32)

    def _color(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        lift = 0.24 * np.exp(-(((y - 420 - 70 * np.sin(x / 170.0)) / 75.0) ** 2)) - 0.08 * ramp(180, 0, y)
        sky = palette(SKY, np.clip(0.06 + 0.72 * self.tone**1.15 + lift, 0, 1))
        for cx, cy, core, reach, _ in DISCS:
            distance = np.hypot(x - cx, y - cy) / core
            # The rings waver with the streamed tone, so that the halo is painted, not computed.
            ring = distance * (0.84 + 0.32 * self.tone)
            glow = palette(GLOW, ring)
            amount = ramp(reach / core * 0.93, reach / core * 0.50, distance * (0.8 + 0.4 * self.tone))
            sky = sky + (glow - sky) * amount[..., None]
        hills = palette(HILLS, np.clip(self.tone * 0.95 - 0.1 + 0.3 * ramp(60, 0, y - skyline(x)), 0, 1))
        near = ramp(660, 800, y)
        grain = palette(FIELD, np.clip(0.12 + 0.85 * self.tone + 0.1 * near, 0, 1))
        furrow = ramp(0.55, 1.0, np.sin(x / 58.0 + 0.02 * y * np.sin(x / 140.0)) + 0.5 * self.tone)
        grain = grain + (color("3f5a2c") - grain) * (0.75 * furrow)[..., None]
        return np.where(self.sky[..., None], sky, np.where(self.grain[..., None], grain, hills))


def paths(fields: Fields, starts: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Streamlines from ``starts`` (n, 2), of ``lengths`` (n,) in pixels: each (14, 2)."""
    points, at = [starts], starts
    step = (lengths / 13.0)[:, None]
    for _ in range(13):
        at = at + step * sample(fields.direction, at[:, 0] / FLOW, at[:, 1] / FLOW)
        points.append(at)
    return list(np.stack(points, axis=1))


def scattered(spacing: float, rng: np.random.Generator) -> np.ndarray:
    """Jittered grid of points over the picture and a margin, (n, 2), in random order."""
    x, y = np.meshgrid(np.arange(-30, WIDTH + 30, spacing), np.arange(-30, HEIGHT + 30, spacing))
    points = np.stack([x.ravel(), y.ravel()], axis=1) + rng.uniform(-0.7, 0.7, (x.size, 2)) * spacing
    return rng.permutation(points)


def dabs(oil: Oil, rng: np.random.Generator) -> None:
    """Short curled strokes at the hearts of the discs, where a streamline is too tight to follow."""
    for cx, cy, core, _, sense in DISCS:
        for ring in np.linspace(0.9, 0.15, max(int(core / 5.5), 3)):
            for start in rng.uniform(0, 2 * np.pi, max(int(9 * ring * core / 30), 2)):
                turn = start + sense * np.linspace(0, 2.2, 14)
                path = np.stack([cx + ring * core * np.cos(turn), cy + ring * core * np.sin(turn)], axis=1)
                warmth = palette(GLOW, np.array(ring * rng.uniform(0.5, 1.5)))
                oil.lay(Stroke(path * FINE, FINE * (2.4 + 0.05 * core), warmth, color("f8d765"), 0.3, 0.8))
        for tilt in (0.9, -0.5):  # and two flat touches that close the very middle
            reach = 0.35 * core + 5.0
            path = np.array([cx, cy]) + np.linspace(-1, 1, 6)[:, None] * reach * [np.cos(tilt), np.sin(tilt)]
            oil.lay(
                Stroke(path * FINE, FINE * (4.5 + 0.08 * core), color("fffae2"), color("fff0ae"), 0.4, 0.9)
            )


def poppies(oil: Oil, rng: np.random.Generator) -> None:
    """Red touches in the grain, two petals each: a third family of hue for the palette."""
    for _ in range(95):
        x = rng.uniform(0, WIDTH)
        edge = float(field_edge(np.array(x))) + 16
        y = edge + (HEIGHT - edge) * rng.uniform() ** 0.8
        size = 1.9 + 4.4 * (y - 650) / 150
        for side in (-1.0, 1.0):
            turn = rng.normal(0.0, 0.4) + np.linspace(-0.2, 1.9, 8)
            petal = np.stack([side * np.cos(turn), -np.sin(turn)], axis=1) * 0.85 * size
            red = color(str(rng.choice(["c8321c", "e2561f", "a51f1f", "d9472a"])))
            oil.lay(Stroke((petal + [x, y]) * FINE, FINE * size, red, color("f08a3c"), 0.25, 0.9))


def draw() -> np.ndarray:
    """The picture, uint8 (800, 1024, 3)."""
    rng = np.random.default_rng(1889)
    fields = Fields(rng)
    oil = Oil(WIDTH * FINE, HEIGHT * FINE, color("2a3350"), rng)
    x, y = grid(WIDTH * FINE, HEIGHT * FINE)
    for cx, cy, core, _, _ in DISCS:  # bare canvas must not show as a dark hole in a disc
        oil.color[np.hypot(x / FINE - cx, y / FINE - cy) < core] = color("fff2b4")
    for spacing, width, length, jitter in LAYERS:
        starts = scattered(spacing, rng)
        lengths = length * rng.uniform(0.6, 1.3, len(starts))
        middle = sample(fields.color, starts[:, 0] / FLOW, starts[:, 1] / FLOW)
        beside = starts + rng.normal(0, 16, starts.shape)
        second = sample(fields.color, beside[:, 0] / FLOW, beside[:, 1] / FLOW)
        lines = paths(fields, starts, lengths)
        for path, base, other in zip(lines, middle, second, strict=True):
            warm = 0.4 * jitter * rng.normal() * np.array([1.0, 0.1, -1.0])
            tint = np.clip(base * (1.0 + jitter * np.clip(rng.normal(), -1.3, 2.0)) + warm, 0, 1)
            half = FINE * width * rng.uniform(0.75, 1.2)
            share, load = rng.uniform(0.1, 0.45), rng.uniform(0.35, 0.8)
            oil.lay(Stroke(path * FINE, half, tint, other, share, load))
    dabs(oil, rng)
    poppies(oil, rng)
    return to_bytes(shrink(oil.lit((-0.55, -0.6, 0.75), 0.3), FINE))

"""Fronds, leaves and stars cut with scissors from sheets of painted paper, pasted on colored panels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from samples.canvas import blur, color, grid, mix, ramp, relief_light, shrink, to_bytes
from samples.noise import Noise

WIDTH, HEIGHT = 1024, 768
FINE = 2

INKS = {
    "ultramarine": "1e3fa8",
    "cobalt": "2f6fd6",
    "orange": "f2822a",
    "yellow": "f6c92c",
    "magenta": "d2307c",
    "green": "1f8a4c",
    "leaf": "7dba3a",
    "red": "d8332c",
    "black": "1c1a22",
    "white": "f6f1e4",
    "violet": "6a3f9e",
    "sky": "9fd0e6",
    "pink": "f4a7b4",
}

# Left, top, right, bottom (shares of the sheet), paper of the panel, shape, paper of the shape, second paper.
PANELS = (
    (0.00, 0.00, 0.23, 0.36, "ultramarine", "frond", "white", "yellow"),
    (0.23, 0.00, 0.43, 0.27, "yellow", "leaf", "magenta", "ultramarine"),
    (0.43, 0.00, 0.72, 0.40, "orange", "frond", "ultramarine", "white"),
    (0.72, 0.00, 1.00, 0.30, "green", "star", "yellow", "red"),
    (0.00, 0.36, 0.20, 0.70, "pink", "leaf", "red", "green"),
    (0.20, 0.27, 0.43, 0.70, "black", "frond", "leaf", "orange"),
    (0.43, 0.40, 0.63, 0.70, "white", "star", "red", "cobalt"),
    (0.63, 0.40, 0.80, 0.72, "magenta", "frond", "white", "yellow"),
    (0.72, 0.30, 1.00, 0.40, "sky", "dots", "ultramarine", "black"),
    (0.80, 0.40, 1.00, 0.80, "cobalt", "frond", "yellow", "white"),
    (0.00, 0.70, 0.28, 1.00, "leaf", "frond", "violet", "white"),
    (0.28, 0.66, 0.43, 1.00, "red", "leaf", "white", "black"),
    (0.43, 0.70, 0.63, 1.00, "violet", "frond", "orange", "yellow"),
    (0.63, 0.72, 0.80, 1.00, "yellow", "leaf", "green", "red"),
    (0.80, 0.80, 1.00, 1.00, "white", "star", "black", "magenta"),
)


def snipped(strokes: list[tuple[np.ndarray, np.ndarray]], size: tuple[int, int], noise: Noise) -> np.ndarray:
    """Mask of a shape of round strokes (points, radii), joined softly as by a turning pair of scissors."""
    picture = Image.new("L", size)
    pen = ImageDraw.Draw(picture)
    for points, radii in strokes:
        for (px, py), r in zip(points, radii, strict=True):
            pen.ellipse([px - r, py - r, px + r, py + r], fill=255)
    # Blurring and cutting again rounds the inner corners; a slow waver keeps the hand in the line.
    soft = blur(np.asarray(picture, np.float32) / 255, 2.6 * FINE)
    x, y = grid(*size)
    return ramp(0.47, 0.53, soft + 0.05 * noise(x / (26 * FINE), y / (26 * FINE)))


def frond(
    centre: np.ndarray, reach: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """An alga: a bent stem with round-ended fingers on both sides."""
    s = np.linspace(-1, 1, 80)
    bend, lean = rng.uniform(-0.28, 0.28), rng.uniform(-0.25, 0.25)
    stem = np.stack([bend * np.sin(2.2 * s) + lean * s, -s], axis=1) * reach * 0.86
    small = float(reach.min())
    strokes = [(centre + stem, small * np.linspace(0.085, 0.06, 80))]
    count = int(np.clip(round(3.7 * reach[1] / small), 4, 6))
    for i in range(count):
        for side in (-1, 1):
            at = int(8 + 66 * (i + (0.25 if side > 0 else 0)) / count)
            long = small * (0.90 - 0.42 * (i / count) ** 1.4) * rng.uniform(0.82, 1.12)
            t = np.linspace(0, 1, 50)
            curl = rng.uniform(0.35, 0.75)
            finger = np.stack(
                [side * long * np.sin(1.35 * t) * 0.95, -long * curl * t**1.7 - 0.1 * long * t], axis=1
            )
            swell = small * (0.045 + 0.05 * t * rng.uniform(0.8, 1.25))
            strokes.append((centre + stem[at] + finger, swell))
    return strokes


def leaf(
    centre: np.ndarray, reach: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """A broad leaf with deep round lobes that fan out from its foot."""
    strokes = []
    small = float(reach.min())
    foot = centre + [0, 0.62 * reach[1]]
    for i, turn in enumerate(np.linspace(-1.25, 1.25, 7) + rng.normal(0, 0.05, 7)):
        t = np.linspace(0, 1, 60)
        long = (1.45 - 0.45 * abs(turn)) * np.hypot(small, 0.55 * reach[1]) * rng.uniform(0.86, 1.05)
        way = turn * (0.55 + 0.45 * t) + 0.12 * np.sin(5 * t + i)
        points = foot + np.stack([np.sin(way), -np.cos(way)], axis=1) * (long * t)[:, None]
        strokes.append(
            (
                np.clip(points, centre - 0.88 * reach, centre + 0.92 * reach),
                small * (0.07 + 0.12 * t * (1.25 - t)),
            )
        )
    strokes.append(
        (foot + np.linspace(0, 1, 20)[:, None] * [0.05 * small, 0.28 * reach[1]], np.full(20, 0.05 * small))
    )
    return strokes


def star(
    centre: np.ndarray, reach: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """A star-flower of eight wavy arms."""
    strokes = []
    for turn in np.arange(8) * np.pi / 4 + rng.uniform(0, 0.6):
        t = np.linspace(0, 1, 60)
        way = turn + 0.35 * np.sin(4.2 * t + rng.uniform(0, 1))
        points = centre + np.stack([np.cos(way), np.sin(way)], axis=1) * (reach * 0.84) * t[:, None]
        strokes.append((points, float(reach.min()) * (0.11 - 0.05 * t + 0.05 * np.sin(np.pi * t) ** 2)))
    return strokes


def dots(
    centre: np.ndarray, reach: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """A row of pebbles and commas."""
    strokes = []
    columns = max(round(1.7 * reach[0] / reach.min()), 2)
    for i in range(columns):
        at = centre + reach * [(2 * i + 1) / columns - 1, rng.uniform(-0.2, 0.2)]
        t = np.linspace(0, 1, 30)
        turn = rng.uniform(0, 2 * np.pi) + 2.0 * t
        points = at + np.stack([np.cos(turn), np.sin(turn)], axis=1) * 0.34 * reach.min()
        strokes.append((points, reach.min() * (0.27 - 0.15 * t)))
    return strokes


SHAPES = {"frond": frond, "leaf": leaf, "star": star, "dots": dots}


class Collage:
    """Sheets pasted one over the other: each with its gouache, its shadow and its thickness."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.x, self.y = grid(WIDTH * FINE, HEIGHT * FINE)
        self.picture = np.ones((HEIGHT * FINE, WIDTH * FINE, 3), np.float32) * color("efe8d8")
        self.noise, self.rng = Noise(1952), rng

    def paste(self, mask: np.ndarray, name: str, box: tuple[slice, slice], shade: float = 0.42) -> None:
        """Lay a sheet of a named paper with ``mask`` over the part ``box`` (rows, columns) of the collage."""
        part, x, y = self.picture[box], self.x[box] / FINE, self.y[box] / FINE
        angle, shift = self.rng.uniform(0, np.pi), self.rng.uniform(0, 100)
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        wash = self.noise.fractal(u / 150 + shift, v / 11, octaves=4, gain=0.62)  # the pull of a broad brush
        cloud = self.noise(x / 90 + shift, y / 90)
        tint = color(INKS[name])
        sheet = tint * (1 + 0.055 * wash + 0.04 * cloud)[..., None] + (0.016 * wash)[..., None]
        shadow = blur(np.roll(mask, (int(3.2 * FINE), int(2.6 * FINE)), (0, 1)), 2.4 * FINE)
        shadow = np.maximum(shadow, 0.8 * blur(mask, 1.5 * FINE))
        part *= 1 - shade * (shadow * (1 - mask))[..., None]
        rim = relief_light(blur(mask, 0.8 * FINE), (-0.7, -0.8, 1.0), 1.2)
        self.picture[box] = mix(part, sheet * np.clip(rim, 0.8, 1.22)[..., None], mask)


def draw() -> np.ndarray:
    """The picture, uint8 (768, 1024, 3)."""
    rng = np.random.default_rng(29)
    collage = Collage(rng)
    rows, columns = HEIGHT * FINE, WIDTH * FINE
    for left, top, right, bottom, paper, shape, first, second in PANELS:
        margin = 14 * FINE
        a, b = max(int(left * columns) - margin, 0), min(int(right * columns) + margin, columns)
        c, d = max(int(top * rows) - margin, 0), min(int(bottom * rows) + margin, rows)
        box = (slice(c, d), slice(a, b))
        x, y = collage.x[box], collage.y[box]
        slant = rng.uniform(-0.012, 0.012, 4)
        waver = 1.2 * FINE * collage.noise(x / (60 * FINE), y / (60 * FINE) + 9 * left)
        lap = 3 * FINE  # papers overlap a little
        past = [1e4 * (outer in (0, 1)) for outer in (left, right, top, bottom)]  # no edge at the sheet's own
        inset = waver + np.minimum.reduce(
            [
                x - left * columns + lap + slant[0] * (y - c) + past[0],
                right * columns - x + lap + slant[1] * (y - c) + past[1],
                y - top * rows + lap + slant[2] * (x - a) + past[2],
                bottom * rows - y + lap + slant[3] * (x - a) + past[3],
            ]
        )
        collage.paste(ramp(-0.7, 0.7, inset), paper, box, 0.3)

        centre = np.array([(left + right) / 2 * columns - a, (top + bottom) / 2 * rows - c])
        reach = np.array([(right - left) / 2 * columns, (bottom - top) / 2 * rows])
        strokes = SHAPES[shape](centre, reach, rng)
        size = (b - a, d - c)
        collage.paste(snipped(strokes, size, collage.noise), first, box)
        # Offcuts of a second paper in the corners and on the shape.
        extra = []
        for sx, sy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
            if rng.uniform() < 0.8:
                extra += dots(
                    centre + reach * [0.80 * sx, 0.84 * sy], np.full(2, 0.125 * reach.min() + 6 * FINE), rng
                )[:1]
        if shape in ("leaf", "star"):
            t = np.linspace(-1, 1, 60)
            if shape == "leaf":
                vein = centre + np.stack([0.05 * np.sin(3 * t) * reach[0], 0.55 * t * reach[1]], axis=1)
                extra.append((vein, reach.min() * 0.045 * (1.15 - t**2)))
            else:
                extra.append((np.repeat(centre[None], 2, axis=0), np.full(2, 0.16 * reach.min())))
        if extra:
            collage.paste(snipped(extra, size, collage.noise), second, box)
    grain = collage.noise(collage.x / 3.2, collage.y / 3.2)
    return to_bytes(shrink(collage.picture * (1 + 0.018 * grain)[..., None], FINE))

"""Poppies and cornflowers in watercolour: washes with dark rims, blooms, pigment in the paper's grain."""

from __future__ import annotations

import numpy as np

from samples.canvas import blur, color, grid, ramp, relief_light, to_bytes
from samples.noise import Noise

WIDTH, HEIGHT = 1024, 768

REDS = ("d8321e", "e4512a", "c01f2c", "ee7a3a", "b81d3e")
BLUES = ("3450b4", "5a6fd0", "2a3f96", "7a58b8")
GREENS = ("4c7a3a", "2f6350", "7f9a3c", "3a7a68", "9aa644")
GROUNDS = ("8fc4cf", "b7a6d6", "f3c9a0", "a9cf9a", "f0a9a4", "7fb0d8", "f2dc8c", "86bfae")


class Sheet:
    """Wet paper: light is filtered once for every wash, as by glass (Beer's law)."""

    def __init__(self, seed: int) -> None:
        self.x, self.y = grid(WIDTH, HEIGHT)
        self.noise = Noise(seed)
        self.grain = self.noise.fractal(self.x / 5.2, self.y / 5.2, octaves=3, gain=0.7)
        self.optical = np.zeros((HEIGHT, WIDTH, 3), np.float32)  # absorbed so far, natural logarithm

    def box(self, cx: float, cy: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns of the picture within ``reach`` pixels of a point."""
        return (
            slice(max(int(cy - reach), 0), max(int(cy + reach), 0)),
            slice(max(int(cx - reach), 0), max(int(cx + reach), 0)),
        )

    def wash(
        self,
        box: tuple[slice, slice],
        inside: np.ndarray,
        pigment: str,
        strength: float,
        wet: float,
        shift: float,
        lift: float = 0.0,
    ) -> None:
        """Lay pigment where ``inside`` (distance to the edge in pixels, positive within) is wet.

        ``wet`` is the width in pixels over which the edge bleeds; a small one dries to a dark rim.
        ``lift`` is the share of the earlier pigment that the wet brush takes off again.
        """
        x, y = self.x[box], self.y[box]
        ragged = 2.6 * self.noise.fractal(x / 26 + shift, y / 26, octaves=4, gain=0.6)
        feather = wet * 0.55 * self.noise.fractal(x / 60 + shift, y / 60 + 7, octaves=4, gain=0.65)
        edge = inside + ragged * (0.6 + 0.05 * wet) + feather
        body = ramp(-0.5 * wet, 0.5 * wet + 0.8, edge)
        # Drying carries pigment outwards: a fine dark rim, and a lighter middle.
        rim = np.exp(-((np.maximum(edge, 0) / 1.9) ** 1.2)) + 0.35 * np.exp(-np.maximum(edge, 0) / 9.0)
        pool = 1 + 0.34 * self.noise.fractal(x / 75 + shift, y / 75 + 3, octaves=3, gain=0.55)
        # Blooms: late drops of water push the pigment into cauliflower fronts.
        front = self.noise.fractal(x / 85 + shift, y / 85 + 40, octaves=5, gain=0.56) - 0.7
        bloom = 0.75 * np.exp(-(((front - 0.03) / 0.06) ** 2)) - 0.5 * ramp(0.05, 0.5, front)
        settle = 1 + 0.12 * self.grain[box] + 0.05 * np.maximum(self.grain[box], 0)
        amount = body * np.maximum(0.80 * pool + 0.75 * rim / (1 + 0.12 * wet) + 0.42 * bloom, 0.12) * settle
        absorbed = -np.log(np.clip(color(pigment), 0.03, 0.98))
        self.optical[box] *= (1 - lift * body)[..., None]
        self.optical[box] += (strength * np.maximum(amount, 0))[..., None] * absorbed


def petal(
    sheet: Sheet,
    at: tuple[float, float],
    turn: float,
    size: float,
    pigment: str,
    strength: float,
    wet: float,
    rng: np.random.Generator,
) -> None:
    """A petal that opens from ``at`` towards the angle ``turn``."""
    cx, cy = at[0] + 0.52 * size * np.cos(turn), at[1] + 0.44 * size * np.sin(turn)
    box = sheet.box(cx, cy, 1.35 * size + 20)
    dx, dy = sheet.x[box] - cx, sheet.y[box] - cy
    u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    angle, phase = np.arctan2(v, u), rng.uniform(0, 6)
    outline = 1 + 0.06 * np.sin(3 * angle + phase) + 0.045 * np.sin(7 * angle + 2 * phase)
    radius = np.hypot(u / (0.60 + 0.05 * np.sin(phase)), v / (0.62 * (1.0 + 0.30 * np.clip(u / size, -1, 1))))
    sheet.wash(box, size * outline - radius, pigment, strength, wet, rng.uniform(0, 90), lift=0.5)


def poppy(sheet: Sheet, at: tuple[float, float], size: float, rng: np.random.Generator) -> None:
    """Five petals, a dark heart wet in wet, stamens."""
    first = rng.uniform(0, 2 * np.pi)
    for i in rng.permutation(5):
        turn = first + i * 2 * np.pi / 5 + rng.normal(0, 0.12)
        petal(
            sheet,
            at,
            turn,
            size * rng.uniform(0.62, 0.8),
            str(rng.choice(REDS)),
            rng.uniform(0.40, 0.62),
            float(rng.choice([1.0, 1.5, 7.0], p=[0.55, 0.3, 0.15])),
            rng,
        )
    box = sheet.box(*at, 0.7 * size)
    away = np.hypot(sheet.x[box] - at[0], sheet.y[box] - at[1])
    sheet.wash(box, 0.20 * size - away, "2a1c3a", 0.55, 14.0, rng.uniform(0, 90))
    sheet.wash(box, 0.09 * size - away, "4a6a3a", 0.7, 1.0, rng.uniform(0, 90))
    for _ in range(26):
        turn, far = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.15, 0.32)
        spot = (at[0] + far * np.cos(turn), at[1] + far * np.sin(turn))
        dot = sheet.box(*spot, 12)
        gap = np.hypot(sheet.x[dot] - spot[0], sheet.y[dot] - spot[1])
        sheet.wash(dot, rng.uniform(1.4, 3.0) - gap, "1c1526", 1.1, 0.6, 0.0)


def cornflower(sheet: Sheet, at: tuple[float, float], size: float, rng: np.random.Generator) -> None:
    """A ring of small notched petals."""
    for turn in np.arange(9) * 2 * np.pi / 9 + rng.uniform(0, 1):
        spot = (at[0] + 0.26 * size * np.cos(turn), at[1] + 0.25 * size * np.sin(turn))
        petal(
            sheet,
            spot,
            turn,
            size * rng.uniform(0.40, 0.52),
            str(rng.choice(BLUES)),
            rng.uniform(0.5, 0.85),
            1.2,
            rng,
        )
    petal(sheet, at, 0.0, 0.22 * size, "4a2a78", 0.9, 6.0, rng)


def blade(
    sheet: Sheet,
    foot: tuple[float, float],
    tip: tuple[float, float],
    wide: float,
    bend: float,
    pigment: str,
    strength: float,
    rng: np.random.Generator,
) -> None:
    """A stem or a leaf: one pull of the brush from ``foot`` to ``tip``, ``bend`` pixels off the straight."""
    a, b = np.array(foot), np.array(tip)
    long = float(np.hypot(*(b - a)))
    cx, cy = (a + b) / 2
    box = sheet.box(cx, cy, 0.5 * long + abs(bend) + wide + 12)
    along = (b - a) / long
    dx, dy = sheet.x[box] - a[0], sheet.y[box] - a[1]
    t = (dx * along[0] + dy * along[1]) / long
    side = dy * along[0] - dx * along[1] - bend * np.sin(np.pi * np.clip(t, 0, 1))
    half = wide * np.sqrt(np.clip(np.sin(np.pi * np.clip(t, 0, 1) ** 0.8), 0, 1)) + 0.4
    ends = np.minimum(t, 1 - t) * long
    sheet.wash(box, np.minimum(half - np.abs(side), ends), pigment, strength, 1.0, rng.uniform(0, 90))


def draw() -> np.ndarray:
    """The picture, uint8 (768, 1024, 3)."""
    rng, sheet = np.random.default_rng(1905), Sheet(1905)

    # Ground: large wet pools that run into each other over the whole sheet.
    for i in range(20):
        cx, cy = (
            WIDTH * ((i % 5) + rng.uniform(0.1, 0.9)) / 5,
            HEIGHT * ((i // 5) + rng.uniform(0.1, 0.9)) / 4,
        )
        box = sheet.box(cx, cy, 290)
        gap = np.hypot(sheet.x[box] - cx, (sheet.y[box] - cy) * rng.uniform(0.9, 1.4))
        pool = rng.uniform(125, 185) - gap
        sheet.wash(
            box,
            pool,
            GROUNDS[int(rng.integers(len(GROUNDS)))],
            rng.uniform(0.5, 0.9),
            float(rng.choice([70.0, 45.0, 22.0], p=[0.55, 0.25, 0.2])),
            rng.uniform(0, 90),
        )

    flowers = [
        ((238, 262), 150),
        ((612, 196), 118),
        ((860, 330), 138),
        ((452, 452), 134),
        ((118, 560), 104),
        ((720, 575), 122),
        ((930, 640), 96),
        ((330, 668), 92),
        ((405, 92), 82),
        ((52, 96), 88),
        ((960, 70), 90),
    ]
    for (fx, fy), _ in flowers:
        blade(
            sheet,
            (fx + rng.uniform(-90, 90), HEIGHT + 30),
            (fx, fy),
            4.2,
            rng.uniform(-45, 45),
            str(rng.choice(GREENS)),
            0.9,
            rng,
        )
    for _ in range(62):
        fx, fy = rng.uniform(-40, WIDTH + 40), rng.uniform(0.15, 1.05) * HEIGHT
        turn, long = rng.normal(-np.pi / 2, 0.75), rng.uniform(60, 230)
        tip = (fx + long * np.cos(turn), fy + long * np.sin(turn))
        blade(
            sheet,
            (fx, fy),
            tip,
            rng.uniform(4, 17),
            rng.uniform(-30, 30),
            str(rng.choice(GREENS)),
            rng.uniform(0.3, 0.8),
            rng,
        )
    for (fx, fy), size in flowers:
        poppy(sheet, (fx, fy), size, rng)
    for at, size in (
        ((520, 318), 66),
        ((735, 410), 58),
        ((250, 470), 62),
        ((560, 660), 68),
        ((842, 486), 52),
        ((742, 86), 64),
        ((200, 74), 56),
        ((58, 330), 60),
        ((985, 205), 54),
        ((440, 720), 50),
        ((195, 712), 58),
        ((830, 735), 56),
    ):
        cornflower(sheet, at, size, rng)
    for _ in range(240):  # spatter
        spot = (rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT))
        size = 0.8 + rng.exponential(1.5)
        dot = sheet.box(*spot, size + 8)
        gap = np.hypot(sheet.x[dot] - spot[0], sheet.y[dot] - spot[1])
        sheet.wash(dot, size - gap, str(rng.choice(REDS + BLUES + GREENS)), 0.7, 0.8, 0.0)

    tooth = relief_light(blur(sheet.grain, 0.8), (-0.6, -0.6, 1.0), 0.22)
    paper = color("faf5ea") * np.clip(0.72 + 0.28 * tooth, 0.9, 1.05)[..., None]
    return to_bytes(paper * np.exp(-sheet.optical))

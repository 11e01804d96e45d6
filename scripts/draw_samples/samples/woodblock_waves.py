"""A sea of breaking waves as a color woodblock print: flat blues in contour bands, white claws of foam."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from samples.canvas import blur, color, grid, mix, palette, ramp, shrink, to_bytes
from samples.noise import Noise

WIDTH, HEIGHT = 1024, 768
FINE = 3

LINE = "16264f"
BANDS = ("1d3f7d", "8fb8cf", "2a5a9c", "c9dcd8", "34699f", "dfe6d6", "1d4a86", "a9cbd4")
FOAM, SHADE = "f5efdd", "c4d6d6"
# Back to front: row of the trough, height and length of the waves, phase, how far the crests overhang.
ROWS = (
    (248, 62, 236, 0.15, 0.55),
    (306, 88, 330, 0.62, 0.75),
    (392, 150, 470, 0.30, 0.95),
    (462, 108, 350, 0.05, 0.8),
    (556, 176, 560, 0.72, 1.0),
    (632, 112, 370, 0.38, 0.85),
    (730, 165, 500, 0.12, 0.95),
    (806, 96, 320, 0.6, 0.75),
)


class Print:
    """Two impressions: color, and the key block of lines over it, printed a little out of register."""

    def __init__(self) -> None:
        self.color = Image.new("RGBA", (WIDTH * FINE, HEIGHT * FINE), (0, 0, 0, 0))
        self.key = Image.new("L", (WIDTH * FINE, HEIGHT * FINE))
        self._paint, self._line = ImageDraw.Draw(self.color), ImageDraw.Draw(self.key)

    def area(self, points: np.ndarray, code: str, line: float = 0.0) -> None:
        """Fill a polygon (n, 2) in pixels, hide the lines under it, draw its outline ``line`` pixels wide."""
        corners = [tuple(point) for point in points * FINE]
        self._paint.polygon(corners, fill=tuple(int(v * 255) for v in color(code)) + (255,))
        self._line.polygon(corners, fill=0)
        if line:
            self.stroke(np.concatenate([points, points[:2]]), np.full(len(points) + 2, line))

    def stroke(self, points: np.ndarray, widths: np.ndarray) -> None:
        """A line of the key block through ``points`` (n, 2), ``widths`` (n,) in pixels."""
        for (x0, y0), (x1, y1), w in zip(points[:-1] * FINE, points[1:] * FINE, widths * FINE, strict=False):
            self._line.line([(x0, y0), (x1, y1)], fill=255, width=max(round(float(w)), 1))
            r = w / 2
            self._line.ellipse([x1 - r, y1 - r, x1 + r, y1 + r], fill=255)


def crest(s: np.ndarray, long: float, high: float, hook: float, level: float) -> np.ndarray:
    """Profile of a row of waves at the parameter ``s`` (one unit a wave): (n, 2), y down from 0.

    ``level`` from 1 (the surface) to 0 (still water) gives the lines inside the body of the wave. A point is
    pushed forward with the cube of its height, so that the crest hangs over.
    """
    rise = (0.5 + 0.5 * np.cos(2 * np.pi * s)) ** 2.1
    forward = hook * high * (1.05 * rise**3 + 0.12 * rise) * level**1.4
    curl = 0.30 * hook * high * rise**9 * level**3
    return np.stack([s * long + forward, -high * rise * level + curl], axis=1)


def foam(sheet: Print, line: np.ndarray, high: float, rng: np.random.Generator) -> None:
    """Claws of foam along ``line`` (n, 2), the part of a crest that breaks, from back to tip."""
    count = len(line)
    lobes = []
    for i in np.linspace(0, count - 1, max(int(high / 6.5), 6)).astype(int):
        share = i / (count - 1)
        size = high * (0.055 + 0.075 * share) * rng.uniform(0.8, 1.2)
        lobes.append((line[i] + rng.normal(0, 0.012 * high, 2), size))
    for centre, size in lobes:
        sheet.area(_blob(centre, size * 1.05, rng), FOAM, 1.5)
    for centre, size in lobes:
        sheet.area(_blob(centre + [0.0, 0.12 * size], size * 0.86, rng), FOAM)
    # Fingers reach down and forward from the tip.
    for share in np.linspace(0.35, 1.0, max(int(high / 9), 7)):
        root = line[int(share * (count - 1))]
        long = high * rng.uniform(0.14, 0.27) * (0.5 + 0.7 * share)
        t = np.linspace(0, 1, 14)
        turn = rng.uniform(0.25, 0.95) + 1.5 * t
        path = root + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], axis=1), axis=0) * long / 14
        wide = high * 0.034 * (1 - t) ** 0.7 + 0.8
        normal = np.stack([-np.sin(turn), np.cos(turn)], axis=1)
        claw = np.concatenate([path + normal * wide[:, None], (path - normal * wide[:, None])[::-1]])
        sheet.area(claw, FOAM, 1.3)
    for centre, size in lobes:
        sheet.area(_blob(centre, size * 0.72, rng), FOAM)
        if rng.uniform() < 0.7:
            t = np.linspace(0.3, 2.6, 14)
            arc = centre + 0.55 * size * np.stack([np.cos(t), np.sin(t)], axis=1)
            sheet.stroke(arc, np.full(14, 1.0))
    tip = line[-1]
    for _ in range(int(high / 5)):  # spray
        drop = tip + np.array([rng.exponential(0.36 * high) - 0.1 * high, rng.normal(-0.12, 0.22) * high])
        sheet.area(_blob(drop, rng.uniform(1.2, 3.6), rng), FOAM, 0.7)


def _blob(centre: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    r = size * (1 + 0.12 * np.sin(3 * t + rng.uniform(0, 6)) + 0.06 * np.sin(5 * t + rng.uniform(0, 6)))
    return centre + np.stack([np.cos(t), np.sin(t)], axis=1) * r[:, None]


def waves(sheet: Print, rng: np.random.Generator) -> None:
    """All rows of waves, back to front: bands inside each, then contour, then foam."""
    for number, (row, high, long, phase, hook) in enumerate(ROWS):
        first, last = -2.0 + phase, WIDTH / long + 2.0 + phase
        s = np.linspace(first, last, int((last - first) * 160))
        offset = np.array([-phase * long, row])
        levels = np.linspace(1.0, 0.06, 4 + int(high / 18))
        swell = 1 + 0.10 * np.sin(1.7 * np.round(s) + number)
        for i, level in enumerate(levels):
            line = crest(s, long, high, hook, float(level))
            line[:, 1] = line[:, 1] * swell + (1 - level) * 0.46 * high * (1 - 0.6 * level)
            line += offset
            code = BANDS[(i + number) % len(BANDS)]
            # A brush of its own for each row: bands are cut unevenly wide.
            body = np.concatenate([line, [[WIDTH + 2 * long, HEIGHT + 400], [-2 * long, HEIGHT + 400]]])
            sheet.area(body, code)
            swing = 1.15 + 0.55 * np.sin(2 * np.pi * s + 0.8 + i)
            sheet.stroke(line, swing * (1.7 if i == 0 else 0.95))
        top = crest(s, long, high, hook, 1.0)
        top[:, 1] *= swell
        top += offset
        for peak in range(int(np.ceil(first)), int(last) + 1):
            part = (s > peak - 0.20) & (s < peak + 0.035)
            if part.sum() > 8:
                foam(sheet, top[part], high, rng)


def draw() -> np.ndarray:
    """The picture, uint8 (768, 1024, 3)."""
    rng, noise = np.random.default_rng(1831), Noise(1831)
    x, y = grid(WIDTH * FINE, HEIGHT * FINE)
    px, py = x / FINE, y / FINE
    # Sky: wiped gradations (bokashi) of blue at the top and rose over the sea, a sun, bars of cloud.
    fade = py + 7 * noise(px / 160, py / 60)
    picture = palette(
        [(0, "1c3a74"), (38, "3a68a4"), (92, "b5cbc8"), (136, "efe3c4"), (184, "f2c9a2"), (235, "e58a68")],
        fade,
    )
    sun = np.hypot(px - 724, py - 118)
    picture = mix(
        picture,
        color("d2402c") * np.ones_like(picture),
        ramp(74.6, 73.4, sun + 0.5 * noise(px / 12, py / 12)),
    )
    bars = np.zeros_like(px)
    for cx, cy, wide in (
        (230, 62, 250),
        (410, 98, 170),
        (830, 84, 210),
        (640, 142, 190),
        (130, 142, 200),
        (950, 152, 170),
        (350, 172, 240),
    ):
        # A bar of mist with round ends and a stepped edge.
        for k, (dx, dy, share) in enumerate(((0, 0, 1.0), (60, 15, 0.62), (-70, -14, 0.5))):
            gap = np.hypot(np.maximum(np.abs(px - cx - dx) - wide * share / 2, 0), py - cy - dy)
            bars = np.maximum(bars, ramp(8.6, 7.6, gap + 0.1 * k))
    picture = mix(picture, color("f3ead2") * np.ones_like(picture), bars * 0.92)

    sheet = Print()
    waves(sheet, rng)
    printed = np.asarray(sheet.color, np.float32) / 255
    picture = mix(picture, printed[..., :3], printed[..., 3])
    # Color takes unevenly on the damp paper; the grain of the plank shows in it.
    rings = np.sin(0.33 * py + 7 * noise(px / 420, py / 38) + 2.0 * noise(px / 170, py / 12))
    streak = noise(px / 110, py / 1.6)
    ink = 1 + 0.032 * rings + 0.022 * streak + 0.03 * noise(px / 120, py / 120)
    # A wiped gradation darkens the foot of the sea.
    ink = ink * (1 - 0.22 * ramp(560, 790, py))
    picture = picture * ink[..., None]
    key = blur(np.roll(np.asarray(sheet.key, np.float32) / 255, (2, -2), (0, 1)), 0.7)
    picture = mix(picture, color(LINE) * np.ones_like(picture), key * (0.93 + 0.05 * noise(px / 4, py / 4)))
    paper = 1 + 0.012 * noise(px / 3, py / 3)
    return to_bytes(shrink(picture * paper[..., None], FINE))

"""Ammonites drawn with a steel pen: hatching that follows the ribs and whorls, crossed where it is dark."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_gradient_magnitude

from samples.canvas import blur, color, grid, mix, ramp, relief_light, shrink, to_bytes
from samples.noise import Noise

WIDTH, HEIGHT = 1024, 800
FINE = 3  # pen lines are thin: three times finer gives them clean edges

# Shells: centre, radius at the mouth, turn of the mouth (radians), sense of coiling, ribs in a turn.
SHELLS = (
    (862.0, 178.0, 190.0, 2.6, 1.0, 30),
    (120.0, 700.0, 205.0, 0.3, -1.0, 26),
    (868.0, 640.0, 222.0, 5.2, -1.0, 38),
    (112.0, 120.0, 150.0, 4.4, 1.0, 24),
    (440.0, 385.0, 345.0, 0.9, 1.0, 44),
)
GROWTH = 2.05  # factor by which a whorl widens in one turn: that of Dactylioceras is about two
# Layers of pen strokes: angle to the form (radians), least darkness, spacing and longest stroke in pixels.
LAYERS = (
    (0.0, 0.10, 5.0, 46),
    (0.10, 0.30, 5.6, 40),
    (np.pi / 2, 0.40, 5.4, 60),
    (0.9, 0.58, 5.2, 44),
    (-0.75, 0.74, 4.8, 40),
)


def scene(x: np.ndarray, y: np.ndarray, noise: Noise) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Darkness in [0, 1], angle of the first hatching, and label of the shell (0: sand) at each pixel."""
    drift = 34 * noise(x / 260, y / 170) + 9 * noise(x / 90, y / 60)
    sand = 2.6 * np.sin((y + drift) / 9.5) + 14 * noise(x / 130, y / 130)
    slope_y, slope_x = np.gradient(y + drift)
    angle = np.arctan2(-slope_x, slope_y)
    height, label = sand, np.zeros(x.shape, int)
    cast = np.zeros(x.shape, np.float32)
    suture = np.zeros(x.shape, np.float32)
    for number, (cx, cy, size, mouth, sense, ribs) in enumerate(SHELLS, start=1):
        dx, dy = x - cx, y - cy
        radius = np.hypot(dx, dy) + 1e-3
        around = np.mod(sense * np.arctan2(dy, dx) - mouth, 2 * np.pi)
        turns = np.log(size / radius) / np.log(GROWTH) - around / (2 * np.pi)
        inside = (turns > 0) & (radius > 0.012 * size)
        across = np.mod(turns, 1.0)
        # How far round the spiral: ribs are even in this angle, so they grow with the shell.
        wound = around + 2 * np.pi * np.floor(turns)
        arch = np.sqrt(np.clip(1 - (2 * across - 1) ** 2, 0, 1))
        lean = 1.1 * (across - 0.5) ** 2 * 4
        phase = ribs * (wound + 0.09 * lean) + 0.4 * noise(wound * 3, across * 2)
        ridge = np.cos(phase) * arch**0.7
        shell = radius * (0.34 * arch + 0.021 * ridge) + 0.9 * noise(x / 11, y / 11)
        cast_here = blur(
            np.roll(inside.astype(np.float32), (int(0.09 * size), int(0.07 * size)), (0, 1)), 0.045 * size
        )
        cast = np.where(inside, 0, np.maximum(cast, cast_here))
        suture = np.where(inside, ramp(0.10, 0.0, np.minimum(across, 1 - across)), suture)
        height = np.where(inside, shell + 20, height)
        label = np.where(inside, number, label)
        # Lines run along the ribs: radial, bent back at both sides of the whorl.
        along = np.arctan2(dy, dx) + sense * 0.55 * np.sin(np.pi * (2 * across - 1))
        angle = np.where(inside, along, angle)
    light = relief_light(blur(height, 1.2), (-0.75, -0.8, 0.85), 1.0)
    dark = np.where(label > 0, 0.80 - 0.62 * light, 0.62 - 0.36 * light)
    dark = dark + 0.62 * cast + 0.42 * suture
    dark = dark + 0.16 * (label == 0) * ramp(-0.6, 1.4, noise(x / 200, y / 160))
    return np.clip(dark, 0, 1), angle, label


def hatch(
    pen: ImageDraw.ImageDraw,
    dark: np.ndarray,
    angle: np.ndarray,
    label: np.ndarray,
    layer: tuple[float, float, float, int],
    rng: np.random.Generator,
) -> None:
    """Draw one layer: strokes grown from random seeds both ways until it is light or a neighbour is near."""
    turn, least, spacing, longest = layer
    rows, columns = dark.shape
    cell = spacing / 2
    taken = np.zeros((int(rows / cell) + 2, int(columns / cell) + 2), np.int32)
    gx, gy = np.meshgrid(np.arange(0, columns, spacing * 0.8), np.arange(0, rows, spacing * 0.8))
    seeds = np.stack([gx.ravel(), gy.ravel()], axis=1) + rng.uniform(-2, 2, (gx.size, 2))
    step = 2.2
    cosines, sines = np.cos(angle + turn), np.sin(angle + turn)
    for number, (sx, sy) in enumerate(rng.permutation(seeds), start=1):
        halves = []
        limit = longest * rng.uniform(0.5, 1.0) / step / 2
        floor = least + rng.normal(0, 0.03)
        for way in (1.0, -1.0):
            px, py, points, last = sx, sy, [], None
            home = None
            while len(points) < limit:
                column, row = int(px), int(py)
                if not (0 <= column < columns and 0 <= row < rows) or dark[row, column] < floor:
                    break
                if home is None:
                    home = label[row, column]
                elif label[row, column] != home:
                    break
                spot = (int(py / cell), int(px / cell))
                if taken[spot] not in (0, number):
                    break
                taken[spot] = number
                points.append((px, py, dark[row, column]))
                dx, dy = cosines[row, column] * way, sines[row, column] * way
                if last is not None and dx * last[0] + dy * last[1] < 0.2:
                    break  # the field turns sharply here: a pen would be lifted
                last = (dx, dy)
                px, py = px + step * dx, py + step * dy
            halves.append(points)
        stroke = halves[1][::-1] + halves[0][1:]
        if len(stroke) >= 4:
            line(pen, np.array(stroke), rng)


def line(pen: ImageDraw.ImageDraw, stroke: np.ndarray, rng: np.random.Generator) -> None:
    """One pen stroke through (x, y, darkness): swelling with the darkness, thin at both ends."""
    t = np.linspace(0, 1, len(stroke))
    width = (
        (0.42 + 1.15 * stroke[:, 2] ** 1.3)
        * np.minimum(1, 0.35 + 3.5 * np.minimum(t, 1 - t))
        * rng.uniform(0.85, 1.2)
    )
    tangent = np.gradient(stroke[:, :2], axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    wobble = 0.35 * np.sin(t * rng.uniform(3, 8) + rng.uniform(0, 6))[:, None] * normal
    middle = stroke[:, :2] + wobble
    outline = np.concatenate(
        [middle + normal * width[:, None] / 2, (middle - normal * width[:, None] / 2)[::-1]]
    )
    pen.polygon([tuple(point) for point in outline * FINE], fill=255)


def draw() -> np.ndarray:
    """The picture, uint8 (800, 1024, 3)."""
    rng, noise = np.random.default_rng(1821), Noise(1821)
    x, y = grid(WIDTH, HEIGHT)
    dark, angle, label = scene(x, y, noise)
    sheet = Image.new("L", (WIDTH * FINE, HEIGHT * FINE))
    pen = ImageDraw.Draw(sheet)
    for layer in LAYERS:
        hatch(pen, dark, angle, label, layer, rng)
    ink = shrink(np.asarray(sheet, np.float32) / 255, FINE)
    # Contours: a heavier line where one shell ends, thicker on the side of the shadow.
    edge = np.zeros_like(ink)
    for number in range(1, len(SHELLS) + 1):
        edge = np.maximum(edge, gaussian_gradient_magnitude((label == number).astype(np.float32), 0.9))
    ink = np.maximum(ink, ramp(0.18, 0.34, edge * (0.75 + 0.7 * dark + 0.15 * noise(x / 30, y / 30))))
    fibre = noise.fractal(x / 7, y / 7, octaves=3)
    paper = color("f0e6cf") * (1 + 0.016 * fibre + 0.025 * noise(x / 210, y / 210))[..., None]
    spread = np.clip(ink * (0.93 + 0.05 * fibre), 0, 1)  # ink takes unevenly on the fibres
    return to_bytes(mix(paper, color("1f1a1b") * np.ones_like(paper), spread))

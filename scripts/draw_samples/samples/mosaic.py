"""A peacock in tesserae of glass, stone and gold: oriented tiles that follow the contours of the drawing."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import cKDTree

from samples.canvas import blur, color, grid, ramp, relief_light, to_bytes
from samples.noise import Noise

WIDTH, HEIGHT = 1024, 832
TILE = 12.5  # pixels between the middles of tiles
ROUNDS = 14  # of Lloyd's relaxation: the tiles hardly move after a dozen
NEIGHBOURS = 9  # nearest sites in which the nearest by the tiles' own square metric is sought

BODY, NECK = (512.0, 560.0), (505.0, 395.0)
COLORS = {
    "gold": ("d9a632", "e8bf55", "c48a22", "f0d684", "b57a1c"),
    "night": ("152a63", "1d3b86", "10204d", "284d9c", "1a2f5c"),
    "teal": ("0f6a70", "158a86", "0b4f5c", "2aa39a", "1b7c6a"),
    "green": ("2f7a3c", "4a9a48", "1f5a30", "7db555", "3b8546"),
    "blue": ("1c4fb0", "2e6fd0", "153c8c", "4b8ee0", "2358b8"),
    "red": ("a52a22", "c23a2a", "8a1f1e", "d65a3a", "9c2c2c"),
    "white": ("efe6d0", "e2d4b4", "f6f0e0", "d8c8a4", "eadfc4"),
    "brown": ("5a3620", "70482a", "45281a", "80583a", "5a3c28"),
}
KINDS = list(COLORS)


def drawing(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Index into KINDS of the material at every pixel: the cartoon that the tiles follow."""
    kind = np.full(x.shape, KINDS.index("gold"))

    def paint(where: np.ndarray, name: str) -> None:
        kind[where] = KINDS.index(name)

    # The fan: rows of feathers around the body, each with an eye; outer rows first.
    cx, cy = BODY[0], BODY[1] + 20
    angle, radius = np.arctan2(x - cx, cy - y), np.hypot(x - cx, y - cy)
    paint((radius < 505 + 10 * np.cos(angle * 30)) & (np.abs(angle) < 1.92), "teal")
    for row, (reach, count, size) in enumerate(((440, 17, 42), (345, 15, 37), (258, 13, 31), (182, 11, 24))):
        spread = 1.80
        step = 2 * spread / (count - 1)
        place = np.clip(np.round((angle + spread) / step), 0, count - 1) * step - spread
        fx, fy = cx + reach * np.sin(place), cy - reach * np.cos(place)
        u = (x - fx) * np.cos(place) + (y - fy) * np.sin(place)
        v = (x - fx) * np.sin(place) - (y - fy) * np.cos(place)
        near = np.abs(angle - place) < step * 0.75
        egg = np.hypot(u, v * np.where(v > 0, 0.80, 0.62)) / size
        paint((np.abs(u) < 5.5) & (v < 0) & (radius > 110) & near, "gold" if row % 2 else "green")
        for limit, name in ((1.0, "green"), (0.80, "gold"), (0.60, "blue"), (0.34, "night")):
            paint(near & (egg < limit), name)
        paint(near & (np.hypot(u, v + 0.16 * size) < 0.13 * size), "white")
    # Legs, body and neck.
    for side in (-1, 1):
        paint((np.abs(x - cx - side * 34 - (y - 700) * 0.1 * side) < 6) & (y > 650) & (y < 752), "brown")
        paint((np.abs(y - 752) < 6) & (np.abs(x - cx - side * 46) < 32), "brown")
    bx, by = (x - cx) / 98, (y - BODY[1] - 15) / 128
    paint(np.hypot(bx, by) < 1, "night")
    paint(np.hypot(bx * 1.22, by * 1.2 + 0.05) < 1, "blue")
    scale = np.hypot((x - cx) % 44 - 22, (y - 610) % 40 - 10)
    paint((np.hypot(bx * 1.35, by * 1.3) < 1) & (y > 545) & (np.abs(scale - 17) < 5), "gold")
    bend = NECK[0] + 26 * np.sin((y - 330) / 62.0)
    thick = 27 + 34 * ramp(420, 540, y)
    paint((np.abs(x - bend) < thick + 9) & (y > 345) & (y < 560), "night")
    paint((np.abs(x - bend) < thick) & (y > 345) & (y < 572), "blue")
    hx, hy = 500.0, 342.0
    for k in range(-2, 3):  # the crown
        top = (hx + 6 + 27 * k, hy - 92 + 5 * k * k)
        part = np.clip((hy - 26 - y) / 62, 0, 1)
        paint((np.abs(x - hx - (top[0] - hx) * part) < 4) & (y < hy - 22) & (y > top[1]), "green")
        paint(np.hypot(x - top[0], y - top[1]) < 12, "gold" if k % 2 else "red")
    paint(np.hypot((x - hx) / 46, (y - hy) / 40) < 1, "blue")
    paint(np.hypot((x - hx + 10) / 25, (y - hy + 3) / 19) < 1, "white")
    paint(np.hypot(x - hx + 13, y - hy + 4) < 10, "night")
    paint(
        (x < hx - 34) & (x > hx - 88) & (np.abs(y - hy - 10 - (hx - 34 - x) * 0.25) < (x - hx + 90) * 0.3),
        "red",
    )
    # Ground with flowers, and the border.
    paint(y > 764 + 8 * np.sin(x / 60), "green")
    for flower in range(9):
        fx, fy = 70 + flower * 111.0, 728 + 10 * (-1) ** flower
        if abs(fx - cx) < 110:
            continue
        petals = np.hypot(x - fx, y - fy) / (31 + 10 * np.cos(5 * np.arctan2(y - fy, x - fx)))
        paint((np.abs(x - fx) < 4.5) & (y > fy) & (y < 775), "green")
        paint(petals < 1, "red" if flower % 2 else "white")
        paint(petals < 0.36, "gold")
    edge = np.minimum(np.minimum(x, WIDTH - x), np.minimum(y, HEIGHT - y))
    paint(edge < 44, "night")
    wave = np.where((x < 44) | (x > WIDTH - 44), y, x)
    paint(np.abs(edge - 22 - 9 * np.sin(wave / 16.3)) < 6.5, "gold")
    paint((edge >= 36) & (edge < 46), "white")
    paint(edge < 7, "red")
    return kind


def contour_direction(kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle of the nearest contour at each pixel, and the distance to it in pixels."""
    edges = np.zeros(kind.shape, bool)
    edges[:, 1:] |= kind[:, 1:] != kind[:, :-1]
    edges[1:] |= kind[1:] != kind[:-1]
    distance = distance_transform_edt(~edges).astype(np.float32)
    soft = gaussian_filter(distance, 3.0)
    gy, gx = np.gradient(soft)
    # Opposite gradients mean one direction of tiles: average the doubled (here fourfold) angle.
    four = 4 * np.arctan2(gy, gx)
    return np.arctan2(gaussian_filter(np.sin(four), 5.0), gaussian_filter(np.cos(four), 5.0)) / 4, distance


def tiles(
    x: np.ndarray, y: np.ndarray, sites: np.ndarray, angle: np.ndarray, kinds: np.ndarray, kind: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Owner of each pixel and the gap, in pixels, by which it is nearer to it than to the next tile."""
    _, index = cKDTree(sites).query(np.stack([x.ravel(), y.ravel()], axis=1), k=NEIGHBOURS)
    dx, dy = x.ravel()[:, None] - sites[index, 0], y.ravel()[:, None] - sites[index, 1]
    c, s = np.cos(angle[index]), np.sin(angle[index])
    u, v = np.abs(dx * c + dy * s), np.abs(dy * c - dx * s)
    # Nearly the square's metric: a high norm leaves slightly rounded corners, as cut glass has.
    away = (u**6 + v**6) ** (1 / 6)
    away += 1000.0 * (kinds[index] != kind.ravel()[:, None])  # a tile ends where its material ends
    first = np.argmin(away, axis=1)
    rows = np.arange(len(first))
    nearest = away[rows, first].copy()
    away[rows, first] = np.inf
    return index[rows, first].reshape(x.shape), (away.min(axis=1) - nearest).reshape(x.shape)


def draw() -> np.ndarray:
    """The picture, uint8 (832, 1024, 3)."""
    rng, noise = np.random.default_rng(547), Noise(547)
    x, y = grid(WIDTH, HEIGHT)
    kind = drawing(x, y)
    direction, distance = contour_direction(kind)

    gx, gy = np.meshgrid(np.arange(TILE / 2, WIDTH, TILE), np.arange(TILE / 2, HEIGHT, TILE))
    sites = np.stack([gx.ravel(), gy.ravel()], axis=1) + rng.uniform(-4, 4, (gx.size, 2))
    coarse = (slice(1, None, 3), slice(1, None, 3))  # relaxed on every third pixel
    cx, cy, ck, near_edge = x[coarse], y[coarse], kind[coarse], distance[coarse]
    for _ in range(ROUNDS):
        at = (np.clip(sites[:, 1], 0, HEIGHT - 1).astype(int), np.clip(sites[:, 0], 0, WIDTH - 1).astype(int))
        owner, _ = tiles(cx, cy, sites, direction[at], kind[at], ck)
        # Pixels on a contour weigh little (Hausner 2001): tiles move off the contours, into rows beside.
        weight = (0.08 + ramp(0.0, 4.0, near_edge)).ravel()
        total = np.bincount(owner.ravel(), weight, len(sites))
        moved = np.stack(
            [np.bincount(owner.ravel(), weight * axis.ravel(), len(sites)) for axis in (cx, cy)], axis=1
        )
        sites = np.where(total[:, None] > 0, moved / np.maximum(total, 1e-9)[:, None], sites)

    at = (np.clip(sites[:, 1], 0, HEIGHT - 1).astype(int), np.clip(sites[:, 0], 0, WIDTH - 1).astype(int))
    owner, gap = tiles(x, y, sites, direction[at], kind[at], kind)
    shades = np.stack([[color(code) for code in COLORS[name]] for name in KINDS])
    choice = np.clip(
        (2.0 + 1.1 * noise(sites[:, 0] / 45, sites[:, 1] / 45) + rng.normal(0, 1.0, len(sites))), 0, 4.99
    )
    paint = shades[kind[at], choice.astype(int)] * rng.normal(1.0, 0.07, (len(sites), 1))
    # Each tile lies a little askew in its mortar, so that each gives back the light differently.
    tilt = rng.normal(0, 1, (len(sites), 2))
    gold = np.isin(kind[at], [KINDS.index("gold"), KINDS.index("white")])
    glint = np.clip(tilt @ [0.6, 0.6] - 0.2, 0, 2) * np.where(gold, 0.22, 0.10)
    body = paint[owner] + glint[owner][..., None] * color("fff0c8")
    slant = ((x - sites[owner, 0]) * tilt[owner, 0] + (y - sites[owner, 1]) * tilt[owner, 1]) / TILE
    body = body * (1 + 0.12 * slant + 0.018 * noise(x / 3, y / 3) + 0.04 * noise(x / 9, y / 9))[..., None]

    inside = ramp(1.1, 2.9, gap)
    height = blur(ramp(0.8, 4.4, gap) * 3.0 + 0.06 * noise(x / 5, y / 5), 0.6)
    light = 0.32 + 0.68 * relief_light(height, (-0.6, -0.7, 0.9), 0.75)
    shadow = 1 - 0.35 * blur(np.roll(ramp(0.8, 3.0, gap), (2, 2), (0, 1)), 1.0) * (1 - inside)
    mortar = (
        color("6e6252") * (0.72 + 0.05 * noise(x / 2.5, y / 2.5) + 0.06 * noise(x / 20, y / 20))[..., None]
    )
    picture = mortar * (shadow * (1 - inside))[..., None] + body * inside[..., None]
    fall = 1.06 - 0.22 * np.hypot(x / WIDTH - 0.35, y / HEIGHT - 0.3)  # a lamp at the upper left
    return to_bytes(picture * np.clip(light, 0.4, 1.5)[..., None] * fall[..., None])

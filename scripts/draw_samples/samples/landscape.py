"""Evening by a mountain lake: a snow peak in the last sun, its mirror image, a cabin, a boat and spruces."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from samples import terrain
from samples.canvas import blur, filmic, grid, mix, ramp, sample, shrink, to_bytes, to_linear, to_srgb
from samples.conifer import spruce
from samples.noise import Noise

WIDTH, HEIGHT = 1024, 704
FINE = 2
HORIZON = 398.0  # row of the eye level, pixels
FOCAL = 1000.0  # pixels: a picture angle of 54 degrees, that of a slightly wide lens
EYE = 4.2  # metres over the lake: a viewer on the bank

ZENITH = np.array([0.045, 0.17, 0.46], np.float32)
LOW_SKY = np.array([0.80, 0.52, 0.36], np.float32)
WARM_HAZE, COOL_HAZE = np.array([0.78, 0.56, 0.42], np.float32), np.array([0.44, 0.50, 0.66], np.float32)
WATER = np.array([0.010, 0.030, 0.040], np.float32)
BOX = {
    "cabin": ((-60.0, 168.0), (9.5, 7.0)),
    "hut": ((-73.0, 180.0), (5.5, 5.0)),
}  # centre x, z; size, metres


def haze(slants: np.ndarray) -> np.ndarray:
    """Color of the far air by column: warm towards the sun on the left."""
    return mix(WARM_HAZE, COOL_HAZE, ramp(-0.75, 0.45, slants)).astype(np.float32)


def sky(slant: np.ndarray, lift: np.ndarray, noise: Noise) -> np.ndarray:
    """Linear color of the sky at ``slant`` (right) and ``lift`` (up), both tangents of angles."""
    low = mix(LOW_SKY, haze(slant), 0.45 + 0.3 * ramp(-0.2, 0.6, slant))
    clear = mix(low, ZENITH, ramp(-0.08, 0.33, lift) ** 0.7)

    def cover(s: np.ndarray, t: np.ndarray) -> np.ndarray:
        far = 0.55 / (np.maximum(t, 0) + 0.13)  # a flat layer of clouds, seen at a slant
        across, depth = s * far * 2.3, far * 2.1
        warp = 0.55 * noise.fractal(across * 0.7 + 3, depth * 0.7, octaves=3)
        billow = noise.fractal(across + warp, depth * 1.25 + 0.6 * warp + 11.2, octaves=8, gain=0.53)
        return billow + 0.45 * noise(across * 0.42 + 8, depth * 0.5 + 3) - 0.42

    density = cover(slant, lift)
    amount = ramp(0.1, 1.1, density)
    # Light comes from the lower left: a cloud is bright where it thins out in that direction.
    toward = cover(slant - 0.035, lift - 0.022)
    bright = np.clip(0.58 + 0.95 * (density - toward) - 0.30 * np.maximum(density - 0.5, 0), 0.0, 1.5)
    lit, dim = np.array([1.7, 0.98, 0.56], np.float32), np.array([0.20, 0.23, 0.37], np.float32)
    cloud = mix(mix(dim, clear, 0.25), lit, bright)
    cloud = mix(cloud, low, ramp(0.16, 0.0, lift) * 0.65)
    return mix(clear, cloud, amount * 0.94)


def project(points: np.ndarray, eye: float) -> list[tuple[float, float]]:
    """Points (n, 3) in metres (x, y up, z away) to pixels of the fine picture."""
    x = (WIDTH / 2 + points[:, 0] / points[:, 2] * FOCAL) * FINE
    y = (HORIZON - (points[:, 1] - eye) / points[:, 2] * FOCAL) * FINE
    return list(zip(x.tolist(), y.tolist(), strict=True))


def cabins(light: np.ndarray, eye: float, valley: terrain.Valley) -> np.ndarray:
    """Draw the houses into a linear picture ``light`` seen from ``eye`` metres over the lake."""
    layer = Image.new("RGBA", (light.shape[1], light.shape[0]), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)

    def face(corners: list[tuple[float, float, float]], tint: tuple[int, int, int]) -> None:
        pen.polygon(project(np.array(corners), eye), fill=(*tint, 255))

    for (cx, cz), (wide, deep) in sorted(BOX.values(), key=lambda box: -box[0][1]):
        base = float(valley.bare(np.array([cx]), np.array([cz]))[0]) - 1.2
        x0, x1, z0, z1 = cx - wide / 2, cx + wide / 2, cz - deep / 2, cz + deep / 2
        eaves, ridge = base + 4.3, base + 7.6
        face(
            [(x1, base, z0), (x1, eaves, z0), (x1, ridge - 0.2, cz), (x1, eaves, z1), (x1, base, z1)],
            (58, 40, 34),
        )
        face([(x0, base, z0), (x0, eaves, z0), (x1, eaves, z0), (x1, base, z0)], (172, 112, 66))
        for plank in np.arange(base + 0.4, eaves, 0.42):
            face(
                [(x0, plank, z0), (x0, plank + 0.1, z0), (x1, plank + 0.1, z0), (x1, plank, z0)],
                (122, 74, 42),
            )
        face([(x0, base, z0), (x0, base + 0.9, z0), (x1, base + 0.9, z0), (x1, base, z0)], (150, 134, 116))
        for wx in np.arange(x0 + 1.0, x1 - 1.2, 2.1):
            face(
                [
                    (wx - 0.15, base + 1.5, z0),
                    (wx - 0.15, base + 3.2, z0),
                    (wx + 1.25, base + 3.2, z0),
                    (wx + 1.25, base + 1.5, z0),
                ],
                (238, 220, 186),
            )
            face(
                [
                    (wx, base + 1.65, z0),
                    (wx, base + 3.05, z0),
                    (wx + 1.1, base + 3.05, z0),
                    (wx + 1.1, base + 1.65, z0),
                ],
                (255, 205, 110),
            )
            face(
                [
                    (wx + 0.5, base + 1.6, z0),
                    (wx + 0.5, base + 3.1, z0),
                    (wx + 0.6, base + 3.1, z0),
                    (wx + 0.6, base + 1.6, z0),
                ],
                (120, 80, 50),
            )
        out = 0.7
        face(
            [
                (x0 - out, eaves - 0.4, z0 - out),
                (x0 - out, ridge, cz),
                (x1 + out, ridge, cz),
                (x1 + out, eaves - 0.4, z0 - out),
            ],
            (146, 74, 58),
        )
        for course in np.linspace(0, 0.94, 9):
            y, z = eaves - 0.4 + (ridge - eaves + 0.4) * course, z0 - out + (cz - z0 + out) * course
            face(
                [(x0 - out, y, z), (x0 - out, y + 0.11, z), (x1 + out, y + 0.11, z), (x1 + out, y, z)],
                (108, 52, 42),
            )
        face(
            [
                (x0 + 2, ridge - 1.2, cz - 0.9),
                (x0 + 2, ridge + 1.3, cz - 0.9),
                (x0 + 3, ridge + 1.3, cz - 0.9),
                (x0 + 3, ridge - 1.2, cz - 0.9),
            ],
            (176, 132, 106),
        )
    painted = np.asarray(layer, np.float32) / 255.0
    return mix(light, to_linear(painted[..., :3]), painted[..., 3])


def grove(rng: np.random.Generator, valley: terrain.Valley) -> list[tuple[np.ndarray, np.ndarray]]:
    """Spruces and golden larches of the headland, far ones first: foot (x, y, z) in metres, and picture."""
    x, z = rng.uniform(-135, -30, 900), rng.uniform(140, 262, 900)
    ground = valley.bare(x, z)
    clear = (np.hypot(x + 62, (z - 158) * 0.6) > 15) & (np.abs(x + 73) + np.abs(z - 175) > 17)
    wanted = np.flatnonzero((ground > 1.6) & clear)[:130]
    trees = []
    for i in wanted[np.argsort(-z[wanted])]:
        tall = rng.uniform(8, 19) * min(1.0, 0.45 + 0.12 * ground[i])
        pixels = tall / z[i] * FOCAL * FINE
        size = (int(0.6 * pixels) + 4, int(1.1 * pixels) + 4)
        bright = (232, 140, 34) if rng.uniform() < 0.3 else (138, 132, 44)
        foot = (size[0] / 2, size[1] - 0.04 * pixels)
        trees.append((np.array([x[i], ground[i] - 0.4, z[i]]), spruce(size, foot, pixels, rng, bright)))
    return trees


def planted(light: np.ndarray, trees: list[tuple[np.ndarray, np.ndarray]], eye: float) -> np.ndarray:
    """Set the trees of a grove into a linear picture seen from ``eye`` metres over the lake."""
    for foot, tree in trees:
        (px, py), (rows, columns) = project(foot[None], eye)[0], tree.shape[:2]
        left, top = int(px - columns / 2), int(py - rows * 0.97)
        a, b = max(0, -left), min(columns, light.shape[1] - left)
        below = min(rows, light.shape[0] - top)
        if a < b and top >= 0 and below > 0:
            piece = light[top : top + below, left + a : left + b]
            air = mix(to_linear(tree[..., :3]) * 1.25, np.array([0.5, 0.45, 0.42]), np.float32(0.05))
            piece[:] = mix(piece, air[:below, a:b], tree[:below, a:b, 3])
    return light


def boat(picture: np.ndarray, at: tuple[float, float], size: float) -> np.ndarray:
    """A rowing boat and its reflection on the water of an sRGB picture; ``at`` is mid-waterline, pixels."""
    x0, y0 = at
    layer = Image.new("RGBA", (picture.shape[1], picture.shape[0]), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)

    def curve(points: list[tuple[float, float]], mirror: bool = False) -> list[tuple[float, float]]:
        return [(x0 + size * x, y0 + (size * y if not mirror else -size * y * 0.85 + 1)) for x, y in points]

    s = np.linspace(-1, 1, 40)
    sheer = -0.30 - 0.16 * s**2 - 0.05 * s
    keel = 0.05 - 0.03 * s**2
    hull = list(zip(s, sheer, strict=True)) + list(zip(s[::-1] * 0.83, keel, strict=True))
    inner = list(zip(s, sheer, strict=True)) + list(
        zip(s[::-1] * 0.97, sheer[::-1] - 0.15 * (1 - s[::-1] ** 4), strict=True)
    )
    pen.polygon(curve(hull, mirror=True), fill=(38, 22, 18, 165))
    pen.polygon(curve(hull), fill=(134, 44, 32, 255))
    for strake, tint in ((0.72, (170, 66, 42, 255)), (0.45, (104, 33, 27, 255)), (0.2, (80, 26, 24, 255))):
        line = [
            (x * (0.83 + 0.17 * strake), k + (t - k) * strake) for x, t, k in zip(s, sheer, keel, strict=True)
        ]
        pen.line(curve(line), fill=tint, width=3)
    pen.polygon(curve(inner), fill=(70, 46, 34, 255))
    for bench in (-0.45, 0.05, 0.5):
        top = -0.33 - 0.16 * bench**2 - 0.05 * bench
        pen.polygon(
            curve(
                [
                    (bench - 0.07, top),
                    (bench + 0.06, top),
                    (bench + 0.07, top - 0.12),
                    (bench - 0.05, top - 0.12),
                ]
            ),
            fill=(196, 142, 92, 255),
        )
    pen.line(curve(list(zip(s, sheer, strict=True))), fill=(238, 206, 160, 255), width=5)
    pen.line(
        curve(list(zip(s * 0.97, sheer - 0.15 * (1 - s**4), strict=True))), fill=(206, 160, 116, 255), width=3
    )
    pen.line(curve([(-0.15, -0.52), (0.62, -0.16), (0.84, 0.02)]), fill=(214, 172, 122, 255), width=4)
    painted = np.asarray(layer, np.float32) / 255.0
    return mix(picture, painted[..., :3], blur(painted[..., 3], 0.7))


def lake(x: np.ndarray, y: np.ndarray, mirror: np.ndarray, noise: Noise) -> np.ndarray:
    """Linear color of the water at fine pixels ``x``, ``y`` below the horizon; ``mirror`` starts at it."""
    below = y / FINE - HORIZON
    far = EYE * FOCAL / np.maximum(below, 0.3)
    right = (x / FINE - WIDTH / 2) / FOCAL * far
    breeze = ramp(0.1, 1.1, noise.fractal(right / 70 + 3, far / 210, octaves=3)) * ramp(20, 60, far)
    calm = noise.fractal(right / 2.4, far / 1.15, octaves=4, gain=0.55)
    swell = noise.fractal(right / 9.0 + 20, far / 3.4, octaves=2)
    # Slopes of ripples shift the mirror image up and down, the more the farther the reflected thing is.
    fade = 1.0 / (1.0 + (far / 160) ** 2)
    shift = (0.004 * calm + 0.005 * swell) * FOCAL * (0.35 + 0.65 * fade) + breeze * 6.0 * (
        1 + noise(right * 0.7, far * 0.2)
    )
    image = sample(mirror, x + 0.15 * shift * FINE, np.clip(below + shift, 0.5, None) * FINE)
    glance = 1.0 - np.clip(below / FOCAL * 1.0, 0, 1)
    fresnel = (0.10 + 0.90 * glance**7) * (1 - 0.08 * breeze)
    sparkle = ramp(1.5, 2.6, calm + 0.4 * swell) * 0.10
    return image * fresnel[..., None] + WATER * (1 - fresnel[..., None]) + sparkle[..., None] * LOW_SKY


def draw() -> np.ndarray:
    """The picture, uint8 (704, 1024, 3)."""
    rng = np.random.default_rng(1971)
    noise, valley = Noise(12), terrain.Valley(31)
    columns, rows = WIDTH * FINE, HEIGHT * FINE
    x, y = grid(columns, rows)
    slants = (x[0] / FINE - WIDTH / 2) / FOCAL
    fan = terrain.look(valley, slants, haze(slants))

    def view(eye: float, rows_up: np.ndarray) -> np.ndarray:
        ground, hit = terrain.seen(fan, eye, rows_up, FOCAL)
        slant, lift = np.broadcast_arrays(slants[None, :], (rows_up / FOCAL)[:, None])
        return np.where(hit[..., None], ground, sky(slant, lift, noise))

    trees = grove(rng, valley)
    above = cabins(planted(view(EYE, HORIZON - y[:, 0] / FINE), trees, EYE), EYE, valley)
    shore = int(HORIZON * FINE)
    # The mirror world is drawn upright with its lake level at the bottom row, then turned over.
    span = int((HEIGHT - HORIZON + 60) * FINE)
    upright = planted(view(-EYE, HORIZON - y[:shore, 0] / FINE), trees, -EYE)
    mirror = cabins(upright, -EYE, valley)[::-1][:span]

    _, land = terrain.seen(fan, EYE, HORIZON - y[:, 0] / FINE, FOCAL)
    water = lake(x[shore:], y[shore:], mirror, noise)
    scene = above
    scene[shore:] = np.where(land[shore:, :, None], scene[shore:], water)
    picture = to_srgb(filmic(scene * 0.78))

    picture = boat(picture, (640 * FINE, 618 * FINE), 82 * FINE)
    for foot, tall in (
        ((968, 752), 580),
        ((1018, 760), 720),
        ((905, 742), 340),
        ((20, 745), 300),
        ((-16, 740), 420),
    ):
        tree = spruce((columns, rows), (foot[0] * FINE, foot[1] * FINE), tall * FINE, rng)
        picture = mix(picture, tree[..., :3], tree[..., 3])
    return to_bytes(shrink(picture, FINE))

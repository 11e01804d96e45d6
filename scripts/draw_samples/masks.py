"""Draw the bundled masks, of landscape.jpg and woodblock_waves.jpg: every run gives the same bytes.

    python scripts/draw_samples/masks.py [--out DIR]

Needs Pillow; takes a second. The masks are in the public domain.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

# drawn so much larger and made smaller, which gives smooth edges
FINE = 4
Points = Sequence[tuple[int, int]]

# pixels of landscape.jpg, 1024 x 704, by eye
SKYLINE = [(0, 136), (50, 120), (120, 148), (180, 138), (240, 164), (300, 176), (390, 150), (450, 160)]
SKYLINE += [(524, 124), (570, 104), (612, 68), (660, 100), (720, 90), (750, 140), (790, 170), (860, 146)]
SKYLINE += [(920, 158), (972, 182), (1000, 140), (1010, 60), (1024, 40)]
LAKE = [(0, 424), (110, 424), (270, 412), (880, 404), (896, 416), (872, 520), (840, 704), (72, 704)]
LAKE += [(50, 620), (24, 540), (0, 480)]
BOAT = (548, 566, 726, 634)
# pixels of woodblock_waves.jpg, 1024 x 768: the waves end here
CRESTS = [(0, 215), (110, 235), (240, 185), (300, 240), (420, 200), (470, 185), (560, 235), (700, 180)]
CRESTS += [(760, 240), (860, 200), (900, 185), (970, 235), (1024, 240)]


def landscape() -> Image.Image:
    """Red: the sky. Blue: the lake without the boat. Black: everything else."""
    mask, draw = _canvas(1024, 704)
    draw.polygon(_fine([*SKYLINE, (1024, 0), (0, 0)]), fill="red")
    draw.polygon(_fine(LAKE), fill="blue")
    left, top, right, bottom = BOAT
    draw.ellipse([FINE * one for one in (left, top, right, bottom)], fill="black")
    return mask.reduce(FINE)


def woodblock_waves() -> Image.Image:
    """Red: the sky. Blue: the sea."""
    mask, draw = _canvas(1024, 768)
    draw.rectangle([0, 0, FINE * 1024, FINE * 768], fill="red")
    draw.polygon(_fine([*CRESTS, (1024, 768), (0, 768)]), fill="blue")
    return mask.reduce(FINE)


def _canvas(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    mask = Image.new("RGB", (FINE * width, FINE * height), "black")
    return mask, ImageDraw.Draw(mask)


def _fine(points: Points) -> list[tuple[int, int]]:
    return [(FINE * across, FINE * down) for across, down in points]


def main() -> None:
    """Write both masks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default_out = Path(__file__).resolve().parents[2] / "nst_tf" / "samples"
    parser.add_argument("--out", type=Path, default=default_out, help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, mask in {"landscape_mask": landscape(), "woodblock_waves_mask": woodblock_waves()}.items():
        # a few hundred colors of edges: a palette is as exact as it needs to be
        mask.save(out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()

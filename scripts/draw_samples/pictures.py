"""Draw the bundled sample pictures from nothing but numbers: every run gives the same bytes.

    python scripts/draw_samples/pictures.py [--only NAME ...] [--out DIR]

Needs NumPy, SciPy and Pillow; takes about two minutes on one core. The pictures are in the public domain.
"""

from __future__ import annotations

import argparse
import importlib
import io
import time
from pathlib import Path

from PIL import Image

# Name -> largest file in bytes. Each name is a module of scripts/draw_samples/samples with a function draw().
CONTENT_BYTES, STYLE_BYTES = 350_000, 450_000
PICTURES = {
    "landscape": CONTENT_BYTES,
    "still_life": CONTENT_BYTES,
    "brush_strokes": STYLE_BYTES,
    "mosaic": STYLE_BYTES,
    "ink_hatching": STYLE_BYTES,
    "cut_outs": STYLE_BYTES,
    "watercolour": STYLE_BYTES,
    "woodblock_waves": STYLE_BYTES,
}
# From best down: the first that fits is taken. 4:4:4 keeps the edges of saturated colors sharp.
QUALITIES = (92, 90, 88, 86, 84, 82, 80, 76, 72)


def encoded(picture: Image.Image, limit: int) -> tuple[bytes, int]:
    """JPEG bytes of at most ``limit`` bytes at the best quality that allows it, and that quality."""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
        if buffer.tell() <= limit:
            return buffer.getvalue(), quality
    raise SystemExit(f"the picture needs {buffer.tell()} bytes even at quality {quality}; {limit} allowed")


def main() -> None:
    """Draw the pictures named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PICTURES,
        default=list(PICTURES),
        metavar="NAME",
        help=f"pictures to draw, of: {', '.join(PICTURES)}",
    )
    default_out = Path(__file__).resolve().parents[2] / "nst_tf" / "samples"
    parser.add_argument("--out", type=Path, default=default_out, help="folder to write to")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        started = time.perf_counter()
        picture = Image.fromarray(importlib.import_module(f"samples.{name}").draw())
        data, quality = encoded(picture, PICTURES[name])
        (arguments.out / f"{name}.jpg").write_bytes(data)
        seconds = time.perf_counter() - started
        print(
            f"{name:16} {picture.width} x {picture.height}  {len(data) // 1000:4} kB"
            f"  quality {quality}  {seconds:5.1f} s"
        )


if __name__ == "__main__":
    main()

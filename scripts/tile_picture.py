"""Four copies of a picture side by side, two by two, to see whether a texture shows its seam."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image


def main() -> None:
    """Read one picture and write another of twice its sides."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("tiled", type=Path)
    arguments = parser.parse_args()
    with Image.open(arguments.picture) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    Image.fromarray(np.tile(pixels, (2, 2, 1))).save(arguments.tiled, quality=90)


if __name__ == "__main__":
    main()

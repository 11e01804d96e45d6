"""A small and a large result of the same pictures beside each other: the pictures of docs/pyramid.md.

python scripts/pyramid_pictures.py SMALL_RUN LARGE_RUN
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

FOLDER = Path("docs/pictures/pyramid")
_PART = (0.5, 0.66, 0.75, 0.94)  # left, upper, right, lower; of the bundled landscape, where the boat is


def main() -> None:
    """Write small.jpg and large.jpg, of one size, and detail.jpg: the same part of both at the large size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path)
    arguments = parser.parse_args()
    small, large = (
        Image.open(run / "image.png").convert("RGB") for run in (arguments.small, arguments.large)
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    small.save(FOLDER / "small.jpg", quality=80)
    large.resize(small.size, Image.Resampling.LANCZOS).save(FOLDER / "large.jpg", quality=80)
    parts = [_part(picture, large.width) for picture in (small, large)]
    detail = Image.new("RGB", (2 * parts[1].width + 8, parts[1].height), "white")
    detail.paste(parts[0], (0, 0))
    detail.paste(parts[1], (parts[1].width + 8, 0))
    detail.save(FOLDER / "detail.jpg", quality=75)


def _part(picture: Image.Image, width: int) -> Image.Image:
    left, upper, right, lower = _PART
    box = (left * picture.width, upper * picture.height, right * picture.width, lower * picture.height)
    factor = width / picture.width
    size = round((right - left) * width), round((lower - upper) * picture.height * factor)
    return picture.resize(size, Image.Resampling.BICUBIC, box)


if __name__ == "__main__":
    main()

"""The pictures of docs/files.md, from runs whose commands stand beside them there.

python scripts/files_pictures.py cutout cutout.png          # a bundled picture as a soft disc
python scripts/files_pictures.py grounds RUN                # a transparent result over three grounds
python scripts/files_pictures.py corners SWEEP              # two corners of each job, enlarged
python scripts/files_pictures.py seams PLAIN TILES SIDE     # how far two runs differ, and where
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from nst_tf.images.read import read_picture

PICTURES = Path(__file__).parents[1] / "docs" / "pictures" / "files"
SAMPLE = Path(__file__).parents[1] / "nst_tf" / "samples" / "still_life.jpg"
GROUNDS = ((255, 255, 255), (120, 120, 120), (20, 20, 40))
CORNER, ENLARGED = (48, 36), 3  # pixels; times
GAP = 6


def cutout(path: Path) -> None:
    """An ellipse of the still life, whose edge is a hundredth of its width."""
    with Image.open(SAMPLE) as sample:
        picture = sample.convert("RGB")
    width, height = picture.size
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse((0.15 * width, 0.1 * height, 0.85 * width, 0.9 * height), fill=255)
    picture.putalpha(mask.filter(ImageFilter.GaussianBlur(width / 150)))
    picture.save(path)


def grounds(run: Path) -> None:
    """The result over white, grey and dark blue, side by side."""
    with Image.open(run / "image.png") as result:
        result.load()
    tiles = []
    for ground in GROUNDS:
        canvas = Image.new("RGBA", result.size, ground)
        canvas.alpha_composite(result)
        tiles.append(canvas.convert("RGB"))
    _beside([tiles], "alpha")


def corners(sweep: Path) -> None:
    """The two upper corners of each job's picture, in the order of the jobs."""
    width, height = CORNER
    rows: list[list[Image.Image]] = [[], []]
    for job in sorted(sweep.glob("[0-9]*"), key=lambda path: int(path.name)):
        with Image.open(job / "image.png") as result:
            picture = result.convert("RGB")
        for row, left in zip(rows, (0, picture.width - width), strict=True):
            box = (left, 0, left + width, height)
            row.append(
                picture.crop(box).resize((ENLARGED * width, ENLARGED * height), Image.Resampling.NEAREST)
            )
    _beside(rows, "borders")


def seams(plain: Path, tiles: Path, side: int) -> None:
    """The result in tiles, and in numbers how far it is from the one made in one piece."""
    first, second = (read_picture(run / "image.png").pixels for run in (plain, tiles))
    distance = np.abs(first - second).max(axis=2)
    near = np.zeros(distance.shape, bool)
    for start in range(side, max(distance.shape), side):
        near[start - 2 : start + 2] = True
        near[:, start - 2 : start + 2] = True
    print(f"largest difference {distance.max() * 255:.2g} levels of 255; mean {distance.mean() * 255:.2g};")
    print(f"within 2 pixels of a border of tiles {distance[near].mean() * 255:.2g},")
    print(f"elsewhere {distance[~near].mean() * 255:.2g}")


def _beside(rows: list[list[Image.Image]], name: str) -> None:
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (len(rows[0]) * (width + GAP) - GAP, len(rows) * (height + GAP) - GAP), "white")
    for down, row in enumerate(rows):
        for across, tile in enumerate(row):
            sheet.paste(tile, (across * (width + GAP), down * (height + GAP)))
    PICTURES.mkdir(exist_ok=True)
    sheet.save(PICTURES / f"{name}.jpg", quality=80, subsampling=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("cutout", "grounds", "corners", "seams"))
    parser.add_argument("arguments", nargs="+")
    asked = parser.parse_args()
    paths = [Path(one) for one in asked.arguments[:2]]
    if asked.what == "seams":
        seams(*paths, int(asked.arguments[2]))
    else:
        {"cutout": cutout, "grounds": grounds, "corners": corners}[asked.what](paths[0])


if __name__ == "__main__":
    main()

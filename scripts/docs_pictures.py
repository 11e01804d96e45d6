"""The pictures of docs/, from runs whose commands stand beside them there.

python scripts/docs_pictures.py cutout cutout.png          # files: a bundled picture as a soft disc
python scripts/docs_pictures.py grounds RUN                # files: a transparent result over three grounds
python scripts/docs_pictures.py corners SWEEP              # files: two corners of each job, enlarged
python scripts/docs_pictures.py seams PLAIN TILES SIDE     # files: how far two runs differ, and where
python scripts/docs_pictures.py sizes SMALL LARGE          # pyramid: a small and a large result
python scripts/docs_pictures.py tiled PICTURE TILED        # textures: two by two, to see a seam
python scripts/docs_pictures.py gallery SWEEP FOLDER       # each job, named by the override that varies
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from PIL import Image, ImageDraw, ImageFilter

from nst_tf.images.read import read_picture
from nst_tf.images.write import write_picture

REPOSITORY = Path(__file__).parents[1]
PICTURES = REPOSITORY / "docs" / "pictures"
SAMPLE = REPOSITORY / "nst_tf" / "samples" / "still_life.jpg"
GROUNDS = ((255, 255, 255), (120, 120, 120), (20, 20, 40))
CORNER, ENLARGED = (48, 36), 3  # pixels; times
BOAT = (0.5, 0.66, 0.75, 0.94)  # left, upper, right, lower; of the bundled landscape


def cutout(path: Path) -> None:
    """An ellipse of the still life, whose edge is a hundredth of its width."""
    picture = _opened(SAMPLE)
    width, height = picture.size
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse((0.15 * width, 0.1 * height, 0.85 * width, 0.9 * height), fill=255)
    picture.putalpha(mask.filter(ImageFilter.GaussianBlur(width / 150)))
    picture.save(path)


def grounds(run: Path) -> None:
    """The result over white, grey and dark blue, side by side."""
    tiles = []
    for ground in GROUNDS:
        canvas = Image.new("RGBA", (result := _opened(run / "image.png", "RGBA")).size, ground)
        canvas.alpha_composite(result)
        tiles.append(canvas.convert("RGB"))
    _beside([tiles], 6, PICTURES / "files" / "alpha.jpg", quality=80, subsampling=0)


def corners(sweep: Path) -> None:
    """The two upper corners of each job's picture, in the order of the jobs."""
    width, height = CORNER
    rows: list[list[Image.Image]] = [[], []]
    for job in sorted(sweep.glob("[0-9]*"), key=lambda path: int(path.name)):
        picture = _opened(job / "image.png")
        for row, left in zip(rows, (0, picture.width - width), strict=True):
            size = ENLARGED * width, ENLARGED * height
            row.append(picture.resize(size, Image.Resampling.NEAREST, (left, 0, left + width, height)))
    _beside(rows, 6, PICTURES / "files" / "borders.jpg", quality=80, subsampling=0)


def seams(plain: Path, tiles: Path, side: int) -> None:
    """How far the result in tiles of this side is from the one made in one piece, in numbers."""
    first, second = (read_picture(run / "image.png").pixels for run in (plain, tiles))
    distance = 255 * np.abs(first - second).max(axis=2)
    near = np.zeros(distance.shape, bool)
    for start in range(side, max(distance.shape), side):
        near[start - 2 : start + 2] = True
        near[:, start - 2 : start + 2] = True
    print(f"largest difference {distance.max():.2g} levels of 255; mean {distance.mean():.2g};")
    print(f"within 2 pixels of a border of tiles {distance[near].mean():.2g},")
    print(f"elsewhere {distance[~near].mean():.2g}")


def sizes(small: Path, large: Path) -> None:
    """Both results at one size, and the boat in both at the large size."""
    folder = PICTURES / "pyramid"
    pictures = [_opened(run / "image.png") for run in (small, large)]
    pictures[0].save(folder / "small.jpg", quality=80)
    pictures[1].resize(pictures[0].size, Image.Resampling.LANCZOS).save(folder / "large.jpg", quality=80)
    parts, width = [], pictures[1].width
    for picture in pictures:
        left, upper, right, lower = np.multiply(BOAT, 2 * picture.size)
        factor = width / picture.width
        size = round((right - left) * factor), round((lower - upper) * factor)
        parts.append(picture.resize(size, Image.Resampling.BICUBIC, (left, upper, right, lower)))
    _beside([parts], 8, folder / "detail.jpg", quality=75)


def tiled(picture: Path, copies: Path) -> None:
    """Four copies of a picture, two by two, to see whether a texture shows its seam."""
    Image.fromarray(np.tile(np.asarray(_opened(picture)), (2, 2, 1))).save(copies, quality=90)


def gallery(sweep: Path, folder: Path) -> None:
    """Every finished run of a sweep as a JPEG file; a line says its loss and seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = sorted((file.parent for file in sweep.glob("*/run.json")), key=lambda run: int(run.name))
    overrides = {run: set(OmegaConf.load(run / ".hydra" / "overrides.yaml")) for run in runs}
    common = set.intersection(*overrides.values())
    for run in runs:
        summary = json.loads((run / "run.json").read_text())
        if summary["status"] != "completed":
            print(f"{run.name}: {summary['status']}")
            continue
        name = "_".join(Path(word.partition("=")[2]).stem for word in sorted(overrides[run] - common))
        write_picture(folder / f"{name}.jpg", read_picture(run / summary["picture"]).pixels)
        print(f"{name}: loss {summary['loss_of_saved_picture']:.4g}, {summary['seconds']['steps']:.0f} s")


def _opened(path: Path, mode: str = "RGB") -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert(mode)


def _beside(rows: list[list[Image.Image]], gap: int, path: Path, **options: int) -> None:
    """Save pictures of one size in rows, with white between them."""
    width, height = rows[0][-1].size
    sheet = Image.new("RGB", (len(rows[0]) * (width + gap) - gap, len(rows) * (height + gap) - gap), "white")
    for down, row in enumerate(rows):
        for across, tile in enumerate(row):
            sheet.paste(tile, (across * (width + gap), down * (height + gap)))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, **options)


if __name__ == "__main__":
    makers = {one.__name__: one for one in (cutout, grounds, corners, seams, sizes, tiled, gallery)}
    what, *words = sys.argv[1:] or [""]
    if what not in makers or len(words) != len(inspect.signature(makers[what]).parameters):
        sys.exit(__doc__)
    makers[what](*(int(word) if word.isdecimal() else Path(word) for word in words))

"""A small animation: a slow pan and zoom over a picture, as numbered frames and as a GIF.

python scripts/draw_samples/pan.py                              # pan/000001.png ... and pan.gif
python scripts/draw_samples/pan.py --picture photo.jpg --frames 24 --width 384 --folder frames
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

SECONDS = 0.12  # a frame is shown


def frames_of_pan(picture: Image.Image, count: int, width: int) -> list[Image.Image]:
    """``count`` views of the picture: from two thirds of it at the left to half of it at the right.

    Centre and size of the view change evenly, so that neighbouring frames differ by a shift and a scaling
    that are known: frame t shows x(t) + s(t) * p, with x and s linear in t.
    """
    frames = []
    for index in range(count):
        part = index / max(count - 1, 1)
        side = 0.68 - 0.1 * part
        left, top = 0.04 + 0.26 * part, 0.2 + 0.05 * part
        box = (
            left * picture.width,
            top * picture.height,
            (left + side) * picture.width,
            (top + side) * picture.height,
        )
        height = round(width * picture.height / picture.width)
        frames.append(picture.resize((width, height), Image.Resampling.LANCZOS, box))
    return frames


def main() -> None:
    """Write the frames and the GIF."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", default=str(Path(__file__).parents[2] / "nst_tf/samples/landscape.jpg"))
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--folder", default="pan")
    chosen = parser.parse_args()
    frames = frames_of_pan(Image.open(chosen.picture).convert("RGB"), chosen.frames, chosen.width)
    folder = Path(chosen.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, 1):
        frame.save(folder / f"{number:06d}.png")
    frames[0].save(
        folder.with_suffix(".gif"),
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 * SECONDS),
        loop=0,
    )
    print(f"{folder}/%06d.png and {folder.with_suffix('.gif')}")


if __name__ == "__main__":
    main()

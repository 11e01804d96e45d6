"""How much the frames of runs flicker: the warping error of each, by the flow of the source, and a strip.

    python scripts/measure_flicker.py CONTENT RUN [RUN ...] [--strip frames.jpg]

CONTENT is what the runs had as content=. Of each run: the root mean square, in 8-bit steps, of the difference
between a frame and the one before seen through the optical flow, where that is believed (Lai et al. 2018).
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from PIL import Image

from nst_tf.config.inputs import frames_named
from nst_tf.images.read import read_picture
from nst_tf.images.resize import resize
from nst_tf.video import DisFlow, confidence, warping_error


def flicker(content: str, run: Path) -> float:
    """Root mean square of a channel, in 8-bit steps, over all pairs of neighbouring frames."""
    files = sorted((run / "frames").glob("*.png"))
    pictures = [read_picture(file).pixels for file in files]
    frames = frames_named(content)
    sources = [resize(frames.read(index).pixels, *pictures[0].shape[:2]) for index in range(len(frames))]
    flow, errors = DisFlow(), []
    for index in range(1, len(files)):
        before, now = sources[index - 1 : index + 1]
        backward = flow(now, before)
        believed = confidence(flow(before, now), backward)
        errors.append(warping_error(pictures[index - 1], pictures[index], backward, believed))
    return 255 * math.sqrt(float(np.mean(errors)) / 3)


def strip(runs: list[Path], most: int = 5) -> Image.Image:
    """A row of frames for every run."""
    rows = []
    for run in runs:
        files = sorted((run / "frames").glob("*.png"))
        chosen = [files[round(place)] for place in np.linspace(0, len(files) - 1, min(most, len(files)))]
        rows.append(np.hstack([np.asarray(Image.open(file).convert("RGB")) for file in chosen]))
    return Image.fromarray(np.vstack(rows))


def main() -> None:
    """Print a line a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("content")
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--strip", type=Path)
    chosen = parser.parse_args()
    for run in chosen.runs:
        print(f"{run}: {flicker(chosen.content, run):.2f}")
    if chosen.strip:
        strip(chosen.runs).save(chosen.strip, quality=75)


if __name__ == "__main__":
    main()

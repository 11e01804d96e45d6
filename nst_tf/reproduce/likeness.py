"""Whether two saved pictures are the same, and if not, how far apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst_tf.images.read import read_picture


@dataclass(frozen=True)
class Likeness:
    """``identical``: every decoded pixel is; ``same_bytes``: the files are, too.

    ``psnr`` is in dB, infinite for identical pictures, and None for pictures of different sizes.
    """

    identical: bool
    same_bytes: bool
    psnr: float | None


def likeness(before: Path, after: Path) -> Likeness:
    """Compare two picture files by their decoded pixels; raises InputError for one that can't be read."""
    first, second = read_picture(before), read_picture(after)
    if first.pixels.shape != second.pixels.shape:
        return Likeness(identical=False, same_bytes=False, psnr=None)
    return Likeness(
        identical=bool(np.array_equal(first.pixels, second.pixels)),
        same_bytes=first.file == second.file,
        psnr=psnr(first.pixels, second.pixels),
    )


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(1 / mean((a - b)^2)), of pixels [H, W, 3] in [0, 1].

    The mean is over all pixels and channels; infinite for equal arrays.
    """
    error = float(np.mean(np.square(first.astype(np.float64) - second.astype(np.float64))))
    return math.inf if error == 0 else -10 * math.log10(error)

"""How the time of a step grows with the number of pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from benchmarks.transfer import seconds_a_step, small_solver
from nst_tf.objective.evaluation import WholePicture
from nst_tf.vgg.recompute import read_recomputing

# with everything kept, a pixel takes about 1.5 kB in bfloat16 (docs/memory.md): 8 megapixels are 12 GB
_MOST_KEPT = {"bfloat16": 8e6, "float32": 4e6}
_LARGE = 2e6  # pixels, from which one step is enough: it takes 8 s and more


def rows(sides: Sequence[int], precision: str, steps: int) -> Iterator[dict[str, Any]]:
    """Seconds of a step for square images.

    Sizes that would not fit recompute their activations, as ``memory=auto`` does: a third more arithmetic.
    """
    for side in sides:
        pixels = side * side
        mode, evaluation = "plain", None
        if pixels > _MOST_KEPT[precision]:
            mode, evaluation = "recompute", WholePicture(read_recomputing)
        solver = small_solver(side, side, precision, keras.optimizers.Adam(0.01), evaluation)
        seconds = min(seconds_a_step(solver, 1 if pixels > _LARGE else steps))
        solver.close()
        yield {"side": side, "megapixels": pixels / 1e6, "mode": mode, "seconds": seconds}


def exponent(found: Sequence[dict[str, Any]]) -> float:
    """Of the power law through these rows, at least two (least squares)."""
    pixels = np.log([row["megapixels"] for row in found])
    return float(np.polyfit(pixels, np.log([row["seconds"] for row in found]), 1)[0])

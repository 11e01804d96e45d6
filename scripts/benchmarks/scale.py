"""How the time of a step grows with the number of pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.lines import note
from benchmarks.native import why_not
from benchmarks.transfer import steps_of
from nst_tf.objective.evaluation import WholePicture
from nst_tf.vgg.recompute import read_recomputing

SIDES = {"bfloat16": (224, 448, 896, 1792, 4000), "float32": (224, 448, 896, 1792)}
"""16 megapixels take ten minutes a step in float32."""
# with everything kept, a pixel takes about 1.5 kB in bfloat16 (docs/memory.md): 8 megapixels are 12 GB
_MOST_KEPT = {"bfloat16": 8e6, "float32": 4e6}
_LARGE = 2e6  # pixels, from which one step is enough: it takes 8 s and more


def rows(precision: str, sides: Sequence[int] | None) -> Iterator[dict[str, Any]]:
    """Seconds of a step for square images, and at the end the exponent of the power law through them.

    Sizes that would not fit recompute their activations, as ``memory=auto`` does: a third more arithmetic.
    """
    precision = "bfloat16" if precision == "auto" else precision
    if reason := why_not(precision):
        note(reason)
        precision = "float32"
    found = []
    for side in sides or SIDES[precision]:
        recomputes = side * side > _MOST_KEPT[precision]
        evaluation = WholePicture(read_recomputing) if recomputes else None
        steps = steps_of(side, precision, evaluation=evaluation)
        seconds = steps.seconds_a_step(1, 1 if side * side > _LARGE else 2)
        del steps  # before the next size is measured
        mode = "recompute" if recomputes else "plain"
        row = {"megapixels": side * side / 1e6, "precision": precision, "mode": mode, "seconds": seconds}
        found.append((row["megapixels"], seconds))
        yield row
    if len(found) > 1:
        note(f"exponent {np.polyfit(*np.log(found).T, 1)[0]:.2f}")  # least squares

"""How the time of a step grows with the number of pixels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from benchmarks.transfer import seconds_a_step, small_solver


def measure(sides: tuple[int, ...], precision: str, steps: int) -> dict[str, Any]:
    """Seconds of a step for square images, and the exponent of a power law through them (least squares)."""
    rows = []
    for side in sides:
        solver = small_solver(side, side, precision, keras.optimizers.Adam(0.01))
        seconds = min(seconds_a_step(solver, steps))
        solver.close()
        rows.append({"side": side, "megapixels": side * side / 1e6, "seconds": seconds})
    pixels = np.log([row["megapixels"] for row in rows])
    exponent = float(np.polyfit(pixels, np.log([row["seconds"] for row in rows]), 1)[0])
    return {"precision": precision, "rows": rows, "exponent": exponent}

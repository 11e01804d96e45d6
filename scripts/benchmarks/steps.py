"""A step beside the machine's rate in a matrix product, and how its time grows with the pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.lines import note
from benchmarks.transfer import flop_of_step, seconds_of_best, steps_of
from nst_tf.machine import native_precisions, processor_name
from nst_tf.objective.evaluation import WholePicture
from nst_tf.vgg.recompute import read_recomputing

_SMALL = 768  # side of the matrices by which a precision is judged: 0.9 GFLOP, 5 ms where it is native
_LARGE = 4096  # of those that a step is compared to: large enough to be bound by arithmetic alone
_TIMES_FLOAT32 = 3.0  # emulated, a product takes 5 and more times as long as in float32
SIDES = {"bfloat16": (224, 448, 896, 1792, 4000), "float32": (224, 448, 896, 1792)}
"""16 megapixels take ten minutes a step in float32."""
# with everything kept, a pixel takes about 1.5 kB in bfloat16 (docs/memory.md): 8 megapixels are 12 GB
_MOST_KEPT = {"bfloat16": 8e6, "float32": 4e6}
_ONE_IS_ENOUGH = 2e6  # pixels, from which a step takes 8 s and more


def beside_a_product(
    sizes: Sequence[int], precisions: Sequence[str], rounds: int
) -> Iterator[dict[str, Any]]:
    """GFLOP/s of a step (Adam) and of a matrix product, in turn, the best of each over ``rounds``.

    The two are measured alternately in the same process, so that whatever else the machine does falls
    on both. A precision that the machine emulates is left out, with a line that says so.
    """
    for precision in precisions:
        if reason := why_not(precision):
            note(reason)
            continue
        for size in sizes:
            steps = steps_of(size, precision)
            product, step = [], []
            for _ in range(rounds):
                product.append(seconds_of_product(precision, _LARGE))
                step.append(steps.seconds_a_step(1, max(1, 512 // size) ** 2))
            rates = flop_of_step(size, size) / min(step) / 1e9, 2.0 * _LARGE**3 / min(product) / 1e9
            yield {
                "size": size, "precision": precision, "seconds": min(step), "step_gflops": rates[0],
                "product_gflops": rates[1], "ratio": rates[0] / rates[1],
            }  # fmt: skip


def against_pixels(precision: str, sides: Sequence[int] | None) -> Iterator[dict[str, Any]]:
    """Seconds of a step for square images, and at the end the exponent of the power law through them.

    Sizes that would not fit recompute their activations, as ``memory=auto`` does: a third more arithmetic.
    """
    precision = "bfloat16" if precision == "auto" else precision
    if reason := why_not(precision):
        note(reason)
        precision = "float32"
    found = []
    for side in sides or SIDES[precision]:
        pixels = side * side
        recomputes = pixels > _MOST_KEPT[precision]
        evaluation = WholePicture(read_recomputing) if recomputes else None
        # the step is let go before the next size is measured
        seconds = steps_of(side, precision, evaluation=evaluation).seconds_a_step(
            1, 1 if pixels > _ONE_IS_ENOUGH else 2
        )
        mode = "recompute" if recomputes else "plain"
        found.append((pixels, seconds))
        yield {"megapixels": pixels / 1e6, "precision": precision, "mode": mode, "seconds": seconds}
    if len(found) > 1:
        note(f"exponent {np.polyfit(*np.log(found).T, 1)[0]:.2f}")  # least squares


def why_not(precision: str) -> str | None:
    """The line that says why this precision is left out: emulated, it takes minutes a step. Else None.

    The processor's flags decide; where they say yes or nothing, a small product is timed besides, because
    oneDNN can be held to older instructions (``ONEDNN_MAX_CPU_ISA``), and emulates then.
    """
    if precision == "float32":
        return None
    native = native_precisions()
    if native is not None and precision not in native:
        return f"{precision} left out: this processor ({processor_name()}) emulates it"
    times = seconds_of_product(precision, _SMALL) / seconds_of_product("float32", _SMALL)
    if times > _TIMES_FLOAT32:
        return f"{precision} left out: it is emulated here, {times:.0f} times as slow as float32"
    return None


def seconds_of_product(precision: str, side: int, in_a_row: int = 1) -> float:
    """Of a product of two square matrices, in the best of 4 calls of so many products one after the other."""
    # of spread 1 / sqrt(side), so that product after product stays of one size
    one = tf.cast(tf.random.stateless_normal((side, side), seed=(0, 0)) / side**0.5, precision)

    @tf.function(autograph=False)
    def chain(left, right):
        for _ in range(in_a_row):
            left = tf.matmul(left, right)
        return left[0, 0]

    return seconds_of_best(lambda: float(chain(one, one)), calls=4) / in_a_row

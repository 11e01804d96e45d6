"""How close a whole training step comes to the machine's rate in a matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.lines import note
from benchmarks.native import seconds_of_product, why_not
from benchmarks.transfer import flop_of_step, steps_of

_SIDE = 4096  # of the matrices: large enough to be bound by arithmetic alone


def rows(sizes: tuple[int, ...], precisions: tuple[str, ...], rounds: int) -> Iterator[dict[str, Any]]:
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
                product.append(seconds_of_product(precision, _SIDE))
                step.append(steps.seconds_a_step(1, max(1, 512 // size) ** 2))
            rates = flop_of_step(size, size) / min(step) / 1e9, 2.0 * _SIDE**3 / min(product) / 1e9
            yield {
                "size": size, "precision": precision, "seconds": min(step), "step_gflops": rates[0],
                "product_gflops": rates[1], "ratio": rates[0] / rates[1],
            }  # fmt: skip

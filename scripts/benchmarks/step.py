"""How close a whole training step comes to the machine's rate in a matrix product."""

from __future__ import annotations

import time
from typing import Any

import keras
import tensorflow as tf

from benchmarks.transfer import flop_of_step, seconds_a_step, small_solver

_SIDE = 4096  # of the matrices: large enough to be bound by arithmetic alone


def measure(sizes: tuple[int, ...], precisions: tuple[str, ...], rounds: int) -> list[dict[str, Any]]:
    """GFLOP/s of a step (Adam) and of a matrix product, in turn, the best of each over ``rounds``.

    The two are measured alternately in the same process, so that whatever else the machine does falls
    on both.
    """
    rows = []
    for precision in precisions:
        for size in sizes:
            solver = small_solver(size, size, precision, keras.optimizers.Adam(0.01))
            seconds_a_step(solver, 1)
            product, step = [], []
            for _ in range(rounds):
                product.append(_seconds_of_product(precision))
                step += seconds_a_step(solver, max(1, 512 // size) ** 2)
            rates = 2.0 * _SIDE**3 / min(product) / 1e9, flop_of_step(size, size) / min(step) / 1e9
            rows.append(
                {
                    "size": size,
                    "precision": precision,
                    "seconds": min(step),
                    "step_gflops": rates[1],
                    "product_gflops": rates[0],
                    "ratio": rates[1] / rates[0],
                }
            )
            solver.close()
    return rows


def _seconds_of_product(precision: str) -> float:
    one = tf.cast(tf.random.stateless_uniform((_SIDE, _SIDE), seed=(0, 0)), precision)
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        tf.matmul(one, one)[0, 0].numpy()
        best = min(best, time.perf_counter() - began)
    return best

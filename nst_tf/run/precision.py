"""Which precision the convolutions run in: what the hardware computes fastest."""

from __future__ import annotations

import time

import tensorflow as tf

# a matrix product large enough to be bound by arithmetic: 2 * 1536^3 = 7.2 GFLOP, 35 ms at 200 GFLOP/s
_SIDE = 1536
_REPEATS = 3
# a lower precision must be this much faster than float32 to be chosen: it costs accuracy
_WORTHWHILE = 1.25


def resolved_precision(wanted: str) -> str:
    """float32, bfloat16 or float16 as they are; 'auto' is bfloat16 where it is measured to be faster.

    Matrix products of both kinds are timed side by side, the best of three each, in about a fifth of
    a second; a processor without native bfloat16 emulates it, slowly, and keeps float32.
    """
    if wanted != "auto":
        return wanted
    return "bfloat16" if _seconds("float32") > _WORTHWHILE * _seconds("bfloat16") else "float32"


def _seconds(precision: str) -> float:
    matrix = tf.cast(tf.random.stateless_uniform((_SIDE, _SIDE), seed=(0, 0)), precision)
    best = float("inf")
    for _ in range(_REPEATS + 1):  # the first one warms up and is beaten by the others
        began = time.perf_counter()
        tf.matmul(matrix, matrix)[0, 0].numpy()
        best = min(best, time.perf_counter() - began)
    return best

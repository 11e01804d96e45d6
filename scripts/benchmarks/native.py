"""Which precisions are worth measuring here: one that is emulated takes minutes a step."""

from __future__ import annotations

import time

import tensorflow as tf

from nst_tf.machine import native_precisions, processor_name

_SIDE = 768  # of the matrices: 0.9 GFLOP, 5 ms where it is native
_TIMES_FLOAT32 = 3.0  # emulated, a product takes 5 and more times as long as in float32


def why_not(precision: str) -> str | None:
    """The line that says why this precision is left out; None if it is measured.

    The processor's flags decide; where they say yes or nothing, a small product is timed besides, because
    oneDNN can be held to older instructions (``ONEDNN_MAX_CPU_ISA``), and emulates then.
    """
    if precision == "float32":
        return None
    native = native_precisions()
    if native is not None and precision not in native:
        return f"{precision} left out: this processor ({processor_name()}) emulates it"
    times = seconds_of_product(precision, _SIDE) / seconds_of_product("float32", _SIDE)
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

    best = float("inf")
    for _ in range(4):
        began = time.perf_counter()
        float(chain(one, one))
        best = min(best, time.perf_counter() - began)
    return best / in_a_row

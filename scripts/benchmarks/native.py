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


def seconds_of_product(precision: str, side: int) -> float:
    """The best of three products of two square matrices."""
    one = tf.cast(tf.random.stateless_uniform((side, side), seed=(0, 0)), precision)
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        tf.matmul(one, one)[0, 0].numpy()
        best = min(best, time.perf_counter() - began)
    return best

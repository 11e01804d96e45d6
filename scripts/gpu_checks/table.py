"""The table: milliseconds a step, and the share of the device's own rate in a matrix product."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from benchmarks.transfer import flop_of_step
from tensorflow.python.eager import context  # graphs as they run are not exported

from gpu_checks.device import Device
from gpu_checks.finding import Finding
from gpu_checks.steps import Steps, steps_of
from nst_tf.device import tensor_float_32

_SIDE = {"GPU": 8192, "CPU": 1024}  # of the matrices: large enough to be bound by arithmetic alone
_PRODUCTS = {"GPU": 16, "CPU": 2}  # in one call, one after the other
_STEPS_A_CALL = (16, 1)
_CALLS = 3


@dataclass(frozen=True)
class Row:
    """``arithmetic`` is float32, TF32 or bfloat16.

    ``layout``: "chosen" lets TensorFlow's optimizer of layouts decide, which on a GPU turns convolutions in
    float32 to NCHW; "as written" is NHWC.
    """

    size: int
    arithmetic: str
    jit_compile: bool
    layout: str

    @property
    def precision(self) -> str:
        """Of the convolutions."""
        return "float32" if self.arithmetic == "TF32" else self.arithmetic


def rows(sizes: tuple[int, ...], arithmetics: tuple[str, ...]) -> Iterator[Row]:
    """All of the table, what matters most first: a budget may end before it does."""
    for jit_compile, layout in ((False, "chosen"), (True, "chosen"), (False, "as written")):
        for size, arithmetic in itertools.product(sizes, arithmetics):
            yield Row(size, arithmetic, jit_compile, layout)


def measure(
    device: Device,
    sizes: tuple[int, ...],
    arithmetics: tuple[str, ...],
    left: Callable[[], float],
    report: Callable[[list[dict[str, Any]]], None],
) -> list[dict[str, Any]]:
    """One dictionary a row and number of steps a call; ``left`` says how many seconds of the budget are.

    A row that fails, by memory for one, says so and the others go on. ``report`` gets all so far.
    """
    found: list[dict[str, Any]] = []
    rates: dict[str, float] = {}
    for row in rows(sizes, arithmetics):
        described = {
            "size": row.size,
            "arithmetic": row.arithmetic,
            "jit_compile": row.jit_compile,
            "layout": row.layout,
        }
        if left() <= 0:
            found.append({**described, "error": "the budget was over"})
            continue
        try:
            with tensor_float_32(row.arithmetic == "TF32"), tf.device(device.name):
                if row.arithmetic not in rates:
                    rates[row.arithmetic] = _rate_of_products(device, row.precision)
                for figures in _measured(device, row, rates[row.arithmetic]):
                    found.append({**described, **figures})
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            found.append(
                {**described, "error": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}
            )
        report(found)
    return found


def _measured(device: Device, row: Row, rate: float) -> Iterator[dict[str, Any]]:
    before = tf.config.optimizer.get_experimental_options().get("layout_optimizer", True)
    tf.config.optimizer.set_experimental_options({"layout_optimizer": row.layout == "chosen"})
    try:
        steps = steps_of(row.size, row.precision, jit_compile=row.jit_compile)
        tf.config.experimental.reset_memory_stats(device.name)
        began = time.perf_counter()
        ran_in = _data_formats(steps)
        first_call = time.perf_counter() - began
        for steps_a_call in _STEPS_A_CALL:
            seconds = steps.seconds_a_step(steps_a_call, _CALLS)
            achieved = flop_of_step(row.size, row.size) / seconds
            yield {
                "steps_a_call": steps_a_call,
                "ms_a_step": 1e3 * seconds,
                "tflops": achieved / 1e12,
                "product_tflops": rate / 1e12,
                "share": achieved / rate,
                "convolutions_in": ran_in,
                "peak_bytes": tf.config.experimental.get_memory_info(device.name)["peak"],
                "seconds_of_first_call": first_call,
            }
    finally:
        tf.config.optimizer.set_experimental_options({"layout_optimizer": before})


def _data_formats(steps: Steps) -> str:
    """Make a step, which compiles it, and look in the graphs that ran: NHWC, NCHW, or how many of each.

    What XLA makes of them stands in no graph.
    """
    context.enable_run_metadata()
    try:
        steps.run(1)
        ran = context.export_run_metadata()
    finally:
        context.disable_run_metadata()
    found: dict[str, int] = {}
    for graphs in ran.function_graphs:
        graph = graphs.post_optimization_graph
        for node in (*graph.node, *(node for one in graph.library.function for node in one.node_def)):
            if "Conv2D" in node.op and "data_format" in node.attr:
                name = node.attr["data_format"].s.decode()
                found[name] = found.get(name, 0) + 1
    return next(iter(found)) if len(found) == 1 else ", ".join(f"{n} {c}" for n, c in sorted(found.items()))


def _rate_of_products(device: Device, precision: str) -> float:
    """Operations a second in products of random matrices, the best of a few calls."""
    side, products = _SIDE[device.kind], _PRODUCTS[device.kind]
    # of spread 1 / sqrt(side), so that product after product stays of one size
    one = tf.cast(tf.random.stateless_normal((side, side), seed=(0, 0)) / side**0.5, precision)

    @tf.function(autograph=False)
    def chain(left, right):
        for _ in range(products):
            left = tf.matmul(left, right)
        return left[0, 0]

    best = float("inf")
    for _ in range(_CALLS + 1):
        began = time.perf_counter()
        float(chain(one, one))
        best = min(best, time.perf_counter() - began)
    return products * 2.0 * side**3 / best


def failures(rows: list[dict[str, Any]]) -> list[Finding]:
    """A finding that says which rows have no figure, whatever the reason."""
    failed = [row for row in rows if "error" in row]
    detail = f"{len(rows) - len(failed)} figures, {len(failed)} rows without one"
    return [Finding("every row of the table was measured", not failed, detail)]

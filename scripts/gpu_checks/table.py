"""Milliseconds a step, beside the device's own rate in a matrix product; and by the statistic of style."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import tensorflow as tf
from benchmarks.lines import Finding
from benchmarks.steps import seconds_of_product
from benchmarks.transfer import Steps, flop_of_step, losses_with, steps_of
from tensorflow.python.eager import context  # graphs as they run are not exported

from gpu_checks.device import Device
from nst_tf.device import tensor_float_32
from nst_tf.objective.evaluation import WholePicture
from nst_tf.statistics import Covariance, GaussianWasserstein, Gram, SlicedWasserstein, Statistic

_PRODUCTS = {"GPU": (8192, 16), "CPU": (1024, 2)}  # side of the matrices, and products in a call
_STEPS_A_CALL = (16, 1)
_CALLS = 3
# of style: the default's decomposes matrices at every step
STATISTICS: dict[str, Statistic] = {
    "gram": Gram(),
    "covariance": Covariance(),
    "wasserstein (the default)": GaussianWasserstein(epsilon=0.0),
    "sliced_wasserstein": SlicedWasserstein(),
}


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


def rows(sizes: Sequence[int], arithmetics: Sequence[str]) -> Iterator[Row]:
    """All of the table, what matters most first: a budget may end before it does."""
    for jit_compile, layout in ((False, "chosen"), (True, "chosen"), (False, "as written")):
        for size, arithmetic in itertools.product(sizes, arithmetics):
            yield Row(size, arithmetic, jit_compile, layout)


def measure(
    device: Device, sizes: Sequence[int], arithmetics: Sequence[str], left: Callable[[], float]
) -> Iterator[dict[str, Any] | Finding]:
    """One dictionary a row and number of steps a call; ``left`` says how many seconds of the budget are.

    A row that fails, by memory for one, says so and the others go on.
    """
    told: list[dict[str, Any]] = []
    rates: dict[str, float] = {}
    for row in rows(sizes, arithmetics):
        try:
            if left() <= 0:
                raise RuntimeError("the budget was over")
            with tensor_float_32(row.arithmetic == "TF32"), tf.device(device.name):
                if row.arithmetic not in rates:
                    side, count = _PRODUCTS[device.kind]
                    rates[row.arithmetic] = 2.0 * side**3 / seconds_of_product(row.precision, side, count)
                found = [asdict(row) | figures for figures in _measured(device, row, rates[row.arithmetic])]
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            found = [asdict(row) | {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}]
        told += found
        yield from found
    yield from failures(told)


def measure_statistics(device: Device, size: int, precision: str) -> Iterator[dict[str, Any]]:
    """What the statistics of style cost beside the network, at ``size`` x ``size`` pixels."""
    for name, statistic in STATISTICS.items():
        with tf.device(device.name):
            seconds = steps_of(size, precision, losses=losses_with(statistic)).seconds_a_step(4, 2)
        yield {"statistic_of_style": name, "size": size, "precision": precision, "ms_a_step": 1e3 * seconds}


def failures(rows: list[dict[str, Any]]) -> list[Finding]:
    """A finding that says which rows have no figure, whatever the reason."""
    failed = [row for row in rows if "error" in row]
    detail = f"{len(rows) - len(failed)} figures, {len(failed)} rows without one"
    return [Finding("every row of the table was measured", not failed, detail)]


def _measured(device: Device, row: Row, rate: float) -> Iterator[dict[str, Any]]:
    before = tf.config.optimizer.get_experimental_options().get("layout_optimizer", True)
    tf.config.optimizer.set_experimental_options({"layout_optimizer": row.layout == "chosen"})
    try:
        steps = steps_of(row.size, row.precision, evaluation=WholePicture(jit_compile=row.jit_compile))
        tf.config.experimental.reset_memory_stats(device.name)
        began = time.perf_counter()
        ran_in = _data_formats(steps)
        first_call = time.perf_counter() - began
        for steps_a_call in _STEPS_A_CALL:
            seconds = steps.seconds_a_step(steps_a_call, _CALLS)
            achieved = flop_of_step(row.size, row.size) / seconds
            yield {
                "convolutions_in": ran_in, "steps_a_call": steps_a_call, "ms_a_step": 1e3 * seconds,
                "TFLOP/s": achieved / 1e12, "matrix_product": rate / 1e12, "share": achieved / rate,
                "peak_GiB": device.peak_bytes() / 2**30, "seconds_of_first_call": first_call,
            }  # fmt: skip
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
    graphs = [graphs.post_optimization_graph for graphs in ran.function_graphs]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for graph in graphs for function in graph.library.function for node in function.node_def]
    found = Counter(
        node.attr["data_format"].s.decode()
        for node in nodes
        if "Conv2D" in node.op and "data_format" in node.attr
    )
    return next(iter(found)) if len(found) == 1 else ", ".join(f"{n} {c}" for n, c in sorted(found.items()))

"""Whether memory on the device grows with the picture as ``memory=auto`` estimates."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from benchmarks.lines import Finding
from benchmarks.transfer import CONTENT, STYLE, steps_of

from gpu_checks.device import Device
from nst_tf.runs.memory import Demand, Mode, peak_bytes

GIB = 2**30
_NUMBER = {"float32": 4, "bfloat16": 2}  # bytes
_STATE = 4.0  # images that Adam holds, as nst_tf/runs/memory.py counts them
# of estimated bytes a pixel: more would not fit where it is said to; half as much would refuse what fits
_LEAST, _MOST = 0.5, 1.1
_TELLING = 512  # pixels, below which scratch memory of the convolutions hides what grows


def measure(device: Device, sizes: tuple[int, ...], precision: str) -> Iterator[dict[str, Any] | Finding]:
    """Peak of TensorFlow's allocator beside the estimate, and bytes a pixel between the two largest sizes."""
    rows = []
    for size in sizes:
        gc.collect()  # what earlier sections left
        with tf.device(device.name):
            steps = steps_of(size, precision)
            tf.config.experimental.reset_memory_stats(device.name)
            steps.run(2)
        peak = device.peak_bytes()
        del steps  # before the next size is measured
        demand = Demand(
            shape=(size, size), styles=[(size, size)], architecture="vgg19", content_layers=[CONTENT],
            style_layers=STYLE, number=_NUMBER[precision], state=_STATE,
        )  # fmt: skip
        rows.append((size**2, peak, estimate := peak_bytes(demand, Mode.plain)))
        row = {"size": size, "precision": precision, "peak_GiB": peak / GIB, "estimate_GiB": estimate / GIB}
        yield row
        detail = f"{row['peak_GiB']:.2f} of {row['estimate_GiB']:.2f} GiB"
        yield Finding(f"memory at {size} pixels is at most the estimate", peak <= estimate, detail)
    pixels, peaks, estimates = (large - small for small, large in zip(*rows[-2:], strict=True))
    holds = _LEAST <= peaks / estimates <= _MOST if max(sizes) >= _TELLING else None
    detail = f"{peaks / pixels:.0f} bytes a pixel, estimated {estimates / pixels:.0f}"
    yield Finding(f"memory grows as estimated, {precision}", holds, detail)

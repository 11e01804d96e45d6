"""Whether memory on the device grows with the picture as ``memory=auto`` estimates."""

from __future__ import annotations

import gc
from typing import Any

import tensorflow as tf
from benchmarks.transfer import CONTENT, STYLE

from gpu_checks.device import Device
from gpu_checks.finding import Finding
from gpu_checks.steps import steps_of
from nst_tf.runs.memory import Demand, Mode, peak_bytes

_NUMBER = {"float32": 4, "bfloat16": 2, "float16": 2}  # bytes
_STATE = 4.0  # images that Adam holds, as nst_tf/runs/memory.py counts them
# of estimated bytes a pixel: more would not fit where it is said to; half as much would refuse what fits
_LEAST, _MOST = 0.5, 1.1
_TELLING = 512  # pixels, below which scratch memory of the convolutions hides what grows


def measure(
    device: Device, sizes: tuple[int, ...], precision: str
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Peak of TensorFlow's allocator beside the estimate, and bytes a pixel between the two largest sizes."""
    rows = []
    for size in sizes:
        gc.collect()  # what earlier sections left
        with tf.device(device.name):
            steps = steps_of(size, precision)
            tf.config.experimental.reset_memory_stats(device.name)
            steps.run(2)
        peak = tf.config.experimental.get_memory_info(device.name)["peak"]
        demand = Demand(
            shape=(size, size), styles=[(size, size)], architecture="vgg19", content_layers=[CONTENT],
            style_layers=STYLE, number=_NUMBER[precision], state=_STATE,
        )  # fmt: skip
        rows.append(
            {
                "size": size,
                "precision": precision,
                "peak_bytes": peak,
                "estimated_bytes": peak_bytes(demand, Mode.plain),
            }
        )
        del steps  # before the next size is measured
    small, large = rows[-2:]
    pixels = large["size"] ** 2 - small["size"] ** 2
    measured, estimated = ((large[name] - small[name]) / pixels for name in ("peak_bytes", "estimated_bytes"))
    holds = _LEAST <= measured / estimated <= _MOST if large["size"] >= _TELLING else None
    detail = f"{measured:.0f} bytes a pixel, estimated {estimated:.0f}"
    found = [Finding(f"memory grows as estimated, {precision}", holds, detail)]
    for row in rows:
        fits = row["peak_bytes"] <= row["estimated_bytes"]
        detail = f"{row['peak_bytes'] / 2**30:.2f} of {row['estimated_bytes'] / 2**30:.2f} GiB"
        found.append(Finding(f"memory at {row['size']} pixels is at most the estimate", fits, detail))
    return rows, found

"""What must hold on a device: the CPU's results, the same bits twice, no copies, memory as estimated."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from benchmarks.lines import Finding
from benchmarks.transfer import CONTENT, STYLE, Steps, steps_of
from tensorflow.python.framework import config as framework_config  # switching it off is not exported

from gpu_checks.device import Device
from gpu_checks.memory_spaces import copies_to_the_host, kernels_of_a_gpu_are_known
from nst_tf.config.schema import picture_path
from nst_tf.device import selecting, tensor_float_32
from nst_tf.optim import LBFGS, TorchLBFGS
from nst_tf.runs.memory import Demand, Mode, peak_bytes

_MADE = 20  # steps, before results are compared
_PICTURES = picture_path("samples/landscape.jpg"), picture_path("samples/brush_strokes.jpg")
_OF_IMAGE = 1e-3  # root mean square of the difference over that of the CPU's image
_OF_LOSS = {"float32": 1e-3, "bfloat16": 0.02, "float16": 0.02}
OPTIMIZERS = {
    "Adam": lambda: keras.optimizers.Adam(0.01),
    "L-BFGS": lambda: LBFGS(history_size=20, octaves=5),
}
_IN_A_CALL = 16  # steps, whose copies are counted
_COPY = "MemcpyD2H"  # as CUPTI's activities are named in TensorFlow's profile
GIB = 2**30
_NUMBER = {"float32": 4, "bfloat16": 2}  # bytes
_STATE = 4.0  # images that Adam holds, as nst_tf/runs/memory.py counts them
# of estimated bytes a pixel: more would not fit where it is said to; half as much would refuse what fits
_LEAST, _MOST = 0.5, 1.1
_TELLING = 512  # pixels, below which scratch memory of the convolutions hides what grows


def measure_agreement(device: Device, size: int, precisions: tuple[str, ...]) -> Iterator[Finding]:
    """After 20 steps from the content: float32 without TF32 in image and loss, lower precisions in the loss.

    Two bundled pictures: of noise, whose targets are all alike, lower precisions keep less. Every loss is
    the CPU's in float32. L-BFGS in a lower precision is told and not judged: it divides differences of
    gradients, and on one CPU its 20th evaluation is 8 % apart where Adam's step is 0.2 %.
    """
    with tensor_float_32(False):
        for name in OPTIMIZERS:
            cpu = _made("CPU:0", size, "float32", name)
            image, loss = cpu.image, cpu.loss()
            for precision in precisions:
                own_image = _made(device.name, size, precision, name).image
                cpu.step.state.parameters.assign(own_image[np.newaxis])
                of_loss = abs(cpu.loss() - loss) / loss
                holds: bool | None = of_loss <= _OF_LOSS[precision]
                detail = f"loss within {of_loss:.1e} (at most {_OF_LOSS[precision]:g})"
                if precision == "float32":
                    of_image = float(np.linalg.norm(own_image - image) / np.linalg.norm(image))
                    detail += f", image within {of_image:.1e} (at most {_OF_IMAGE:g})"
                    holds = bool(holds) and of_image <= _OF_IMAGE
                elif name != "Adam":
                    detail, holds = f"loss within {of_loss:.1e}", None
                yield Finding(f"{precision} as on the CPU, {name}, {_MADE} steps", holds, detail)


def measure_determinism(device: Device, size: int) -> Iterator[Finding]:
    """Whether two runs of 20 steps with ``deterministic=true`` end with the same bits."""
    with deterministic():
        for name in OPTIMIZERS:
            one, other = (_made(device.name, size, "float32", name).image for _ in range(2))
            differing = int((one.view(np.uint32) != other.view(np.uint32)).sum())
            detail = f"{differing} of {one.size} numbers differ"
            yield Finding(f"deterministic, {name}, {_MADE} steps", differing == 0, detail)


def _made(device: str, size: int, precision: str, optimizer: str) -> Steps:
    with tf.device(device):
        steps = steps_of(size, precision, OPTIMIZERS[optimizer](), pictures=_PICTURES)
        steps.run(_MADE)
    return steps


@contextmanager
def deterministic() -> Iterator[None]:
    """Only operations that give the same bits every time."""
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        framework_config.disable_op_determinism()


def measure_copies(device: Device, size: int) -> Iterator[Finding]:
    """By the graph, which needs no GPU; and on one by TensorFlow's profile of a call.

    A call copies its losses to the host at its end. So one of 16 steps must copy no more often than one
    of a single step.
    """
    for name, make in {**OPTIMIZERS, "torch's L-BFGS": lambda: TorchLBFGS(history_size=5)}.items():
        with selecting(), tf.device(device.name):
            steps = steps_of(size, "float32", make())
            if kernels_of_a_gpu_are_known():
                copies = copies_to_the_host(steps.traced())
                detail = "; ".join(copies) or "no tensor"
                yield Finding(f"copies to the host by the graph, {name}", not copies, detail)
            holds, detail = None, "a profile of a GPU needs one"
            if device.is_gpu:
                steps.run(1), steps.run(_IN_A_CALL)  # compiled and warm
                one, several = (copies_in(_profile_of(steps, count)) for count in (1, _IN_A_CALL))
                holds = 0 < several <= one
                detail = f"{several} in a call of {_IN_A_CALL} steps, {one} in one of 1"
            yield Finding(f"copies to the host by the profile, {name}", holds, detail)


def _profile_of(steps: Steps, count: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            steps.run(count)
        return next(Path(folder).rglob("*.xplane.pb")).read_bytes()


def copies_in(profile: bytes) -> int:
    """Copies from a GPU to the host in a serialized XSpace."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    return sum(
        plane.event_metadata[event.metadata_id].name.startswith(_COPY)
        for plane in xplane_pb2.XSpace.FromString(profile).planes
        if plane.name.startswith("/device:GPU:")
        for line in plane.lines
        for event in line.events
    )


def measure_growth(
    device: Device, sizes: tuple[int, ...], precision: str
) -> Iterator[dict[str, Any] | Finding]:
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

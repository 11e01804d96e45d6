"""Whether anything goes from the device to the host while steps are made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from benchmarks.lines import Finding
from benchmarks.transfer import Steps, steps_of

from gpu_checks.agreement import OPTIMIZERS
from gpu_checks.device import Device
from gpu_checks.memory_spaces import copies_to_the_host, kernels_of_a_gpu_are_known
from nst_tf.device import selecting
from nst_tf.optim import TorchLBFGS

_STEPS = 16
_COPY = "MemcpyD2H"  # as CUPTI's activities are named in TensorFlow's profile


def measure(device: Device, size: int) -> Iterator[Finding]:
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
                steps.run(1), steps.run(_STEPS)  # compiled and warm
                one, several = (copies_in(_profile_of(steps, count)) for count in (1, _STEPS))
                holds = 0 < several <= one
                detail = f"{several} in a call of {_STEPS} steps, {one} in one of 1"
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

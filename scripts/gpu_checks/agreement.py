"""Whether results on the device are those of the CPU, and the same every time."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from gpu_checks.device import Device, deterministic, tensor_float_32
from gpu_checks.finding import Finding
from gpu_checks.steps import Steps, steps_of
from nst_tf.optimizers import LBFGS

_STEPS = 20
_OF_IMAGE = 1e-3  # root mean square of the difference over that of the CPU's image
_OF_LOSS = {"float32": 1e-3, "bfloat16": 0.02, "float16": 0.02}
OPTIMIZERS = {
    "Adam": lambda: keras.optimizers.Adam(0.01),
    "L-BFGS": lambda: LBFGS(history_size=20, octaves=5),
}


def measure(device: Device, size: int, precisions: tuple[str, ...]) -> list[Finding]:
    """After 20 steps float32, without TF32, in image and loss; lower precisions in the loss of one image.

    That image is where the CPU came to in float32. Where a lower precision itself comes to is told as well:
    its gradients differ in their third digit, and twenty steps of L-BFGS on noise lead elsewhere.
    """
    found = []
    with tensor_float_32(False):
        for name, make in OPTIMIZERS.items():
            cpu = _made("CPU:0", size, "float32", make)
            image, loss = cpu.image, cpu.loss()
            for precision in precisions:
                there = _made(device.name, size, precision, make)
                own_image = there.image
                own_loss = there.loss()
                there.step.image.assign(image[np.newaxis])
                of_loss = abs(there.loss() - loss) / loss
                detail = f"loss of one image within {of_loss:.1e} (at most {_OF_LOSS[precision]:g})"
                detail += f", own loss within {abs(own_loss - loss) / loss:.1e}"
                holds = of_loss <= _OF_LOSS[precision]
                if precision == "float32":
                    of_image = float(np.linalg.norm(own_image - image) / np.linalg.norm(image))
                    detail += f", own image within {of_image:.1e} (at most {_OF_IMAGE:g})"
                    holds = holds and of_image <= _OF_IMAGE
                found.append(Finding(f"{precision} as on the CPU, {name}, {_STEPS} steps", holds, detail))
    return found


def measure_determinism(device: Device, size: int) -> list[Finding]:
    """Whether two runs of 20 steps with ``deterministic=true`` end with the same bits."""
    found = []
    with deterministic():
        for name, make in OPTIMIZERS.items():
            one, other = (_made(device.name, size, "float32", make).image for _ in range(2))
            differing = int((one.view(np.uint32) != other.view(np.uint32)).sum())
            detail = f"{differing} of {one.size} numbers differ"
            found.append(Finding(f"deterministic, {name}, {_STEPS} steps", differing == 0, detail))
    return found


def _made(device: str, size: int, precision: str, make) -> Steps:
    with tf.device(device):
        steps = steps_of(size, precision, make())
        steps.run(_STEPS)
    return steps

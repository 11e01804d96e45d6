"""Whether results on the device are those of the CPU, and the same every time."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from benchmarks.lines import Finding
from benchmarks.transfer import Steps, steps_of

from gpu_checks.device import Device, deterministic
from nst_tf.config.schema import picture_path
from nst_tf.device import tensor_float_32
from nst_tf.optim import LBFGS

_STEPS = 20
_PICTURES = picture_path("samples/landscape.jpg"), picture_path("samples/brush_strokes.jpg")
_OF_IMAGE = 1e-3  # root mean square of the difference over that of the CPU's image
_OF_LOSS = {"float32": 1e-3, "bfloat16": 0.02, "float16": 0.02}
OPTIMIZERS = {
    "Adam": lambda: keras.optimizers.Adam(0.01),
    "L-BFGS": lambda: LBFGS(history_size=20, octaves=5),
}


def measure(device: Device, size: int, precisions: tuple[str, ...]) -> Iterator[Finding]:
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
                cpu.step.state.image.assign(own_image[np.newaxis])
                of_loss = abs(cpu.loss() - loss) / loss
                holds: bool | None = of_loss <= _OF_LOSS[precision]
                detail = f"loss within {of_loss:.1e} (at most {_OF_LOSS[precision]:g})"
                if precision == "float32":
                    of_image = float(np.linalg.norm(own_image - image) / np.linalg.norm(image))
                    detail += f", image within {of_image:.1e} (at most {_OF_IMAGE:g})"
                    holds = bool(holds) and of_image <= _OF_IMAGE
                elif name != "Adam":
                    detail, holds = f"loss within {of_loss:.1e}", None
                yield Finding(f"{precision} as on the CPU, {name}, {_STEPS} steps", holds, detail)


def measure_determinism(device: Device, size: int) -> Iterator[Finding]:
    """Whether two runs of 20 steps with ``deterministic=true`` end with the same bits."""
    with deterministic():
        for name in OPTIMIZERS:
            one, other = (_made(device.name, size, "float32", name).image for _ in range(2))
            differing = int((one.view(np.uint32) != other.view(np.uint32)).sum())
            detail = f"{differing} of {one.size} numbers differ"
            yield Finding(f"deterministic, {name}, {_STEPS} steps", differing == 0, detail)


def _made(device: str, size: int, precision: str, optimizer: str) -> Steps:
    with tf.device(device):
        steps = steps_of(size, precision, OPTIMIZERS[optimizer](), pictures=_PICTURES)
        steps.run(_STEPS)
    return steps

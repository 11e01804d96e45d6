"""A compiled step of a transfer of any size, as the solver compiles it, outside of the solver's loop."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from benchmarks.transfer import small_transfer

from nst_tf.objective import BoundObjective
from nst_tf.objective.evaluation import WholePicture
from nst_tf.optim.step import CompiledStep, CompiledSteps, StepRequest
from nst_tf.statistics import Statistic


@dataclass(frozen=True)
class Steps:
    """The step and what it is bound to."""

    step: CompiledStep
    bound: BoundObjective

    def run(self, count: int) -> np.ndarray:
        """Make so many steps in one call -> losses before each [count]; waits until they are made."""
        return self.step(count, self.bound.targets, self.bound.weights)[:, 1]

    def traced(self) -> Any:
        """The concrete function of the step."""
        return self.step.trace(self.bound.targets, self.bound.weights)

    def loss(self) -> float:
        """Of the image as it is now."""
        image = self.step.state.image.read_value()
        return float(self.step.parts_of(image, self.bound.targets, self.bound.weights).sum())

    @property
    def image(self) -> np.ndarray:
        """[H, W, 3] as it is now."""
        return self.step.state.image.numpy()[0]

    def seconds_a_step(self, steps_a_call: int, calls: int) -> float:
        """The best of so many calls, divided by its steps, after one that is left out: it compiles."""
        self.run(steps_a_call)
        best = float("inf")
        for _ in range(calls):
            began = time.perf_counter()
            self.run(steps_a_call)
            best = min(best, (time.perf_counter() - began) / steps_a_call)
        return best


def steps_of(
    size: int,
    precision: str = "float32",
    optimizer: keras.optimizers.Optimizer | None = None,
    *,
    jit_compile: bool = False,
    pictures: tuple[Path, Path] | None = None,
    statistic: Statistic | None = None,
) -> Steps:
    """For a square image of ``size``, on the device whose scope this is called in; by default Adam.

    It begins with noise, or with the content of the ``pictures``. By default with Gram matrices.
    """
    evaluation = WholePicture(jit_compile=jit_compile)
    bound, content = small_transfer(size, size, precision, evaluation, pictures, statistic)
    noise = np.random.default_rng(1).uniform(0, 1, content.shape).astype(np.float32)
    start = noise if pictures is None else content
    optimizer = optimizer or keras.optimizers.Adam(0.01)
    step = CompiledSteps().take(StepRequest(bound, start, optimizer))
    return Steps(step, bound)

"""A style transfer of any size and precision, ready to step: what the benchmarks time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nst_tf.images.read import read_picture
from nst_tf.images.resize import resize
from nst_tf.losses import ContentLoss, StyleLoss
from nst_tf.objective import BoundObjective, Objective, StyleImage
from nst_tf.objective.evaluation import Evaluation
from nst_tf.optim.step import CompiledStep, CompiledSteps, StepRequest
from nst_tf.statistics import Gram, Statistic
from nst_tf.vgg.layers import ARCHITECTURES
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.weights import untrained

# those of Gatys et al. 2016, section 3
CONTENT = "block4_conv2"
STYLE = tuple(f"block{block}_conv1" for block in range(1, 6))
# VGG-19 up to block5_conv1: input and output channels of the convolutions of each block
_BLOCKS = (
    ((3, 64), (64, 64)),
    ((64, 128), (128, 128)),
    ((128, 256), (256, 256), (256, 256), (256, 256)),
    ((256, 512), (512, 512), (512, 512), (512, 512)),
    ((512, 512),),
)
Losses = tuple[ContentLoss, StyleLoss]


def seconds_of_best(call: Callable[[], object], calls: int) -> float:
    """Of the fastest of so many calls: what else the machine does can only make one slower."""
    seconds = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def flop_of_step(height: int, width: int) -> float:
    """Floating-point operations of the convolutions of one step: forward, and backward to the image.

    A 3 x 3 convolution takes 2 * 9 * in * out at every position, and its gradient with respect to its
    input as many. Gram matrices (4.7 % as many at every size), poolings and the optimizer are left out.
    """
    forward = 0.0
    for block, convolutions in enumerate(_BLOCKS):
        positions = (height >> block) * (width >> block)
        forward += sum(2.0 * 9 * before * after * positions for before, after in convolutions)
    return 2 * forward


def losses_with(statistic: Statistic) -> Losses:
    """Of content and style, as ``torch_peer.py`` weighs them, too."""
    return ContentLoss({CONTENT: 1.0}), StyleLoss(dict.fromkeys(STYLE, 0.2), 1e3, statistic)


def small_transfer(
    height: int,
    width: int,
    precision: str,
    evaluation: Evaluation | None = None,
    pictures: tuple[Path, Path] | None = None,
    losses: Losses | None = None,
) -> tuple[BoundObjective, np.ndarray]:
    """Objective and content [H, W, 3] of a transfer of this size; random weights take as long as others.

    So do random pictures, in the place of files of a content and a style. By default with Gram matrices.
    """
    if pictures is None:
        content, style = np.random.default_rng(0).uniform(0, 1, (2, height, width, 3)).astype(np.float32)
    else:
        content, style = (resize(read_picture(file).pixels, height, width) for file in pictures)
    extractor = FeatureExtractor(untrained(ARCHITECTURES["vgg19"], 0), (CONTENT, *STYLE), precision=precision)
    objective = Objective(extractor, *(losses or losses_with(Gram())), evaluation=evaluation)
    return objective.bind(content, [StyleImage(style)]), content


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
        image = self.step.state.image
        return float(self.step.parts_of(image, self.bound.targets, self.bound.weights).sum())

    @property
    def image(self) -> np.ndarray:
        """[H, W, 3] as it is now."""
        return self.step.state.image.numpy()[0]

    def seconds_a_step(self, steps_a_call: int, calls: int) -> float:
        """The best of so many calls, divided by its steps, after one that is left out: it compiles."""
        self.run(steps_a_call)
        return seconds_of_best(lambda: self.run(steps_a_call), calls) / steps_a_call


def steps_of(
    size: int,
    precision: str = "float32",
    optimizer: keras.optimizers.Optimizer | None = None,
    *,
    evaluation: Evaluation | None = None,
    pictures: tuple[Path, Path] | None = None,
    losses: Losses | None = None,
) -> Steps:
    """For a square image of ``size``, on the device whose scope this is called in; by default Adam.

    It begins with noise, or with the content of the ``pictures``. By default with Gram matrices.
    """
    bound, content = small_transfer(size, size, precision, evaluation, pictures, losses)
    noise = np.random.default_rng(1).uniform(0, 1, content.shape).astype(np.float32)
    start = noise if pictures is None else content
    optimizer = optimizer or keras.optimizers.Adam(0.01)
    return Steps(CompiledSteps().take(StepRequest(bound, start, optimizer)), bound)

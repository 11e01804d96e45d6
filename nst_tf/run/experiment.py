"""Everything that one run needs, as objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from nst_tf.balance import Balance, GivenBalance
from nst_tf.colour import Colour, Unchanged
from nst_tf.images.resize import resize
from nst_tf.losses import TemporalTarget
from nst_tf.objective import Objective, StyleImage
from nst_tf.pyramid import Pyramid, Scale
from nst_tf.regions import Regions
from nst_tf.run.planned_sizes import PlannedSizes, planned_sizes
from nst_tf.run.shapes import Shape, shapes_at
from nst_tf.solver import CompiledSteps, Patience
from nst_tf.start import Start


@dataclass(frozen=True)
class Experiment:
    """Everything that one run needs, as objects. Pictures are [H, W, 3] in [0, 1], of any sizes.

    ``stretch`` "none" keeps the aspect ratio of every picture; "style" stretches the styles to the
    content's height and width, as the Keras example does; "square" stretches all to size x size, as
    b06b01073 does. ``style_scales``: of each style, what its long side is multiplied by.
    ``circular``: the picture is a torus. ``multiple``: sides of the result are rounded to one of these.
    """

    content: np.ndarray
    styles: tuple[StyleImage, ...]
    objective: Objective
    optimizer: keras.optimizers.Optimizer
    start: Start
    pyramid: Pyramid
    size: int
    style_size: int
    steps: int
    balance: Balance = field(default_factory=GivenBalance)
    seed: int = 0
    clip: bool = True
    keep_best: bool = True
    average: float | None = None
    stretch: str = "none"
    regions: Regions | None = None
    """Of content and styles, in masks of any sizes."""
    bits: int = 8
    """A channel, of the file in which the result is saved."""
    style_scales: tuple[float, ...] | None = None
    circular: bool = False
    multiple: int = 1
    image_every: int = 0
    waiting: CompiledSteps | None = None
    """Compiled steps of earlier runs."""
    resize: Callable[[np.ndarray, int, int], np.ndarray] = resize
    """A picture at a height and width."""
    patience: Patience | None = None
    before: TemporalTarget | None = None
    """In an animation, what the frame before says of this one; its size is that of the only scale."""
    colour: Colour = field(default_factory=Unchanged)

    @property
    def scales(self) -> list[Scale]:
        """The sizes of the plan, from coarse to fine, without those at which a picture would be too small."""
        return self._planned.scales

    @property
    def skipped(self) -> str | None:
        """One line about the sizes of the plan that are left out, and why; None if all are made."""
        plan = self._planned
        if plan.first == 0:
            return None
        sizes = ", ".join(str(scale.size) for scale in plan.planned[: plan.first])
        return (
            f"the pyramid begins at {plan.scales[0].size} pixels instead of {plan.planned[0].size}, without"
            f" the steps of {sizes}: {plan.obstacle}"
        )

    def shapes_at(self, scale: Scale) -> tuple[Shape, list[Shape]]:
        """Height and width of the result and of each style at one size; InputError as ``shapes_at``."""
        content, *styles = (
            (pixels.shape[0], pixels.shape[1])
            for pixels in (self.content, *(style.pixels for style in self.styles))
        )
        return shapes_at(
            scale.size,
            scale.style_size,
            content,
            styles,
            self.stretch,
            self.style_scales,
            self.multiple,
        )

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Height and width of the image at each size; InputError if a picture is too small at the last."""
        return tuple(self.shapes_at(scale)[0] for scale in self.scales)

    @property
    def _planned(self) -> PlannedSizes:
        return planned_sizes(self.pyramid.scales(self.size, self.style_size, self.steps), self.shapes_at)
